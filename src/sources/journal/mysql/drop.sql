-- Forgets parked records.
-- Parameters: $1 ids, their ids between commas
-- Returns: a row for each
DELETE FROM {{journal}} WHERE parked_at IS NOT NULL AND id IN ($1::ids)
