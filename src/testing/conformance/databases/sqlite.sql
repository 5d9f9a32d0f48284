-- The tables of the conformance suite for bound databases, for SQLite. A blank line ends each statement.
-- Parameters: none
-- Returns: nothing
CREATE TABLE items (id integer PRIMARY KEY, org_id integer NOT NULL, amount integer NOT NULL);

CREATE VIEW item_view AS SELECT id, org_id, amount FROM items;

CREATE TRIGGER item_view_insert INSTEAD OF INSERT ON item_view
BEGIN INSERT INTO items VALUES (new.id, new.org_id, new.amount); END;

CREATE TABLE audit (note text);

CREATE TABLE audited (id integer PRIMARY KEY);

CREATE TRIGGER note_audited AFTER INSERT ON audited
BEGIN INSERT INTO audit VALUES ('audited'); END;

CREATE TABLE parents (id integer PRIMARY KEY);

CREATE TABLE children (
  id integer PRIMARY KEY,
  parent_id integer NOT NULL REFERENCES parents ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO items VALUES (1, 1, 0), (2, 2, 0);

INSERT INTO parents VALUES (1);

INSERT INTO children VALUES (1, 1);
