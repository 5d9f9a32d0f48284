-- Records a change, in the transaction that makes it.
-- Parameters: $1 text, the record; $2 number, after how many milliseconds a relay may take it
-- Returns: one row: id text
INSERT INTO {{journal}} (source, `change`, written_at, due_at)
VALUES ('unit', $1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL (1000 * $2::number) MICROSECOND)
