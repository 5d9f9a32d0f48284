-- The records that are parked, oldest first.
-- Parameters: $1 number, how many at most
-- Returns: a row for each: id text; change text; attempts integer; error text; at number, when it was parked in
--   milliseconds since 1970
SELECT
  CAST(id AS CHAR) AS id,
  `change`,
  attempts,
  error,
  TIMESTAMPDIFF(MICROSECOND, '1970-01-01', parked_at) / 1000 AS at
FROM {{journal}}
WHERE parked_at IS NOT NULL
ORDER BY parked_at, id
LIMIT $1::number
