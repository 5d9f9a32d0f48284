import type { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readStatements } from '../../src/databases/postgres/statement.ts'
import { startPglite } from '../support/pglite.ts'

const kinds = (sql: string) => readStatements(sql).map(({ kind }) => kind)

describe('a statement that certainly writes nothing', () => {
  test.each([
    'SELECT 1',
    '  select * from payments -- delete from payments',
    '/* /* delete */ from */ SELECT now(), lower("Name"), count(*) FILTER (WHERE a > 1) OVER (PARTITION BY (b)) FROM t',
    "SELECT 'it''s; DELETE FROM t' AS \"delete\"",
    "SELECT E'it\\'s' || e'\\\\', $$ ; DELETE FROM t $$, $a$ $$ $b$ $a$",
    'VALUES (1, 2), (3, 4)',
    'TABLE payments',
    '(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1',
    'WITH a AS (SELECT 1), b AS MATERIALIZED (SELECT 2) SELECT * FROM a, b',
    'WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t',
    'SELECT * FROM t WHERE id IN (1, 2) AND EXISTS (SELECT FROM u) AND NOT (a OR b) AND x = ANY ($1)',
    'SELECT * FROM t FOR UPDATE',
    'SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED',
    'SELECT a::numeric(10, 2), CAST(b AS varchar(3)), x::my_type(3), ARRAY[(1)], a[(1)] FROM t JOIN (SELECT 1) u ON (true)',
    'SELECT extract(year FROM d), substring(s FROM 1 FOR 2), pg_catalog.lower(s), interval (2), row(1, 2) FROM t',
    "SELECT * FROM json_to_recordset($1) AS x (a int) WHERE n NOT ILIKE ('a' || 'b') GROUP BY GROUPING SETS ((a), (b))",
    "SELECT set_config('app.tenant', $1, true)",
    "SELECT nextval('s'), pg_advisory_xact_lock(7), gen_random_uuid()",
    "SELECT '\\d+' ~ x, 1e5, 1.5e-3, .5, 0x1F, 1_000 FROM t",
    'SHOW search_path',
    'EXPLAIN DELETE FROM t',
    "SET LOCAL app.tenant = '7'",
    "SET statement_timeout = '5s'",
    'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'SAVEPOINT a',
    'ROLLBACK TO SAVEPOINT a',
    'RELEASE a',
    'LOCK TABLE t IN SHARE MODE',
    'NOTIFY a',
    'SELECT 1; SELECT 2;;',
    '',
    ' -- nothing',
  ])('%s', (sql) => {
    expect(kinds(sql).every((kind) => kind === 'read')).toBe(true)
  })
})

