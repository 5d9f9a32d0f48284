-- Forgets some of the records that were applied long enough ago.
-- Parameters: $1 number, how many milliseconds ago; $2 number, how many at most
-- Returns: a row for each that has gone
DELETE FROM {{journal}} WHERE settled_at < UTC_TIMESTAMP(6) - INTERVAL (1000 * $1::number) MICROSECOND LIMIT $2::number
