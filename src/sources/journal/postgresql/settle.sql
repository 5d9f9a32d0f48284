-- Forgets records that have been applied.
-- Parameters: $1 text, their ids between commas
-- Returns: nothing
DELETE FROM {{journal}} WHERE id = ANY (string_to_array($1::text, ',')::bigint[])
