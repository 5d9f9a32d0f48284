-- The columns of a table whose text is the same in a key, whoever wrote it, and its triggers.
-- Parameters: $1 text, the database, empty for the current one; $2 text, the table
-- Returns: a row for each: kind text, 'column' or 'trigger'; name text; body text, of a trigger
SELECT 'column' AS kind, COLUMN_NAME AS name, '' AS body
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = CASE WHEN $1 = '' THEN database() ELSE $1 END AND TABLE_NAME = $2
  AND (DATA_TYPE IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint') OR COLLATION_NAME LIKE '%bin')
UNION ALL
SELECT 'trigger', TRIGGER_NAME, ACTION_STATEMENT
FROM information_schema.TRIGGERS
WHERE EVENT_OBJECT_SCHEMA = CASE WHEN $1 = '' THEN database() ELSE $1 END AND EVENT_OBJECT_TABLE = $2
