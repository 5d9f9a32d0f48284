import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import type { Cache } from 'coherent-cache'
import { auditDependencies } from 'coherent-cache/audit'
import { type BoundSqlite, bindSqlite } from 'coherent-cache/sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { keys, openCache, SCHEMA } from '../audit/audit-room.ts'
import { findNode } from '../package/node-versions.ts'

let client: Database.Database
let cache: Cache
let db: BoundSqlite<Database.Database>

beforeEach(() => {
  client = new Database(':memory:')
  for (const statement of SCHEMA) client.exec(statement)
  cache = openCache(`audit-sqlite-${process.pid}`)
  db = bindSqlite(client, cache)
})
afterEach(async () => {
  await cache.close()
  client.close()
})

const reportKey = keys.report({ orgId: 7, day: '2026-11-20' })
const audit = (load: () => unknown, key: string = reportKey) =>
  auditDependencies(cache, { loader: { key, load } }, { database: db })
const tablesOf = async (sql: string) =>
  (await audit(() => db.all(sql))).loaders[0]?.tables.map(({ table, through }) => [table, through])

test('declaredTables_areOk_throughAViewOfTheMap', async () => {
  const report = await audit(() => db.all('SELECT * FROM v_available WHERE entity_id = ?', 5), 'capacity:5')
  expect(report).toMatchObject({ ok: true, database: 'sqlite', unread: [] })
  expect(report.loaders[0]?.tables).toEqual([
    { table: 'hedges', declared: true, through: [['v_available']] },
    { table: 'positions', declared: true, through: [['v_available']] },
  ])
})

test('undeclaredTable_isNamed', async () => {
  const report = await audit(() =>
    db.get('SELECT sum(amount) FROM revenues WHERE org_id IN (SELECT org_id FROM renters)'),
  )
  expect(report).toMatchObject({
    ok: false,
    loaders: [{ status: 'undeclared', missing: ['tables: { renters: [keys.report] }'] }],
    unread: [{ of: 'report', table: 'expenses' }],
  })
})

test.each([
  ['SELECT * FROM v_counted', [['renters', [['v_counted', 'v_active']]]]],
  ['SELECT count(*) FROM renters', [['renters', []]]],
  ['SELECT id FROM renters WHERE id = 3', [['renters', []]]],
  ['WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n, hedges) SELECT * FROM n', [['hedges', []]]],
  ['SELECT * FROM keyed', [['keyed', []]]],
  ["SELECT * FROM notes WHERE notes MATCH 'a'", [['notes', []]]],
  ['SELECT * FROM other.things', [['other.things', []]]],
  ['SELECT * FROM sqlite_schema', []],
  ["SELECT value FROM json_each('[1]')", []],
])('%s', async (sql, expected) => {
  client.exec(`
    ATTACH ':memory:' AS other; CREATE TABLE other.things (id int);
    CREATE INDEX hedges_amount ON hedges (amount); CREATE TABLE keyed (id text PRIMARY KEY) WITHOUT ROWID;
    CREATE VIRTUAL TABLE notes USING fts5(body);
  `)
  expect(await tablesOf(sql)).toEqual(expected)
})

test('indexThatCoversAQuery_isItsTable', async () => {
  client.exec('CREATE INDEX renters_org ON renters (org_id)')
  expect(await tablesOf('SELECT org_id FROM renters WHERE org_id = 7')).toEqual([['renters', []]])
})

test('viewOverAVirtualTable_andOneThatIsBroken', async () => {
  client.exec('CREATE VIRTUAL TABLE notes USING fts5(body); CREATE VIEW v_notes AS SELECT body FROM notes')
  client.exec('CREATE TABLE gone (id int); CREATE VIEW v_gone AS SELECT * FROM gone; DROP TABLE gone')
  expect(await tablesOf("SELECT * FROM v_notes WHERE body = 'a'")).toEqual([['notes', [['v_notes']]]])
})

test('codeThatReadsThroughTheCache_isLoaded_theClientItselfIsUnseen_andWritesAreRefused', async () => {
  const report = () => cache.get(reportKey, () => db.all('SELECT * FROM revenues, renters'))
  await report()
  expect((await audit(report)).loaders[0]?.tables.map(({ table }) => table)).toEqual(['renters', 'revenues'])
  const past = await audit(() => client.prepare('SELECT * FROM revenues').all())
  expect(past).toMatchObject({ ok: false, loaders: [{ status: 'unseen' }] })
  const written = await audit(() => db.run('DELETE FROM revenues'))
  expect(written.loaders[0]).toMatchObject({ status: 'failed', error: { code: 'SQLITE_READONLY' } })
  expect(client.prepare('SELECT count(*) AS n FROM revenues').get()).toEqual({ n: 1 })
  expect(client.inTransaction).toBe(false)
})

describe('coherent-cache views --sqlite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coherent-cache-views-'))
  const file = join(folder, 'a.db')
  afterAll(() => rmSync(folder, { recursive: true }))
  const expected = [
    'views: {',
    "  v_active: ['renters'],",
    "  v_counted: ['renters'],",
    "  v_available: ['hedges', 'positions'],",
    '},',
    '// Each of these has to stand under tables too, with [] where nothing hangs on it:',
    '//   hedges, positions, renters',
    '',
  ].join('\n')
  beforeAll(() => {
    const written = new Database(file)
    for (const statement of SCHEMA) written.exec(statement)
    written.close()
  })

  test('by better-sqlite3, as it is installed here', async () => {
    let out = ''
    const terminal = { cwd: import.meta.dirname, env: {}, color: false, err: (text: string) => (out += text) }
    const code = await run(['views', '--sqlite', file], { ...terminal, out: terminal.err })
    expect({ code, out }).toEqual({ code: 0, out: expected })
  })

  test('by node:sqlite, in a Node.js that has it', { timeout: 120_000 }, async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const own = ['tsx', join(root, 'scripts/text-loader.mjs')].flatMap((name) => ['--import', name])
    const args = [...own, join(root, 'src/cli/main.ts'), 'views', '--sqlite', file]
    const { stdout } = await promisify(execFile)(await findNode(24), args, { cwd: root })
    expect(stdout).toBe(expected)
  })
})
