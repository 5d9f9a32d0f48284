-- What the catalogue says of tables: whether a write of one can reach further than its statement says.
-- Parameters: $1 text, the oids of tables between commas
-- Returns: a row for each table: oid text; plain boolean, an ordinary table without partitions, parents or children;
--   temporary boolean; opaque boolean, it has triggers, rules, or defaults that run a function of a user; related
--   text, as in named-tables.sql; on_delete and on_update text, the oids of the tables that its foreign keys then
--   change; columns and generated text, JSON arrays of column names
SELECT
  class.oid::text AS oid,
  class.relkind = 'r' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits WHERE inhparent = class.oid OR inhrelid = class.oid
  ) AS plain,
  class.relpersistence = 't' AS temporary,
  EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = class.oid AND NOT tgisinternal)
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class = class.oid)
    OR EXISTS (
      SELECT FROM pg_catalog.pg_attrdef def
      JOIN pg_catalog.pg_depend depend
        ON depend.classid = 'pg_catalog.pg_attrdef'::regclass AND depend.objid = def.oid
        AND depend.refclassid = 'pg_catalog.pg_proc'::regclass
      JOIN pg_catalog.pg_proc proc ON proc.oid = depend.refobjid
      JOIN pg_catalog.pg_language language ON language.oid = proc.prolang
      WHERE def.adrelid = class.oid AND language.lanname NOT IN ('internal', 'c')
    ) AS opaque,
  array_to_string(ARRAY(
    SELECT oid FROM pg_catalog.pg_trigger WHERE tgrelid = class.oid
    UNION ALL
    SELECT oid FROM pg_catalog.pg_rewrite WHERE ev_class = class.oid
    UNION ALL
    SELECT oid FROM pg_catalog.pg_attrdef WHERE adrelid = class.oid
    UNION ALL
    SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = class.oid
    UNION ALL
    SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid
  ), ',') AS related,
  array_to_string(ARRAY(
    SELECT conrelid FROM pg_catalog.pg_constraint
    WHERE confrelid = class.oid AND contype = 'f' AND confdeltype IN ('c', 'n', 'd')
  ), ',') AS on_delete,
  array_to_string(ARRAY(
    SELECT conrelid FROM pg_catalog.pg_constraint
    WHERE confrelid = class.oid AND contype = 'f' AND confupdtype IN ('c', 'n', 'd')
  ), ',') AS on_update,
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
