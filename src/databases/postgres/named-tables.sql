-- Whether the transaction has an id, what table names mean in it, and whether what was learned of tables still holds.
-- Parameters: $1 text, a JSON array of table names as SQL writes them; $2 text, the oids of tables between commas
-- Returns: one row: wrote boolean; named text, a JSON array with [oid, name shown] for each name, [null, null] where
--   there is no such table; related text, the oids of the triggers, rules, defaults, parents and children of $2
SELECT
  pg_current_xact_id_if_assigned() IS NOT NULL AS wrote,
  array_to_json(ARRAY(
    SELECT json_build_array(to_regclass(name)::oid::text, array_to_string(parse_ident(to_regclass(name)::text), '.'))
    FROM json_array_elements_text($1::text::json) AS named (name)
  ))::text AS named,
  array_to_string(ARRAY(
    SELECT oid FROM pg_catalog.pg_trigger WHERE tgrelid = ANY (string_to_array($2::text, ',')::oid[])
    UNION ALL
    SELECT oid FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (string_to_array($2::text, ',')::oid[])
    UNION ALL
    SELECT oid FROM pg_catalog.pg_attrdef WHERE adrelid = ANY (string_to_array($2::text, ',')::oid[])
    UNION ALL
    SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = ANY (string_to_array($2::text, ',')::oid[])
    UNION ALL
    SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = ANY (string_to_array($2::text, ',')::oid[])
  ), ',') AS related
