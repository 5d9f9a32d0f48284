-- The tables and views that the transaction has locked, as whoever reads does, and what those views read.
-- Parameters: none
-- Returns: a row for each: oid text; shown text, without its schema where that is on the search path; kind text,
--   as in pg_class; partition and temporary boolean; ancestors text, a JSON array of the names of the tables it is a
--   part of or inherits from, partitions left out; bases text, of a view the oids of the tables and views it reads
WITH RECURSIVE seen (oid) AS (
  SELECT relation
  FROM pg_catalog.pg_locks
  WHERE pid = pg_backend_pid()
    AND locktype = 'relation'
    AND granted
    -- 0 is the catalogue that databases share; what is below 16384 belongs to the server.
    AND database <> 0
    AND relation >= 16384
  UNION
  SELECT depend.refobjid
  FROM seen
  -- What a materialised view shows is its own rows.
  JOIN pg_catalog.pg_class view ON view.oid = seen.oid AND view.relkind = 'v'
  JOIN pg_catalog.pg_rewrite rule ON rule.ev_class = view.oid AND rule.ev_type = '1'
  JOIN pg_catalog.pg_depend depend
    ON depend.classid = 'pg_catalog.pg_rewrite'::regclass AND depend.objid = rule.oid
    AND depend.refclassid = 'pg_catalog.pg_class'::regclass AND depend.refobjid <> view.oid
  WHERE depend.refobjid >= 16384
)
SELECT
  class.oid::text AS oid,
  class.oid::regclass::text AS shown,
  class.relkind::text AS kind,
  class.relispartition AS partition,
  class.relpersistence = 't' AS temporary,
  array_to_json(ARRAY(
    WITH RECURSIVE ancestor (oid) AS (
      SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid
      UNION
      SELECT inhparent FROM pg_catalog.pg_inherits JOIN ancestor ON inhrelid = ancestor.oid
    )
    SELECT above.oid::regclass::text FROM ancestor JOIN pg_catalog.pg_class above USING (oid)
    WHERE NOT above.relispartition
  ))::text AS ancestors,
  ARRAY(
    SELECT DISTINCT depend.refobjid
    FROM pg_catalog.pg_rewrite rule
    JOIN pg_catalog.pg_depend depend
      ON depend.classid = 'pg_catalog.pg_rewrite'::regclass AND depend.objid = rule.oid
      AND depend.refclassid = 'pg_catalog.pg_class'::regclass AND depend.refobjid <> class.oid
    WHERE class.relkind = 'v' AND rule.ev_class = class.oid AND rule.ev_type = '1'
  )::text AS bases
FROM seen
JOIN pg_catalog.pg_class class USING (oid)
WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f')