describe('a statement that may write anything', () => {
  test.each([
    'SELECT refresh_totals()',
    'SELECT "lower"(a), "select"(b)',
    'SELECT "Lower"(a)',
    'SELECT public.lower(a)',
    'SELECT a.b.lower(c)',
    'SELECT (x).f(1)',
    'SELECT * FROM f() AS (a int)',
    'SELECT * FROM g, f(1) AS (a int)',
    'SELECT * FROM ROWS FROM (f())',
    'SELECT over(1)',
    'SELECT a, filter(1), join(2)',
    'SELECT NOT ilike(1)',
    'SELECT a[1:f(2)]',
    'SELECT * FROM t JOIN u ON conflict(1)',
    'SELECT by(1), sets(2), zone(3)',
    'SELECT * INTO copied FROM t',
    'SELECT 1into copied FROM t',
    'WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone',
    'WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone',
    'WITH gone AS (DELETE FROM t RETURNING *) MERGE INTO u USING gone ON (true) WHEN MATCHED THEN DO NOTHING',
    'SELECT set_config($1, $2, true)',
    "SELECT set_config('search_path', 'other', true)",
    'SET search_path TO other',
    'SET session_replication_role = replica',
    'EXPLAIN ANALYZE DELETE FROM t',
    'EXPLAIN (ANALYSE) SELECT 1',
    'CALL p()',
    'DO $$ BEGIN DELETE FROM t; END $$',
    'EXECUTE prepared',
    "COPY t FROM '/dev/blob'",
    'CREATE TABLE t (id int)',
    'DROP TABLE t',
    'REFRESH MATERIALIZED VIEW m',
    'TRUNCATE t, u',
    'TRUNCATE t CASCADE',
    'INSERT INTO t VALUES (f(1))',
    'INSERT INTO t SELECT * FROM f()',
    'UPDATE t SET a = f(a)',
    'UPDATE t SET a = 1 WHERE id IN (SELECT f(1))',
    'DELETE FROM t RETURNING f(id)',
    'INSERT INTO a.b.c VALUES (1)',
    'MERGE INTO t USING u ON (true) WHEN MATCHED AND insert(1) THEN DELETE',
    'UPDATE ONLY (t) SET a = 1',
    "SELECT '\\' || f() || '\\''",
    "SELECT E'a'\n'\\' || '; DELETE FROM victim; --'",
    "SELECT '\\' || '; DELETE FROM victim; --'",
    "SELECT 'a\\''; DELETE FROM victim; --'",
    "SELECT E'a'\n'\\' ; DELETE FROM victim; --'",
    'SELECT U&"\\0066"(1)',
    "SELECT 'unterminated",
    'SELECT /* unterminated',
    'SELECT $$ unterminated',
    'SELECT "unterminated',
    'nonsense',
  ])('%s', (sql) => {
    expect(kinds(sql)).toEqual(['opaque'])
  })
})

describe('a statement that writes one table', () => {
  const write = (sql: string) => {
    const [statement, ...others] = readStatements(sql)
    expect(others).toEqual([])
    return statement
  }
  const t = { schema: undefined, name: 't' }

  test.each([
    ['INSERT INTO t VALUES (1)', 'insert', [], undefined],
    ['insert into T (a, b) values (lower($1), now()) returning *', 'insert', [], 'all'],
    [
      'INSERT INTO t AS x (a) SELECT a FROM u JOIN v ON (u.id = v.id) RETURNING x.id, "b", *',
      'insert',
      [],
      'all',
    ],
    ['INSERT INTO t DEFAULT VALUES RETURNING id, "Org Id"', 'insert', [], ['id', 'Org Id']],
    ['INSERT INTO t VALUES (1) RETURNING id AS other', 'insert', [], undefined],
    ['INSERT INTO t VALUES (1) RETURNING *, a + 1 AS id', 'insert', [], undefined],
    ['INSERT INTO t VALUES (1) RETURNING current_user, id', 'insert', [], undefined],
    ['INSERT INTO t VALUES (1) RETURNING old.*, new.*', 'insert', [], undefined],
    ['INSERT INTO t VALUES (1) RETURNING WITH (OLD AS o) o.id', 'insert', [], undefined],
    ['INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING RETURNING *', 'insert', [], 'all'],
    [
      'INSERT INTO t VALUES (1) ON CONFLICT (id) WHERE (a > 1) DO UPDATE SET a = excluded.a, b = 2 WHERE t.c RETURNING *',
      'upsert',
      ['a', 'b'],
      'all',
    ],
    [
      'INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT k DO UPDATE SET (a, b) = (1, 2)',
      'upsert',
      ['a', 'b'],
      undefined,
    ],
    ['UPDATE t SET a = 1', 'update', ['a'], undefined],
    [
      'UPDATE ONLY t * AS x SET a = 1, "B" = (SELECT 1), c.d = 2, e[1] = 3 WHERE id = $1 RETURNING x.*',
      'update',
      ['a', 'B', 'c', 'e'],
      'all',
    ],
    ['UPDATE t x SET (a, b) = ROW (1, 2), (c) = (SELECT 3) RETURNING id', 'update', ['a', 'b', 'c'], ['id']],
    ['UPDATE t SET a = b IS DISTINCT FROM c, d = 1 RETURNING *', 'update', ['a', 'd'], 'all'],
    ['UPDATE t SET a = u.a FROM u WHERE u.id = t.id RETURNING *', 'update', ['a'], undefined],
    ['UPDATE t SET a = 1 WHERE b IS NOT DISTINCT FROM c RETURNING *', 'update', ['a'], 'all'],
    [
      'UPDATE t SET a = 1 WHERE id IN (SELECT id FROM u FOR UPDATE SKIP LOCKED) RETURNING *',
      'update',
      ['a'],
      'all',
    ],
    ['UPDATE t SET a = 1 RETURNING u.id', 'update', ['a'], undefined],
    ['DELETE FROM t', 'delete', [], undefined],
    ['DELETE FROM ONLY t WHERE id = 1 RETURNING id', 'delete', [], ['id']],
    ['DELETE FROM t USING u WHERE u.id = t.id RETURNING *', 'delete', [], undefined],
    [
      'WITH x AS (SELECT 1 AS id) DELETE FROM t WHERE id IN (SELECT id FROM x) RETURNING *',
      'delete',
      [],
      'all',
    ],
    ['TRUNCATE t', 'truncate', [], undefined],
    ['TRUNCATE TABLE ONLY t RESTART IDENTITY RESTRICT', 'truncate', [], undefined],
    [
      'MERGE INTO t AS x USING (SELECT 1) s ON (true) WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (a) VALUES (1)',
      undefined,
      [],
      undefined,
    ],
  ])('%s', (sql, operation, set, returning) => {
    expect(write(sql)).toEqual({ kind: 'write', table: t, operation, set, returning })
  })

  test('names_table_withSchema_andQuotes', () => {
    expect(write('DELETE FROM "Bill ing"."t""x"')).toMatchObject({
      table: { schema: 'Bill ing', name: 't"x' },
    })
    expect(write('UPDATE Billing.T SET a = 1')).toMatchObject({ table: { schema: 'billing', name: 't' } })
  })
})

