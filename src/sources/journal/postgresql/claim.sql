-- Takes records that are due, and holds them until the transaction ends. Never by their ids, which do not follow the
-- order of commits; what others hold is theirs.
-- Parameters: $1 text, how many at most
-- Returns: a row for each: id text; change text; attempts integer, those in vain; waited double precision, the
--   milliseconds since it was due
SELECT
  id::text AS id,
  change::text AS change,
  attempts,
  (extract(epoch FROM clock_timestamp() - due_at) * 1000)::float8 AS waited
FROM {{journal}}
WHERE settled_at IS NULL AND parked_at IS NULL AND due_at <= clock_timestamp()
ORDER BY due_at
LIMIT ($1::text)::bigint
FOR UPDATE SKIP LOCKED
