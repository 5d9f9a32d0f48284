-- Keeps records that have been applied for a while: each found by its key, so that no other one is locked.
-- Parameters: $1 ids, their ids between commas
-- Returns: nothing
UPDATE JSON_TABLE('[$1::ids]', '$[*]' COLUMNS (id bigint unsigned PATH '$')) AS applied
STRAIGHT_JOIN {{journal}} AS record ON record.id = applied.id
SET record.settled_at = UTC_TIMESTAMP(6), record.error = NULL
