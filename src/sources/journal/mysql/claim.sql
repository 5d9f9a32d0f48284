-- Takes records that are due, and holds them until the transaction ends; what others hold is theirs.
-- Parameters: $1 number, how many at most
-- Returns: a row for each: id text; change text; attempts integer, those in vain; waited number, the milliseconds since it
--   was due
SELECT
  CAST(id AS CHAR) AS id,
  `change`,
  attempts,
  TIMESTAMPDIFF(MICROSECOND, due_at, UTC_TIMESTAMP(6)) / 1000 AS waited
FROM {{journal}}
WHERE settled_at IS NULL AND parked_at IS NULL AND due_at <= UTC_TIMESTAMP(6)
ORDER BY due_at
LIMIT $1::number
FOR UPDATE SKIP LOCKED