describe('other statements', () => {
  test.each([
    ['BEGIN', 'BEGIN'],
    ['start transaction', 'START'],
    ['/* */ COMMIT', 'COMMIT'],
    ['COMMIT PREPARED $$a$$', 'COMMIT'],
    ['END', 'END'],
    ['ABORT', 'ABORT'],
    ['ROLLBACK', 'ROLLBACK'],
    ['ROLLBACK WORK AND CHAIN', 'ROLLBACK'],
    ["PREPARE TRANSACTION 'a'", 'PREPARE TRANSACTION'],
    ["SELECT '\\'; COMMIT", 'COMMIT'],
  ])('%s is for the bound database', (sql, word) => {
    expect(readStatements(sql)).toContainEqual({ kind: 'control', word })
  })

  test.each([
    'VACUUM',
    'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)',
    'REINDEX TABLE CONCURRENTLY t',
    'ALTER SYSTEM RESET ALL',
  ])('%s cannot be part of a transaction', (sql) => {
    expect(kinds(sql)).toEqual(['alone'])
  })

  test('reads_severalStatements_each', () => {
    expect(kinds("SELECT ';'; DELETE FROM t -- ;\n; CALL p();")).toEqual(['read', 'write', 'opaque'])
  })

  test('readsLongTexts_inTime', () => {
    const values = Array.from({ length: 50_000 }, (_, at) => `(${at}, 'it''s ${at}', E'\\'')`).join(', ')
    const started = performance.now()
    expect(kinds(`INSERT INTO t VALUES ${values}`)).toEqual(['write'])
    expect(kinds(`SELECT ${'('.repeat(100_000)}1`)).toEqual(['read'])
    expect(kinds(`SELECT ${'/*'.repeat(100_000)}`)).toEqual(['opaque'])
    expect(kinds(`SELECT '${"''".repeat(500_000)}'`)).toEqual(['read'])
    // More columns than a call takes arguments.
    expect(kinds(`UPDATE t SET (b${',a'.repeat(200_000)}) = (1)`)).toEqual(['write'])
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

/** Pieces whose meaning depends on where they stand. */
const piece = fc.constantFrom(
  ...[
    "'",
    "''",
    '"',
    '""',
    '\\',
    "\\'",
    '$$',
    '$a$',
    '$',
    '/*',
    '*/',
    '--',
    '\n',
    ' ',
    ';',
    'E',
    "E'",
    "e'\\",
    "U&'",
    "B'",
    "'a'\n'",
    '(',
    ')',
    ',',
    '.',
    ':',
    '::',
    '1',
    '1e',
    '0x',
    '$1',
  ],
  ...[
    'SELECT ',
    'SELECT 1 ',
    'INTO ',
    'FROM ',
    ' AS ',
    'WITH a AS (',
    'harm()',
    'harm',
    'delete ',
    ' DELETE FROM victim ',
    'UPDATE victim SET a = 2 ',
    'INSERT INTO victim VALUES (9)',
    'MERGE ',
    'copied',
    'over',
    'join ',
    'by ',
    'a',
  ],
)

describe('texts by chance', () => {
  let db: PGlite
  beforeAll(async () => {
    db = await startPglite()
    await db.exec(`
      CREATE TABLE victim (a int); INSERT INTO victim VALUES (1);
      CREATE FUNCTION harm() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM victim; RETURN 1; END $$;
      CREATE FUNCTION over() RETURNS int LANGUAGE sql AS 'SELECT harm()';
      CREATE FUNCTION "join"() RETURNS int LANGUAGE sql AS 'SELECT harm()';
      CREATE FUNCTION "by"() RETURNS int LANGUAGE sql AS 'SELECT harm()';
    `)
  })
  afterAll(() => db.close())

  /** What the server makes of the text. */
  async function outcome(sql: string, settings: string): Promise<'refused' | 'wrote' | 'read'> {
    let found: 'refused' | 'wrote' | 'read' = 'refused'
    await db
      .transaction(async (tx) => {
        await tx.exec(settings)
        await tx.exec(sql)
        const { rows } = await tx.query<{ wrote: boolean }>(
          'SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS wrote',
        )
        found = rows[0]?.wrote === true ? 'wrote' : 'read'
        await tx.rollback()
      })
      .catch(() => undefined)
    return found
  }

  test('neverThrow', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (sql) => {
          for (const { kind } of readStatements(sql))
            expect(['read', 'write', 'opaque', 'control', 'alone']).toContain(kind)
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test.each(['on', 'off'])(
    'areReads_onlyIfTheServerWritesNothing, standard_conforming_strings %s',
    { timeout: 60_000 },
    async (setting) => {
      let run = 0
      const text = fc
        .array(piece, { minLength: 1, maxLength: 8 })
        .map((pieces) => `SELECT 1 ${pieces.join('')}`)
      await fc.assert(
        fc.asyncProperty(text, async (sql) => {
          if (!readStatements(sql).every(({ kind }) => kind === 'read')) return
          const found = await outcome(sql, `SET LOCAL standard_conforming_strings TO ${setting}`)
          if (found !== 'refused') run++
          expect(found).not.toBe('wrote')
        }),
        { numRuns: 15_000 },
      )
      expect(run).toBeGreaterThan(200)
    },
  )

  test('hideNoWrite_behindQuotesAndComments', { timeout: 60_000 }, async () => {
    const quoted = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
    const hiding = fc.tuple(
      fc.constantFrom('', "'", '"', "E'", '$$', '$a$', '/*', '--'),
      quoted,
      fc.constantFrom('', "'", '"', '$$', '$a$', '*/', '\n'),
    )
    let written = 0
    await fc.assert(
      fc.asyncProperty(hiding, hiding, async (one, other) => {
        const sql = `SELECT 1 ${one.join('')}; DELETE FROM victim ${other.join('')}`
        for (const setting of ['on', 'off']) {
          if ((await outcome(sql, `SET LOCAL standard_conforming_strings TO ${setting}`)) !== 'wrote')
            continue
          written++
          expect(kinds(sql).every((kind) => kind === 'read')).toBe(false)
        }
      }),
      { numRuns: 4_000 },
    )
    expect(written).toBeGreaterThan(30)
  })
})
