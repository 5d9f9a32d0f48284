CREATE TABLE tenants (id int PRIMARY KEY, active boolean NOT NULL DEFAULT true, seats int NOT NULL);
CREATE TABLE orders (
  id serial PRIMARY KEY,
  tenant_id int NOT NULL,
  test_data boolean NOT NULL,
  amount int NOT NULL,
  placed_at timestamptz NOT NULL
);
CREATE TABLE tickets (
  id serial PRIMARY KEY,
  tenant_id int NOT NULL,
  test_data boolean NOT NULL,
  title text NOT NULL,
  open boolean NOT NULL
);
CREATE TABLE customers (id serial PRIMARY KEY, tenant_id int NOT NULL, test_data boolean NOT NULL, since date NOT NULL);

-- Six tenants; nobody has entered the seats of the fifth yet, and its revenue per seat cannot be computed.
INSERT INTO tenants SELECT at, true, CASE at WHEN 5 THEN 0 ELSE 10 END FROM generate_series(1, 6) at;
INSERT INTO orders (tenant_id, test_data, amount, placed_at)
  SELECT 1 + at % 6, at % 5 = 0, at % 500, timestamptz '2026-11-19 12:00Z' - at * interval '1 hour'
  FROM generate_series(1, 1200) at;
INSERT INTO tickets (tenant_id, test_data, title, open)
  SELECT 1 + at % 6, at % 5 = 0, 'ticket ' || at, at % 7 < 3 FROM generate_series(1, 300) at;
INSERT INTO customers (tenant_id, test_data, since)
  SELECT 1 + at % 6, at % 5 = 0, date '2026-11-19' - at FROM generate_series(1, 300) at;
