-- Keeps records that have been applied for a while.
-- Parameters: $1 text, their ids between commas
-- Returns: nothing
UPDATE {{journal}} SET settled_at = clock_timestamp(), error = NULL
WHERE id = ANY (string_to_array($1::text, ',')::bigint[])
