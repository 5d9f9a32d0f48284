-- How the journal is doing as a whole.
-- Parameters: none
-- Returns: one row: due integer; waiting integer, those not due yet; parked integer; kept integer, those applied; lag_ms
--   double precision, the milliseconds since the oldest was due, 0 where none is
SELECT
  count(*) FILTER (WHERE settled_at IS NULL AND parked_at IS NULL AND due_at <= clock_timestamp())::int AS due,
  count(*) FILTER (WHERE settled_at IS NULL AND parked_at IS NULL AND due_at > clock_timestamp())::int AS waiting,
  count(*) FILTER (WHERE parked_at IS NOT NULL)::int AS parked,
  count(*) FILTER (WHERE settled_at IS NOT NULL)::int AS kept,
  greatest(0, extract(epoch FROM clock_timestamp() - min(due_at)
    FILTER (WHERE settled_at IS NULL AND parked_at IS NULL)) * 1000)::float8 AS lag_ms
FROM {{journal}}
