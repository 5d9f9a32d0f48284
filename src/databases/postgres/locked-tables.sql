-- The tables and views that the transaction has locked as a writer does. Rolled-back savepoints are out of it.
-- Parameters: none
-- Returns: a row for each: oid, shown, related and parents text, as in named-tables.sql
SELECT
  locked.oid::text AS oid,
  locked.oid::regclass::text AS shown,
  ARRAY(
    SELECT objid || ':' || xmin FROM pg_catalog.pg_depend WHERE refclassid = 1259 AND refobjid = locked.oid
  )::text AS related,
  ARRAY(SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = locked.oid)::text AS parents
FROM (
  SELECT DISTINCT relation AS oid
  FROM pg_catalog.pg_locks
  WHERE pid = pg_backend_pid()
    AND locktype = 'relation'
    AND granted
    -- No other mode changes rows: ATTACH PARTITION and REFRESH … CONCURRENTLY take one of these besides their own.
    AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'AccessExclusiveLock')
    -- 0 is the catalogue that databases share; what is below 16384 belongs to the server.
    AND database <> 0
    AND relation >= 16384
) locked
-- A table made after the transaction's snapshot is locked but not seen.
LEFT JOIN pg_catalog.pg_class class ON class.oid = locked.oid
WHERE class.oid IS NULL
  OR class.relkind IN ('r', 'p', 'v', 'm', 'f') AND left(class.relname, 22) <> 'coherent_cache_journal'
