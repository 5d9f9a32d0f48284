CREATE TABLE revenues (
  id serial PRIMARY KEY,
  org_id int NOT NULL,
  property_id int NOT NULL,
  day text NOT NULL CHECK (day ~ '^\d{4}-\d{2}-\d{2}$'), -- as it stands in keys
  amount int NOT NULL
);
CREATE TABLE expenses (LIKE revenues INCLUDING ALL);
