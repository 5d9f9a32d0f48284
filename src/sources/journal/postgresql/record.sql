-- Records a change, in the transaction that makes it.
-- Parameters: $1 text, the record; $2 text, after how many milliseconds a relay may take it
-- Returns: one row: id text
INSERT INTO {{journal}} (source, change, due_at)
VALUES ('unit', ($1::text)::json, clock_timestamp() + ($2::text)::float8 * interval '1 millisecond')
RETURNING id::text AS id
