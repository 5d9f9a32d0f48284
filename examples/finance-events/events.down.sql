DROP TABLE notifications, feeds, event_deliveries, finance_events;
DROP OWNED BY finance_service;
DROP ROLE finance_service;
