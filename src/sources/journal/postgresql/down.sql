-- Takes the journal out, and every trigger that writes it. What it holds is lost.
-- Placeholders: as in up.sql
DO $down$
DECLARE
  handler regprocedure;
BEGIN
  FOR handler IN
    SELECT proc.oid FROM pg_catalog.pg_proc proc
    WHERE proc.pronamespace = to_regnamespace(quote_ident({{placed}}))
      AND proc.proname ~ ('^' || {{named}} || '_[0-9a-f]{12}$')
      AND proc.prorettype = 'pg_catalog.trigger'::regtype
  LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', handler);
  END LOOP;
END $down$;
DROP FUNCTION IF EXISTS {{schema}}.{{name}}_watch(regclass, text, text[], boolean, boolean);
DROP FUNCTION IF EXISTS {{schema}}.{{name}}_unwatch(text);
DROP TABLE IF EXISTS {{journal}};
