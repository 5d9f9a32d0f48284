-- How the journal is doing as a whole.
-- Parameters: none
-- Returns: one row: due integer; waiting integer, those not due yet; parked integer; kept integer, those applied; lag_ms
--   number, the milliseconds since the oldest was due, 0 where none is
SELECT
  count(CASE WHEN settled_at IS NULL AND parked_at IS NULL AND due_at <= UTC_TIMESTAMP(6) THEN 1 END) AS due,
  count(CASE WHEN settled_at IS NULL AND parked_at IS NULL AND due_at > UTC_TIMESTAMP(6) THEN 1 END) AS waiting,
  count(CASE WHEN parked_at IS NOT NULL THEN 1 END) AS parked,
  count(CASE WHEN settled_at IS NOT NULL THEN 1 END) AS kept,
  greatest(0, coalesce(TIMESTAMPDIFF(MICROSECOND,
    min(CASE WHEN settled_at IS NULL AND parked_at IS NULL THEN due_at END), UTC_TIMESTAMP(6)), 0)) / 1000 AS lag_ms
FROM {{journal}}
