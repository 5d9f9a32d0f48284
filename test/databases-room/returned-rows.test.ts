import type { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Row } from '../../src/core/change.ts'
import { returnedRows } from '../../src/databases/postgres/returned-rows.ts'
import { readStatements } from '../../src/databases/postgres/statement.ts'
import { startPglite } from '../support/pglite.ts'

let db: PGlite

beforeAll(async () => {
  db = await startPglite()
  await db.exec(`
    CREATE TABLE t (id int PRIMARY KEY, a int, b int, "C" int, made int GENERATED ALWAYS AS (a + 1) STORED);
    CREATE TABLE u (id int, a int);
    INSERT INTO u VALUES (1, 7), (2, 8);
  `)
})
afterAll(() => db.close())

const table = { columns: ['id', 'a', 'b', 'C', 'made'], generated: ['made'], stored: true }
const image = (row: object) => ({ ...row })

const column = fc.constantFrom('a', 'b', '"C"', 'A', '"a"')
const value = fc.constantFrom(
  '1',
  'b',
  'a + 1',
  'DEFAULT',
  'b IS DISTINCT FROM 1',
  '(SELECT max(a) FROM u)',
  '(CASE WHEN a IS NOT DISTINCT FROM 1 THEN 2 ELSE 3 END)',
  '(SELECT a FROM u WHERE u.id = 1)',
  'greatest(a, b)',
)
const assigned = fc.oneof(
  fc.tuple(column, value).map(([name, to]) => `${name} = ${to}`),
  fc
    .tuple(column, column, value, value)
    .map(([one, two, to, also]) => `(${one}, ${two}) = ROW (${to}, ${also})`),
  column.map((name) => `(${name}) = (SELECT max(a) FROM u)`),
)
const set = fc.array(assigned, { minLength: 1, maxLength: 3 }).map((items) => items.join(' , '))
const from = fc.constantFrom('', '', ' FROM u', ' FROM u JOIN u w ON u.id = w.id')
const where = fc.constantFrom(
  '',
  ' WHERE t.b IS DISTINCT FROM 1',
  ' WHERE EXISTS (SELECT FROM u WHERE u.id = t.id FOR UPDATE)',
  ' /* , a = 1 */ -- ,\n',
)
const returning = fc.constantFrom(
  '*',
  't.*',
  't.id, "C"',
  'id, a, b, "C"',
  'id AS a',
  'id, a + 1 AS b',
  '*, 5 AS a',
  'b, b',
  't',
  'lower(b::text) AS b',
  'old.*',
  'u.*',
)
const statement = fc.oneof(
  fc
    .tuple(set, from, where, returning)
    .map(([to, tables, which, what]) => `UPDATE t SET ${to}${tables}${which} RETURNING ${what}`),
  fc
    .tuple(set, where, returning)
    .map(
      ([to, which, what]) =>
        `INSERT INTO t (id, a, b) VALUES (1, 5, 6), (9, 5, 6) ON CONFLICT (id) DO UPDATE SET ${to.replaceAll(/\b(?:b IS|a \+|greatest\(a, b\))/g, (text) => text.replaceAll(/\b([ab])\b/g, 't.$1'))}${which} RETURNING ${what}`,
    ),
  fc.tuple(where, returning).map(([which, what]) => `DELETE FROM t${which} RETURNING ${what}`),
  returning.map((what) => `INSERT INTO t (id, a, b) SELECT id + 10, a, 3 FROM u RETURNING ${what}`),
)

test('what a statement returned is claimed only as far as it is true', { timeout: 60_000 }, async () => {
  const told = { rows: 0, whole: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(statement, async (sql) => {
      const [read] = readStatements(sql)
      let result: { before: Row[]; after: Row[]; rows: unknown[] } | undefined
      await db
        .transaction(async (tx) => {
          await tx.query('INSERT INTO t VALUES (1, 1, 2, 3), (2, 2, 1, NULL), (3, NULL, 1, 1)')
          const all = async () => (await tx.query<Row>('SELECT * FROM t ORDER BY id')).rows
          const before = await all()
          const { rows } = await tx.query(sql)
          result = { before, after: await all(), rows }
          await tx.rollback()
        })
        .catch(() => undefined)
      if (result === undefined) {
        told.refused++
        return
      }
      if (read?.kind !== 'write') throw new Error(`not understood: ${sql}`)
      const changes = returnedRows(read, result.rows, table)
      if (changes === undefined) {
        told.whole++
        return
      }
      told.rows++
      const images = changes.flatMap(({ before, after }) =>
        [before, after].flatMap((one) => (one ? [image(one)] : [])),
      )
      const { before, after } = result
      const was = new Map(before.map((row) => [row.id, row]))
      const is = new Map(after.map((row) => [row.id, row]))
      for (const id of new Set([...was.keys(), ...is.keys()])) {
        for (const [row, other] of [
          [was.get(id), is.get(id)],
          [is.get(id), was.get(id)],
        ]) {
          if (row === undefined || JSON.stringify(row) === JSON.stringify(other)) continue
          // Whatever the row was or became, one of the images must not deny it.
          expect(images.some((one) => Object.entries(one).every(([name, at]) => row[name] === at))).toBe(true)
        }
      }
    }),
    { numRuns: 3_000 },
  )
  expect(told.rows).toBeGreaterThan(300)
  expect(told.whole).toBeGreaterThan(300)
})

test('a column that is not told is refused, not taken for empty', () => {
  const [write] = readStatements('UPDATE t SET a = 1 RETURNING *')
  if (write?.kind !== 'write') throw new Error('not understood')
  const [change] = returnedRows(write, [{ id: 1, a: 1, b: 2, C: 3, made: 2 }], table) ?? []
  expect(change?.before).toBe(change?.after)
  expect(image(change?.after)).toEqual({ id: 1, b: 2, C: 3 })
  expect(() => change?.after?.a).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  expect(() => change?.after?.made).toThrow(/"made"/)
  expect(change?.after?.other).toBeUndefined()
})
