-- Whether the transaction may have written: it has an id, or the database has foreign tables, whose writes need none.
-- Parameters: none
-- Returns: one row: wrote boolean; xid text, the transaction's id, null where it has none
SELECT
  pg_current_xact_id_if_assigned() IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_foreign_table) AS wrote,
  pg_current_xact_id_if_assigned()::text AS xid
