-- Forgets records that have been applied: each found by its key, so that no other one is locked.
-- Parameters: $1 ids, their ids between commas
-- Returns: nothing
DELETE record
FROM JSON_TABLE('[$1::ids]', '$[*]' COLUMNS (id bigint unsigned PATH '$')) AS applied
STRAIGHT_JOIN {{journal}} AS record ON record.id = applied.id
