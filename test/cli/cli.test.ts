import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { SCHEMA } from '../audit/audit-room.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = join(root, 'test/cli/modules')

/** Runs the program in this process. */
async function cli(args: readonly string[], { cwd = root, env = {} }: { cwd?: string; env?: object } = {}) {
  const written = { out: '', err: '' }
  const code = await run(args, {
    cwd,
    env: env as Record<string, string>,
    color: false,
    out: (text) => {
      written.out += text
    },
    err: (text) => {
      written.err += text
    },
  })
  return { code, ...written }
}

/** Runs it as its users do, in a process of its own. */
function program(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const own = [
    ...['tsx', join(root, 'scripts/text-loader.mjs')].flatMap((name) => ['--import', name]),
    join(root, 'src/cli/main.ts'),
  ]
  return new Promise((resolve) => {
    execFile(process.execPath, [...own, ...args], { cwd: modules }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

describe('usage', () => {
  test.each([
    [['--help'], 0, /^Usage: coherent-cache COMMAND[\s\S]*audit[\s\S]*views/],
    [['help'], 0, /^Usage: coherent-cache COMMAND/],
    [['audit', '--help'], 0, /^Usage: coherent-cache audit \[FILE\]/],
    [['views', '--sqlite', 'x', '-h'], 0, /^Usage: coherent-cache views/],
  ])('%j is answered', async (args, code, out) => {
    expect(await cli(args)).toEqual({ code, out: expect.stringMatching(out), err: '' })
  })

  test.each([
    [[], /^Usage/],
    [['audits'], /no command "audits"/],
    [['toString'], /no command/],
    [['audit', '--bogus'], /Unknown option '--bogus'[\s\S]*See --help/],
    [['audit', 'one.ts', 'two.ts'], /One file/],
    [['audit', 'none.ts'], /There is no file .*none\.ts/],
    [['audit'], /There is no coherent-cache\.audit\.ts in/],
    [['audit', 'package.json', '--import', './none.ts'], /There is no module/],
    [['views'], /--database-url URL or --sqlite FILE/],
    [['views', '--sqlite', 'none.db'], /There is no file/],
    [['views', '--sqlite', 'a', '--database-url', 'postgres://b'], /Name one database/],
    [['views', '--database-url', 'mysql://x'], /postgres:\/\//],
    [['views', '--database-url', 'postgres://127.0.0.1:1/x'], /could not be reached/],
  ])('%j is refused', async (args, err) => {
    expect(await cli(args)).toEqual({ code: 2, out: '', err: expect.stringMatching(err) })
  })

  test('a package that is not installed is named', async () => {
    const found = await cli(['views', '--database-url', inject('postgresUrl')], { cwd: '/' })
    expect(found).toEqual({ code: 2, out: '', err: expect.stringContaining('npm install pg') })
  })
})

describe('audit', { timeout: 60_000 }, () => {
  test('reports_andEnds_withACode_thatSaysWhatWasFound', async () => {
    const found = await program('audit', 'pglite.ts')
    expect(found).toEqual({ code: 1, out: expect.any(String), err: 'closed\n' })
    expect(found.out).toMatch(/✗ careless {2}report:8\n {6}renters {2}undeclared\n/)
    expect(found.out).toMatch(/Of 2 loaders, 1 reads what is not declared\.\n$/)
  })

  test('loaderThatNeverSettles_endsAsAFailure_andSaysWhatItMayWaitFor', async () => {
    const { code, err } = await program('audit', 'waits.ts')
    expect([code, err]).toEqual([2, expect.stringMatching(/a loader has never settled/)])
  })

  test('only_json', async () => {
    const { code, out } = await program('audit', 'pglite.ts', '--only', 'report', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ ok: true, loaders: [{ name: 'report', status: 'declared' }] })
  })

  const folder = mkdtempSync(join(tmpdir(), 'coherent-cache-cli-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const definition = `
    const { createCache } = await import(${JSON.stringify(pathToFileURL(join(root, 'src/index.ts')).href)})
  `
  test.each([
    ['no export', 'export const a = 1', /default export of .* is undefined/],
    ['no definition', 'export default 7', /default export of .* is 7/],
    ['an unknown option', 'export default { caches: 1 }', /Did you mean "cache"|no option "caches"/],
    [
      'no bound database',
      `${definition}export default { cache: createCache({ name: 'a' }), loaders: { a: { key: 'a', load() {} } } }`,
      /is no bound database/,
    ],
    ['code that throws', "throw new Error('of my own')", /Error: of my own\n\s+at /],
  ])('%s is told', async (name, text, err) => {
    const file = join(folder, `${name.replaceAll(' ', '-')}.mjs`)
    writeFileSync(file, text)
    expect(await cli(['audit', file])).toEqual({ code: 2, out: '', err: expect.stringMatching(err) })
  })
})

describe('views', () => {
  const schema = `cli_${process.pid}`
  const url = new URL(inject('postgresUrl'))
  url.searchParams.set('options', `-c search_path=${schema}`)
  const pool = new Pool({ connectionString: url.href })
  // Others of the run have views of their own.
  const only = ['v_all', 'v_counted', 'v_available', 'mv_totals', 'v_days', `${schema}_b."v odd"`]
    .map((name) => name.replaceAll('"', ''))
    .flatMap((name) => ['--only', name])

  beforeAll(async () => {
    await pool.query(`
      CREATE SCHEMA ${schema}; CREATE SCHEMA ${schema}_b; ${SCHEMA.join('; ')};
      CREATE MATERIALIZED VIEW mv_totals AS SELECT sum(amount) FROM revenues;
      CREATE VIEW v_all AS SELECT 1 FROM v_counted, mv_totals, expenses;
      CREATE TABLE ledger (day int) PARTITION BY RANGE (day);
      CREATE TABLE ledger_1 PARTITION OF ledger FOR VALUES FROM (0) TO (10);
      CREATE VIEW v_days AS SELECT * FROM ledger_1;
      CREATE TABLE ${schema}_b."o'dd" (id int);
      CREATE VIEW ${schema}_b."v odd" AS SELECT * FROM ${schema}_b."o'dd";
    `)
  })
  afterAll(async () => {
    await pool.query(`DROP SCHEMA ${schema} CASCADE; DROP SCHEMA ${schema}_b CASCADE`)
    await pool.end()
  })

  test('prints_theViewsObject_readyForTheMap', async () => {
    const { code, out, err } = await cli(['views', '--database-url', url.href, ...only])
    expect([code, err]).toEqual([0, ''])
    expect(out.replaceAll(schema, 'SCHEMA')).toBe(
      [
        'views: {',
        "  'SCHEMA_b.v odd': ['SCHEMA_b.o\\'dd'],",
        "  v_active: ['renters'],",
        "  v_all: ['expenses', 'mv_totals', 'v_counted'],",
        "  v_available: ['hedges', 'positions'],",
        "  v_counted: ['v_active'],",
        "  v_days: ['ledger'],",
        '},',
        '// Each of these has to stand under tables too, with [] where nothing hangs on it:',
        "//   SCHEMA_b.o'dd, expenses, hedges, ledger, mv_totals, positions, renters",
        '// Materialised views change when they are refreshed: they are tables of their own:',
        '//   mv_totals',
        '',
      ].join('\n'),
    )
  })

  test('json_andTheVariable', async () => {
    const env = { DATABASE_URL: url.href }
    const { out } = await cli(['views', '--json', '--only', 'v_counted'], { env })
    expect(JSON.parse(out)).toEqual({ v_counted: ['v_active'], v_active: ['renters'] })
    expect(await cli(['views', '--only', 'v_none'], { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining('no view v_none'),
    })
  })

  test('manyTables_areBrokenIntoLines', async () => {
    const tables = Array.from({ length: 12 }, (_, at) => `a_table_with_a_long_name_${at}`)
    await pool.query(
      `${tables.map((table) => `CREATE TABLE ${table} (id int)`).join('; ')}; CREATE VIEW v_long AS SELECT 1 FROM ${tables.join(', ')}`,
    )
    const { out } = await cli(['views', '--database-url', url.href, '--only', 'v_long'])
    expect(out).toContain("  v_long: [\n    'a_table_with_a_long_name_0',\n")
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(112)
  })
})
