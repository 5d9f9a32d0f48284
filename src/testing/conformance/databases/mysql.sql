-- The tables of the conformance suite for bound databases, for MySQL and MariaDB. A blank line ends each statement.
-- Parameters: none
-- Returns: nothing
CREATE TABLE items (id int PRIMARY KEY, org_id int NOT NULL, amount int NOT NULL) ENGINE = InnoDB;

CREATE VIEW item_view AS SELECT id, org_id, amount FROM items;

CREATE TABLE audit (note text) ENGINE = InnoDB;

CREATE TABLE audited (id int PRIMARY KEY) ENGINE = InnoDB;

CREATE TRIGGER note_audited AFTER INSERT ON audited FOR EACH ROW INSERT INTO audit VALUES ('audited');

CREATE TABLE parents (id int PRIMARY KEY) ENGINE = InnoDB;

CREATE TABLE children (
  id int PRIMARY KEY,
  parent_id int NOT NULL,
  FOREIGN KEY (parent_id) REFERENCES parents (id) ON DELETE CASCADE
) ENGINE = InnoDB;

INSERT INTO items VALUES (1, 1, 0), (2, 2, 0);

INSERT INTO parents VALUES (1);

INSERT INTO children VALUES (1, 1);
