-- What happened, in the transaction in which it did. No foreign keys: they could block history, or erase it.
CREATE TABLE finance_events (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number bigserial, -- for pages of history
  schema_version int NOT NULL DEFAULT 1,
  type text NOT NULL,
  entity_id int,
  org_id int NOT NULL,
  property_id int NOT NULL,
  dates text[] NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  user_id int NOT NULL
);
CREATE INDEX ON finance_events (org_id, property_id, number);
CREATE INDEX ON finance_events (org_id, entity_id, number);
CREATE INDEX ON finance_events (org_id, type, at);

CREATE FUNCTION finance_events_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'finance_events is append-only';
END $$;
CREATE TRIGGER finance_events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON finance_events
  FOR EACH STATEMENT EXECUTE FUNCTION finance_events_only_grow();

-- Which events the broker need not deliver any more.
CREATE TABLE event_deliveries (event_id uuid PRIMARY KEY);

-- What frontends are told. Numbers are taken under the lock of the organisation's row in `feeds`, so that they become
-- visible in their order: whoever reads on from a number misses none. Those of a sequence would not.
CREATE TABLE feeds (org_id int PRIMARY KEY, last int NOT NULL);
CREATE TABLE notifications (
  org_id int NOT NULL,
  number int NOT NULL,
  event_id uuid NOT NULL UNIQUE,
  read_after text NOT NULL,
  PRIMARY KEY (org_id, number)
);
