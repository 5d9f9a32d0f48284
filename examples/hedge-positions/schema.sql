-- What an entity may hedge in a currency is its net asset value there, less the hedges it has already.
CREATE TABLE position_nav_master (
  entity_id int NOT NULL,
  currency text NOT NULL,
  nav int NOT NULL,
  PRIMARY KEY (entity_id, currency)
);
CREATE TABLE hedge_instructions (
  id serial PRIMARY KEY,
  entity_id int NOT NULL,
  currency text NOT NULL,
  amount int NOT NULL CHECK (amount > 0),
  FOREIGN KEY (entity_id, currency) REFERENCES position_nav_master
);
CREATE TABLE deal_bookings (
  id serial PRIMARY KEY,
  hedge_id int NOT NULL REFERENCES hedge_instructions,
  entity_id int NOT NULL,
  currency text NOT NULL,
  amount int NOT NULL
);
CREATE TABLE gl_entries (
  id serial PRIMARY KEY,
  entity_id int NOT NULL,
  currency text NOT NULL,
  amount int NOT NULL
);

CREATE VIEW v_available_amounts AS
  SELECT entity_id, currency, nav::int, hedged::int, (nav - hedged)::int AS available
  FROM position_nav_master n, LATERAL (
    SELECT coalesce(sum(amount), 0) AS hedged FROM hedge_instructions h
    WHERE h.entity_id = n.entity_id AND h.currency = n.currency
  ) hedges;

CREATE VIEW v_entity_capacity AS
  SELECT entity_id, sum(available)::int AS available FROM v_available_amounts GROUP BY entity_id;

INSERT INTO position_nav_master VALUES (1, 'USD', 100), (1, 'EUR', 100), (2, 'USD', 100), (2, 'EUR', 100);
