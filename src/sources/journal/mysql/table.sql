-- The journal: what transactions and triggers have made void, until it is applied. Times are UTC's: a session may have a
-- zone of its own.
-- Parameters: none
-- Returns: nothing
CREATE TABLE IF NOT EXISTS {{journal}} (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  source varchar(16) NOT NULL,
  `change` longtext CHARACTER SET utf8mb4 NOT NULL,
  written_at datetime(6) NOT NULL,
  due_at datetime(6) NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  error text CHARACTER SET utf8mb4,
  settled_at datetime(6),
  parked_at datetime(6),
  KEY due (settled_at, parked_at, due_at)
) ENGINE = InnoDB
