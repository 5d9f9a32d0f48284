-- Whether the transaction has an id, and what the names of tables mean in it.
-- Parameters: $1 text, table names as SQL writes them, with the character 31 between them
-- Returns: a row for each name: wrote boolean; xid text, the transaction's id, null where it has none; oid and shown text, null where there is no such table; shown is
--   without its schema where that is on the search path; related text, the oids of all that depends on the table, its
--   triggers, rules, defaults, foreign keys and children among them, each with the transaction since which it does, as a
--   trigger may be replaced under its oid; parents text, the oids of its parents
SELECT
  pg_current_xact_id_if_assigned() IS NOT NULL AS wrote,
  pg_current_xact_id_if_assigned()::text AS xid,
  to_regclass(name)::oid::text AS oid,
  to_regclass(name)::text AS shown,
  ARRAY(
    SELECT objid || ':' || xmin FROM pg_catalog.pg_depend WHERE refclassid = 1259 AND refobjid = to_regclass(name)::oid
  )::text AS related,
  ARRAY(SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = to_regclass(name)::oid)::text AS parents
FROM unnest(string_to_array($1::text, chr(31))) AS named (name)
