-- Makes parked records due again.
-- Parameters: $1 text, their ids between commas, empty for all
-- Returns: a row for each: id text
UPDATE {{journal}} SET parked_at = NULL, attempts = 0, due_at = clock_timestamp()
WHERE parked_at IS NOT NULL AND ($1::text = '' OR id = ANY (string_to_array($1::text, ',')::bigint[]))
RETURNING id::text AS id
