-- The views of the database, those of the server and of extensions left out, and what each reads.
-- Parameters: none
-- Returns: a row for each: shown text, without its schema where that is on the search path; kind text, 'v' or, for a
--   materialised one, 'm'; bases text, a JSON array of the names of the tables and views it reads: of a partition, that of
--   the table it is a part of
SELECT
  class.oid::regclass::text AS shown,
  class.relkind::text AS kind,
  array_to_json(ARRAY(
    SELECT DISTINCT coalesce(
      (
        WITH RECURSIVE ancestor (oid) AS (
          SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = base.oid AND base.relispartition
          UNION
          SELECT inhparent FROM pg_catalog.pg_inherits JOIN ancestor ON inhrelid = ancestor.oid
        )
        SELECT above.oid::regclass::text FROM ancestor JOIN pg_catalog.pg_class above USING (oid)
        WHERE NOT above.relispartition
        LIMIT 1
      ),
      base.oid::regclass::text
    )
    FROM pg_catalog.pg_rewrite rule
    JOIN pg_catalog.pg_depend depend
      ON depend.classid = 'pg_catalog.pg_rewrite'::regclass AND depend.objid = rule.oid
      AND depend.refclassid = 'pg_catalog.pg_class'::regclass AND depend.refobjid <> class.oid
    JOIN pg_catalog.pg_class base ON base.oid = depend.refobjid
    WHERE rule.ev_class = class.oid AND rule.ev_type = '1' AND base.oid >= 16384
      AND base.relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY 1
  ))::text AS bases
FROM pg_catalog.pg_class class
WHERE class.relkind IN ('v', 'm')
  AND class.oid >= 16384
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = class.oid AND deptype = 'e'
  )
ORDER BY 1
