-- Puts off a record that could not be applied, or parks it.
-- Parameters: $1 text, its id; $2 text, what it failed with; $3 text, after how many milliseconds it is due again;
--   $4 text, 'true' where it is parked instead
-- Returns: nothing
UPDATE {{journal}} SET
  attempts = attempts + 1,
  error = $2::text,
  due_at = clock_timestamp() + ($3::text)::float8 * interval '1 millisecond',
  parked_at = CASE WHEN $4::text = 'true' THEN clock_timestamp() END
WHERE id = ($1::text)::bigint
