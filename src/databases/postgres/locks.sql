-- The tables that the transaction has locked as a writer does, under the names that their readers know. Rolled-back
-- savepoints are out of it. A partition goes by its root; a child table by its own name and its parents'.
-- Parameters: none
-- Returns: a row for each locked table and name: oid text; name text, with its schema unless that is on the search
--   path; deferred boolean, whether a trigger of it may wait for the COMMIT
WITH RECURSIVE locked AS (
  SELECT DISTINCT relation AS oid
  FROM pg_catalog.pg_locks
  WHERE pid = pg_backend_pid()
    AND locktype = 'relation'
    AND granted
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    -- ExclusiveLock is that of REFRESH MATERIALIZED VIEW CONCURRENTLY.
    AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    -- What is below belongs to the server.
    AND relation >= 16384
), reached (oid, target) AS (
  SELECT oid, oid FROM locked
  UNION
  SELECT reached.oid, inherits.inhparent
  FROM reached
  JOIN pg_catalog.pg_inherits inherits ON inherits.inhrelid = reached.target
)
SELECT
  reached.oid::text AS oid,
  CASE WHEN pg_table_is_visible(class.oid) THEN class.relname ELSE space.nspname || '.' || class.relname END AS name,
  EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = reached.oid AND NOT tgisinternal AND tgdeferrable
  ) AS deferred
FROM reached
JOIN pg_catalog.pg_class class ON class.oid = reached.target
JOIN pg_catalog.pg_namespace space ON space.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT class.relispartition
  AND class.relpersistence <> 't'
