CREATE TABLE renters (
  id int PRIMARY KEY,
  landlord_id int NOT NULL,
  rent int NOT NULL,
  status text NOT NULL DEFAULT 'active' -- or 'left'
);
CREATE TABLE payments (
  id serial PRIMARY KEY,
  renter_id int NOT NULL, -- not the landlord
  amount int NOT NULL,
  paid_on text NOT NULL
);
CREATE TABLE costs (id serial PRIMARY KEY, landlord_id int NOT NULL, amount int NOT NULL, paid_on text NOT NULL);
CREATE TABLE notifications (id serial PRIMARY KEY, landlord_id int NOT NULL, text text NOT NULL);

-- Landlords 1 to 10, with three renters each; landlord 2 has nobody.
INSERT INTO renters SELECT at, (at - 1) / 3 + 1, 1000 FROM generate_series(1, 30) at WHERE (at - 1) / 3 <> 1;
INSERT INTO payments (renter_id, amount, paid_on)
  SELECT id, 1000, '2026-' || month FROM renters, unnest(ARRAY['08-01', '09-01', '10-01', '11-01']) month
  WHERE id <> 1 OR month <> '11-01';
INSERT INTO costs (landlord_id, amount, paid_on) SELECT at, 200, '2026-10-15' FROM generate_series(1, 10) at;
