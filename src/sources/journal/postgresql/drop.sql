-- Forgets parked records.
-- Parameters: $1 text, their ids between commas
-- Returns: a row for each: id text
DELETE FROM {{journal}}
WHERE parked_at IS NOT NULL AND id = ANY (string_to_array($1::text, ',')::bigint[])
RETURNING id::text AS id
