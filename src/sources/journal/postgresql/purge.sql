-- Forgets some of the records that were applied long enough ago.
-- Parameters: $1 text, how many milliseconds ago; $2 text, how many at most
-- Returns: a row for each that has gone: gone integer
DELETE FROM {{journal}} WHERE id IN (
  SELECT id FROM {{journal}}
  WHERE settled_at < clock_timestamp() - ($1::text)::float8 * interval '1 millisecond'
  LIMIT ($2::text)::bigint
  FOR UPDATE SKIP LOCKED
) RETURNING 1 AS gone
