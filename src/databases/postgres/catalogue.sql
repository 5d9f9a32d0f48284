-- What the catalogue says of tables: whether a write of one can reach further than its statement says.
-- Parameters: $1 text, the oids of tables between commas
-- Returns: a row for each table: oid text; stored boolean, it keeps its own rows or its partitions do; plain boolean,
--   that too, and it has no partitions, parents or children; partition and temporary boolean; opaque boolean, it has
--   rules, or defaults that run a user's function; fires_on text, an array of pg_trigger.tgtype, which says what its
--   triggers run at; deferred boolean, one of them may wait for the COMMIT; on_delete and on_update text, the oids of
--   tables that its foreign keys then change; ancestors text, a JSON array of the names of the tables it is a part of, up
--   to the root; columns and generated text, JSON arrays of column names
SELECT
  class.oid::text AS oid,
  class.relkind IN ('r', 'p') AS stored,
  class.relkind = 'r' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits WHERE inhparent = class.oid OR inhrelid = class.oid
  ) AS plain,
  class.relispartition AS partition,
  class.relpersistence = 't' AS temporary,
  ARRAY(
    -- Those of a journal write nothing else.
    SELECT tgtype FROM pg_catalog.pg_trigger
    WHERE tgrelid = class.oid AND NOT tgisinternal AND left(tgname, 22) <> 'coherent_cache_journal'
  )::text AS fires_on,
  -- Not the rule that makes a view one.
  EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class = class.oid AND ev_type <> '1')
    OR EXISTS (
      SELECT FROM pg_catalog.pg_attrdef def
      JOIN pg_catalog.pg_depend depend
        ON depend.classid = 'pg_catalog.pg_attrdef'::regclass AND depend.objid = def.oid
        AND depend.refclassid = 'pg_catalog.pg_proc'::regclass
      JOIN pg_catalog.pg_proc proc ON proc.oid = depend.refobjid
      JOIN pg_catalog.pg_language language ON language.oid = proc.prolang
      WHERE def.adrelid = class.oid AND language.lanname NOT IN ('internal', 'c')
    ) AS opaque,
  EXISTS (
    SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = class.oid AND NOT tgisinternal AND tgdeferrable
  ) AS deferred,
  ARRAY(
    SELECT conrelid FROM pg_catalog.pg_constraint
    WHERE confrelid = class.oid AND contype = 'f' AND confdeltype IN ('c', 'n', 'd')
  )::text AS on_delete,
  ARRAY(
    SELECT conrelid FROM pg_catalog.pg_constraint
    WHERE confrelid = class.oid AND contype = 'f' AND confupdtype IN ('c', 'n', 'd')
  )::text AS on_update,
  array_to_json(ARRAY(
    WITH RECURSIVE ancestor (oid) AS (
      SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid
      UNION
      SELECT inhparent FROM pg_catalog.pg_inherits JOIN ancestor ON inhrelid = ancestor.oid
    )
    SELECT above.oid::regclass::text FROM ancestor JOIN pg_catalog.pg_class above USING (oid)
    WHERE NOT above.relispartition
  ))::text AS ancestors,
  array_to_json(ARRAY(
    SELECT attname::text FROM pg_catalog.pg_attribute
    WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
  ))::text AS columns,
  array_to_json(ARRAY(
    SELECT attname::text FROM pg_catalog.pg_attribute
    WHERE attrelid = class.oid AND attnum > 0 AND attgenerated <> ''
  ))::text AS generated
FROM pg_catalog.pg_class class
WHERE class.oid = ANY (string_to_array($1::text, ',')::oid[])
