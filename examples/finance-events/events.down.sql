DROP TABLE notifications, feeds, event_deliveries, finance_events;
DROP FUNCTION finance_events_only_grow();
