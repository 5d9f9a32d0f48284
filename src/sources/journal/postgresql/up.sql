-- The journal: what transactions and triggers have made void, until it is applied.
-- Placeholders: {{journal}} the table, {{name}} its name, {{schema}} its schema, quoted as SQL needs them;
--   {{named}} its name, {{placed}} its schema, {{marked}} what bound transactions call it, as literals
CREATE TABLE IF NOT EXISTS {{journal}} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- 'unit' or 'trigger'
  source text NOT NULL,
  -- json, not jsonb: a key may hold what jsonb refuses.
  change json NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When a relay may take it. Ids follow the order of commits no more than times do: nobody pages by either.
  due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts integer NOT NULL DEFAULT 0,
  error text,
  settled_at timestamptz,
  parked_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX IF NOT EXISTS {{name}}_due ON {{journal}} (due_at)
  WHERE settled_at IS NULL AND parked_at IS NULL;
CREATE INDEX IF NOT EXISTS {{name}}_settled ON {{journal}} (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS {{name}}_parked ON {{journal}} (parked_at) WHERE parked_at IS NOT NULL;

-- Has every write of a table recorded, by whichever client. Called again it renews what it made: after columns or
-- partitions have been added.
CREATE OR REPLACE FUNCTION {{schema}}.{{name}}_watch(
  watched regclass,
  -- The table's name in the map.
  label text,
  -- Columns that captures are bound by; those that the table has not, or of another type than keys are made of, are
  -- left out.
  columns text[] DEFAULT '{}',
  -- Of any type, as JSON writes them.
  typed boolean DEFAULT false,
  -- Wakes the relays that listen.
  wake boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $watch$
DECLARE
  handler text := format('%I.%I', {{placed}}, {{named}} || '_' || left(md5(label), 12));
  head text := format('{"v":1,"tables":[{"table":%s,', to_json(label));
  listed text;
  collect text := '';
  part regclass;
  event text;
BEGIN
  IF (SELECT relkind FROM pg_class WHERE oid = watched) NOT IN ('r', 'p') THEN
    RAISE EXCEPTION '% is no table', watched
      USING HINT = 'Name the tables that a view reads under views of the map, and watch those.';
  END IF;
  SELECT string_agg(
    format(CASE WHEN typed THEN 'to_jsonb(%1$I) AS %1$I' ELSE '%1$I::text AS %1$I' END, attname), ', ' ORDER BY attname
  ) INTO listed
  FROM pg_attribute
  WHERE attrelid = watched AND attnum > 0 AND NOT attisdropped AND attname = ANY (columns)
    AND (typed OR atttypid = ANY ('{bool,int2,int4,int8,text,varchar,uuid}'::regtype[])
      -- Where two texts are one to the server, a key may spell the other.
      AND NOT EXISTS (SELECT FROM pg_collation WHERE oid = attcollation AND NOT collisdeterministic));
  IF listed IS NOT NULL THEN
    collect := format($collect$
      IF TG_OP <> 'TRUNCATE' THEN
        BEGIN
          IF TG_OP = 'INSERT' THEN
            SELECT json_agg(one), count(*) INTO images, found
            FROM (SELECT DISTINCT %1$s FROM new_rows LIMIT 101) one;
          ELSIF TG_OP = 'DELETE' THEN
            SELECT json_agg(one), count(*) INTO images, found
            FROM (SELECT DISTINCT %1$s FROM old_rows LIMIT 101) one;
          ELSE
            SELECT json_agg(one), count(*) INTO images, found
            FROM (SELECT %1$s FROM old_rows UNION SELECT %1$s FROM new_rows LIMIT 101) one;
          END IF;
          IF found <= 100 THEN
            said := format('"operation":%%s,"typed":%2$s,"images":%%s}]}', to_json(lower(TG_OP)), images);
          END IF;
        -- A column that has gone since: the write is not to fail for it.
        EXCEPTION WHEN undefined_column THEN
          said := NULL;
        END;
      END IF;
    $collect$, listed, typed::text);
  END IF;
  EXECUTE format($function$
    CREATE OR REPLACE FUNCTION %1$s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
    #variable_conflict use_column
    DECLARE
      images json;
      found bigint;
      said text;
    BEGIN
      -- The transaction records its writes itself.
      IF current_setting('coherent_cache.bound', true) = %2$L THEN RETURN NULL; END IF;
      IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
      ELSIF TG_OP <> 'TRUNCATE' THEN
        IF NOT EXISTS (SELECT FROM old_rows) THEN RETURN NULL; END IF;
      END IF;
      %3$s
      INSERT INTO {{journal}} (source, change)
      VALUES ('trigger', (%4$L || coalesce(said, format('"operation":%%s}]}', to_json(lower(TG_OP)))))::json);
      %5$s
      RETURN NULL;
    END $body$
  $function$, handler, {{marked}}, collect, head,
    CASE WHEN wake THEN format('PERFORM pg_notify(%L, %L);', {{named}}, '') ELSE '' END);
  -- A partition's triggers fire where it is written by its own name, its root's where it is written by that.
  FOR part IN
    WITH RECURSIVE parts (oid) AS (
      SELECT watched::oid
      UNION
      SELECT inhrelid FROM pg_inherits JOIN parts ON inhparent = parts.oid
    )
    SELECT oid FROM parts JOIN pg_class USING (oid) WHERE relkind IN ('r', 'p')
  LOOP
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
      CONTINUE WHEN EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = part AND tgname = {{named}} || '_' || event
      );
      EXECUTE format(
        'CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s()',
        {{named}} || '_' || event, event, part,
        CASE event
          WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
          WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
          WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows'
          ELSE ''
        END,
        handler
      );
    END LOOP;
  END LOOP;
END $watch$;

-- The opposite of the above, by the table's name in the map.
CREATE OR REPLACE FUNCTION {{schema}}.{{name}}_unwatch(label text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $unwatch$
BEGIN
  EXECUTE format(
    'DROP FUNCTION IF EXISTS %I.%I() CASCADE', {{placed}}, {{named}} || '_' || left(md5(label), 12)
  );
END $unwatch$;
