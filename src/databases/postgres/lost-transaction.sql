-- What became of a transaction whose connection was lost. Where it still runs its session is told to end: nobody is left
-- to hear it, and a COMMIT that took effect later would change what is cached by then.
-- Parameters: $1 text, the transaction's id
-- Returns: one row: status text, 'in progress' while it runs; ended text, how many sessions were told to end
SELECT
  pg_xact_status(($1::text)::xid8) AS status,
  (
    SELECT count(pg_terminate_backend(pid))::text
    FROM pg_catalog.pg_locks
    WHERE locktype = 'transactionid' AND transactionid = (($1::text)::xid8)::xid AND mode = 'ExclusiveLock' AND granted
  ) AS ended
