-- The columns of a table.
-- Parameters: $1 text, the table's name as SQL writes it
-- Returns: a row for each: name text; none where there is no such table
SELECT attname::text AS name
FROM pg_attribute
WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
