-- Puts off a record that could not be applied, or parks it.
-- Parameters: $1 ids, its id; $2 text, what it failed with; $3 number, after how many milliseconds it is due again; $4 text,
--   'true' where it is parked instead
-- Returns: nothing
UPDATE {{journal}} SET
  attempts = attempts + 1,
  error = $2,
  due_at = UTC_TIMESTAMP(6) + INTERVAL (1000 * $3::number) MICROSECOND,
  parked_at = CASE WHEN $4 = 'true' THEN UTC_TIMESTAMP(6) END
WHERE id IN ($1::ids)
