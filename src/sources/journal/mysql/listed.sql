-- The columns of a table.
-- Parameters: $1 text, the database, empty for the current one; $2 text, the table
-- Returns: a row for each: name text; none where there is no such table
SELECT COLUMN_NAME AS name
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = CASE WHEN $1 = '' THEN database() ELSE $1 END AND TABLE_NAME = $2
ORDER BY ORDINAL_POSITION
