-- Makes parked records due again.
-- Parameters: $1 ids, their ids between commas, none for all
-- Returns: a row for each
UPDATE {{journal}} SET parked_at = NULL, attempts = 0, due_at = UTC_TIMESTAMP(6)
WHERE parked_at IS NOT NULL AND ($1 = '' OR id IN ($1::ids))
