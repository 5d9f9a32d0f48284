-- A small company. A report sums what one property booked on one day, found among some thousands of bookings.
-- Expects the setting demo.today, the date in the reports' time zone.
DROP TABLE IF EXISTS revenues, expenses, properties, organisations;

CREATE TABLE organisations (
  id int PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE properties (
  org_id int NOT NULL REFERENCES organisations,
  id int NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (org_id, id)
);

CREATE TABLE revenues (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id int NOT NULL,
  property_id int NOT NULL,
  occurred_at timestamptz NOT NULL,
  amount int NOT NULL CHECK (amount > 0),
  status text NOT NULL CHECK (status IN ('pending', 'approved')),
  FOREIGN KEY (org_id, property_id) REFERENCES properties
);

CREATE TABLE expenses (LIKE revenues INCLUDING ALL);
ALTER TABLE expenses ADD FOREIGN KEY (org_id, property_id) REFERENCES properties;

INSERT INTO organisations SELECT o, 'Organisation ' || o FROM generate_series(1, 3) o;
INSERT INTO properties SELECT o, p, 'Property ' || p FROM generate_series(1, 3) o, generate_series(1, 3) p;

-- Sixty days of each property, 60 revenues and 30 expenses a day, every fifth of them pending.
INSERT INTO revenues (org_id, property_id, occurred_at, amount, status)
SELECT o, p,
       (current_setting('demo.today')::date - day + time '06:00') AT TIME ZONE 'Asia/Kolkata' + n * interval '15 min',
       500 + (o * 7919 + p * 104729 + day * 1299709 + n * 15485863) % 9500,
       CASE WHEN n % 5 = 0 THEN 'pending' ELSE 'approved' END
FROM generate_series(1, 3) o, generate_series(1, 3) p, generate_series(0, 59) day, generate_series(1, 60) n;

INSERT INTO expenses (org_id, property_id, occurred_at, amount, status)
SELECT o, p,
       (current_setting('demo.today')::date - day + time '06:00') AT TIME ZONE 'Asia/Kolkata' + n * interval '30 min',
       200 + (o * 7907 + p * 104723 + day * 1299721 + n * 15485867) % 5800,
       CASE WHEN n % 5 = 0 THEN 'pending' ELSE 'approved' END
FROM generate_series(1, 3) o, generate_series(1, 3) p, generate_series(0, 59) day, generate_series(1, 30) n;

CREATE INDEX ON revenues (org_id, property_id);
CREATE INDEX ON expenses (org_id, property_id);
ANALYZE;
