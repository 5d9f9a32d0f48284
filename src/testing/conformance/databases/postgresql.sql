-- The tables of the conformance suite for bound databases, for PostgreSQL. A blank line ends each statement.
-- Parameters: none
-- Returns: nothing
CREATE TABLE items (id int PRIMARY KEY, org_id int NOT NULL, amount int NOT NULL);

CREATE VIEW item_view AS SELECT id, org_id, amount FROM items;

CREATE TABLE audit (note text);

CREATE TABLE audited (id int PRIMARY KEY);

CREATE FUNCTION note_audited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit VALUES ('audited'); RETURN NULL; END $$;

CREATE TRIGGER note_audited AFTER INSERT ON audited FOR EACH ROW EXECUTE FUNCTION note_audited();

CREATE TABLE parents (id int PRIMARY KEY);

CREATE TABLE children (
  id int PRIMARY KEY,
  parent_id int NOT NULL REFERENCES parents ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO items VALUES (1, 1, 0), (2, 2, 0);

INSERT INTO parents VALUES (1);

INSERT INTO children VALUES (1, 1);
