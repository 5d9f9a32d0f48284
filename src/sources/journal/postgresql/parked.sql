-- The records that are parked, oldest first.
-- Parameters: $1 text, how many at most
-- Returns: a row for each: id text; change text; attempts integer; error text; at double precision, when it was parked in
--   milliseconds since 1970
SELECT
  id::text AS id,
  change::text AS change,
  attempts,
  error,
  (extract(epoch FROM parked_at) * 1000)::float8 AS at
FROM {{journal}}
WHERE parked_at IS NOT NULL
ORDER BY parked_at, id
LIMIT ($1::text)::bigint
