import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { readStatements } from '../../../src/databases/postgres/statement.ts'
import { readTokens } from '../../../src/databases/postgres/tokens.ts'
import { anyText } from '../damage.ts'
import { checked, type FuzzTarget, must } from '../target.ts'

const statement = fc.constantFrom(
  'SELECT a, lower(b) FROM t WHERE id = $1',
  "SELECT 'it''s' AS \"x\", E'\\'', $$ ; $$ FROM t FOR UPDATE",
  'WITH a AS MATERIALIZED (SELECT 1) SELECT * FROM a JOIN b ON (a.id = b.id)',
  'INSERT INTO t (a, b) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET a = excluded.a RETURNING *',
  'UPDATE ONLY public.t AS x SET (a, b) = (1, 2), c = c + 1 FROM u WHERE x.id = u.id RETURNING x.*',
  'DELETE FROM t USING u WHERE t.id = u.id RETURNING t.id',
  'MERGE INTO t USING u ON (t.id = u.id) WHEN NOT MATCHED THEN INSERT (a, b) VALUES (1, 2)',
  'TRUNCATE TABLE ONLY t RESTART IDENTITY',
  "SET LOCAL app.tenant = '7'; SAVEPOINT a; ROLLBACK TO a",
  '/* a /* b */ */ SELECT 1 -- c\n; CALL p()',
)
const DICTIONARY = [
  "'",
  "''",
  '"',
  '\\',
  '$$',
  '$a$',
  '$1',
  '/*',
  '*/',
  '--',
  '\n',
  ';',
  "E'",
  "U&'",
  '(',
  ')',
  ',',
].concat([
  '.',
  '::',
  '1e',
  '0x',
  'SELECT ',
  ' INTO ',
  ' FROM ',
  ' SET ',
  ' DELETE FROM victim ',
  ' f(1) ',
  'WITH a AS (',
  ' RETURNING ',
  '\u0000',
  'é',
])
const WRITE = 'DELETE FROM victim'

/** SQL as programs write it. */
export const statements: FuzzTarget = {
  name: 'statements',
  parses: 'SQL for PostgreSQL',
  wrong:
    'an exception of any kind; white space or case that changes the answer; a write behind a complete text unseen',
  property: checked(anyText(statement, DICTIONARY), (sql) => {
    const read = readStatements(sql)
    const { doubtful, statements } = readTokens(sql)
    if (doubtful) {
      must(
        read.every(({ kind }) => kind === 'opaque' || kind === 'control'),
        'certain of a doubtful text',
      )
      return
    }
    must(read.length === statements.length, 'as many answers as statements')
    // A complete text with a write behind it.
    const written = readStatements(`${sql}\n;${WRITE}`)
    must(written.at(-1)?.kind === 'write', () => `a write behind it is ${written.at(-1)?.kind}`)
    must(isDeepStrictEqual(written.slice(0, -1), read), 'a statement means another thing before another one')
    must(
      isDeepStrictEqual(readStatements(`/* a */ ${sql}\n-- b`), read),
      'comments around it change the answer',
    )
    // The same words nested in a CTE write still.
    const [only] = read
    if (!sql.includes(';') && only?.kind === 'write' && only.operation !== 'truncate') {
      const nested = readStatements(`WITH w AS (${sql}\n) SELECT 1`)
      must(nested.length === 1 && nested[0]?.kind === 'opaque', () => `inside WITH it is ${nested[0]?.kind}`)
    }
  }),
  hard: Object.fromEntries(
    (
      [
        ["'"],
        ["''", "SELECT '", "'"],
        ['"'],
        ['/*'],
        ['/* */'],
        ['--\n'],
        ['('],
        ['$a'],
        ['$a$'],
        ['$1'],
        ["E'\\'"],
        ['1e'],
        ['1_', 'SELECT '],
        ['a.'],
        ['start '],
        [' start transaction', "SELECT '\\';"],
        [';'],
        ['SELECT 1;'],
        ['f(1),', 'SELECT ', '1'],
        ['lower(a),', 'SELECT ', '1'],
        [',a', 'UPDATE t SET (b', ') = (1)'],
        [',a=1', 'UPDATE t SET b=1'],
        [',(a)=(1)', 'UPDATE t SET b=1'],
        [' set', 'UPDATE t'],
        [' do update', 'INSERT INTO t VALUES (1) ON CONFLICT '],
        [' on conflict', 'INSERT INTO t VALUES (1)', ' DO NOTHING'],
        [' WHEN NOT MATCHED THEN INSERT (a) VALUES (1)', 'MERGE INTO t USING u ON (true)'],
        [', a AS (SELECT 1)', 'WITH b AS (SELECT 1)', ' SELECT 1'],
        [',a', 'DELETE FROM t RETURNING b'],
        [' identity', 'TRUNCATE t restart'],
        [' for update', 'SELECT 1'],
        [' concurrently', 'CREATE INDEX'],
        ['[', 'SELECT a'],
        [' join (b)', 'SELECT a'],
      ] as const
    ).map(([piece, before = '', after = '']) => [
      `many ${JSON.stringify(piece)} after ${JSON.stringify(before)}`,
      (length: number) => {
        const sql = before + piece.repeat(length / piece.length) + after
        return () => readStatements(sql)
      },
    ]),
  ),
}
