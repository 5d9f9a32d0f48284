import { type Cache, defineDependencies, isCacheError } from 'coherent-cache'
import { auditDependencies } from 'coherent-cache/audit'
import { type BoundPg, bindPg } from 'coherent-cache/pg'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { keys, openCache, SCHEMA } from './audit-room.ts'

const schema = `audit_${process.pid}`
const admin = connect()
let pool: Pool
let cache: Cache
let db: BoundPg<Pool>

function connect(): Pool {
  return new Pool({ connectionString: inject('postgresUrl'), options: `-c search_path=${schema}`, max: 2 })
}

beforeAll(async () => {
  await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}; ${SCHEMA.join('; ')}`)
})
beforeEach(() => {
  pool = connect()
  cache = openCache(schema)
  db = bindPg(pool, cache)
})
afterEach(async () => {
  await cache.close()
  await pool.end()
})
afterAll(async () => {
  await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  await admin.end()
})

const reportKey = keys.report({ orgId: 7, day: '2026-11-20' })

/** What one loader of the report's key is found to read. */
async function audited(load: Parameters<typeof one>[1], key: string = reportKey) {
  return (await one(key, load)).loaders[0]
}
function one(key: string, load: (tx: { query(text: string): unknown }) => unknown) {
  return auditDependencies(cache, { loader: { key, load: (_, tx) => load(tx) } }, { database: db })
}
const tablesOf = async (text: string) =>
  (await audited(() => db.query(text)))?.tables.map(({ table, through }) => [table, through])

describe('auditDependencies', () => {
  test('declaredTables_areOk', async () => {
    const report = await auditDependencies(
      cache,
      {
        report: {
          key: reportKey,
          load: () => db.query('SELECT 1 FROM revenues r LEFT JOIN expenses e ON e.org_id = r.org_id'),
        },
        capacity: {
          key: keys.capacity({ entityId: 5 }),
          load: (_, tx) => tx.query('SELECT * FROM v_available WHERE entity_id = $1', [5]),
        },
      },
      { database: db, keys },
    )
    expect(report).toMatchObject({
      ok: true,
      cache: schema,
      database: 'pg',
      unread: [],
      unaudited: ['metrics'],
    })
    expect(report.loaders.map(({ name, family, status }) => [name, family, status])).toEqual([
      ['report', 'report', 'declared'],
      ['capacity', 'capacity', 'declared'],
    ])
    expect(report.loaders[1]?.tables).toEqual([
      { table: 'hedges', declared: true, through: [['v_available']] },
      { table: 'positions', declared: true, through: [['v_available']] },
    ])
  })

  test('undeclaredTable_isNamed_withTheLineThatDeclaresIt', async () => {
    const report = await one(reportKey, (tx) =>
      tx.query('SELECT 1 FROM revenues WHERE org_id IN (SELECT org_id FROM renters)'),
    )
    expect(report.ok).toBe(false)
    expect(report.loaders[0]).toMatchObject({
      name: 'loader',
      key: reportKey,
      status: 'undeclared',
      tables: [
        { table: 'renters', declared: false, through: [] },
        { table: 'revenues', declared: true },
      ],
      missing: ['tables: { renters: [keys.report] }'],
    })
    expect(report.unread).toEqual([{ of: 'report', table: 'expenses' }])
  })

  test('unread_isWhatNoLoaderOfTheFamilyRead', async () => {
    const report = await auditDependencies(
      cache,
      {
        profit: { key: reportKey, load: () => db.query('SELECT * FROM revenues') },
        loss: {
          key: keys.report({ orgId: 7, day: 'never' }),
          load: () => db.query('SELECT * FROM expenses'),
        },
      },
      { database: db },
    )
    expect(report).toMatchObject({ ok: true, unread: [] })
  })

  test('viewsOfViews_areExplained', async () => {
    expect(await tablesOf('SELECT * FROM v_counted')).toEqual([['renters', [['v_counted', 'v_active']]]])
  })

  test('viewThatTheMapKnowsAsATable_isToldToNameItsTables', async () => {
    const map = defineDependencies({ tables: { v_available: [keys.capacity] } })
    const other = openCache(`${schema}-view`, map)
    const bound = bindPg(pool, other)
    const load = () => bound.query('SELECT * FROM v_available')
    const report = await auditDependencies(
      other,
      { capacity: { key: keys.capacity({ entityId: 1 }), load } },
      { database: bound },
    )
    expect(report.loaders[0]).toMatchObject({
      status: 'undeclared',
      missing: ["views: { v_available: ['hedges', 'positions'] }"],
    })
    expect(report.unread).toEqual([])
    await other.close()
  })

  test('functions_areSeenThrough', async () => {
    await admin.query(`
      CREATE OR REPLACE FUNCTION owed() RETURNS bigint LANGUAGE plpgsql STABLE AS
        'BEGIN RETURN (SELECT count(*) FROM expenses); END';
    `)
    expect(await tablesOf('SELECT owed()')).toEqual([['expenses', []]])
  })

  test('partition_countsAsItsTable_child_asItselfAndItsParent', async () => {
    await admin.query(`
      CREATE TABLE ledger (day int, n int) PARTITION BY RANGE (day);
      CREATE TABLE ledger_1 PARTITION OF ledger FOR VALUES FROM (0) TO (10);
      CREATE TABLE revenues_old () INHERITS (revenues);
    `)
    try {
      expect(await tablesOf('SELECT * FROM ledger WHERE day = 3')).toEqual([['ledger', []]])
      expect(await tablesOf('SELECT * FROM ledger_1')).toEqual([['ledger', []]])
      const child = await audited(() => db.query('SELECT * FROM revenues_old'))
      expect(child).toMatchObject({ status: 'declared', tables: [{ table: 'revenues_old', declared: true }] })
      const parent = await audited(() => db.query('SELECT * FROM revenues'), 'of:no:family')
      expect(parent).toMatchObject({
        tables: [{ table: 'revenues', declared: false }],
        missing: ["tables: { revenues: ['of:no:family'] }"],
      })
    } finally {
      await admin.query('DROP TABLE ledger, revenues_old')
    }
  })

  test('materialisedView_isATableOfItsOwn', async () => {
    await admin.query('CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) FROM revenues')
    try {
      expect(await tablesOf('SELECT * FROM totals')).toEqual([['totals', []]])
    } finally {
      await admin.query('DROP MATERIALIZED VIEW totals')
    }
  })

  test('otherSchemas_areNamedAsWritesNameThem_catalogueAndTemporaryTables_areNot', async () => {
    // In the one connection that the pool has by now, and that the audit takes.
    await pool.query('CREATE TEMPORARY TABLE scratch (id int)')
    await admin.query(`CREATE SCHEMA ${schema}_b; CREATE TABLE ${schema}_b."Odd name" (id int)`)
    try {
      expect(
        await tablesOf(`SELECT * FROM ${schema}_b."Odd name", scratch, pg_class, information_schema.tables`),
      ).toEqual([[`${schema}_b.Odd name`, []]])
    } finally {
      await admin.query(`DROP SCHEMA ${schema}_b CASCADE`)
    }
  })

  test('codeThatReadsThroughTheCache_isLoaded_whateverTheCacheHolds', async () => {
    const report = () => cache.get(reportKey, () => db.query('SELECT * FROM revenues, renters'))
    await report()
    expect(cache.peek(reportKey)).toBeDefined()
    const found = await audited(report)
    expect(found?.tables.map(({ table }) => table)).toEqual(['renters', 'revenues'])
    const nested = await audited(() => cache.get('outer', () => report()))
    expect(nested?.tables.map(({ table }) => table)).toEqual(['renters', 'revenues'])
  })

  test('eachLoader_isSeenAlone', async () => {
    const report = await auditDependencies(
      cache,
      {
        one: { key: reportKey, load: () => db.query('SELECT * FROM renters') },
        two: { key: reportKey, load: () => db.query('SELECT * FROM revenues') },
      },
      { database: db },
    )
    expect(report.loaders.map(({ tables }) => tables.map(({ table }) => table))).toEqual([
      ['renters'],
      ['revenues'],
    ])
  })

  test('whatOthersRead_meanwhile_isNotSeen', async () => {
    const other = await admin.connect()
    await other.query('BEGIN; SELECT * FROM renters')
    expect(await tablesOf('SELECT * FROM revenues')).toEqual([['revenues', []]])
    await other.query('ROLLBACK')
    other.release()
  })

  test('whatALoaderCouldWriteAllTheSame_isRolledBack', async () => {
    // A temporary table, which a read-only transaction may write, in the one connection that the pool has.
    await pool.query('CREATE TEMPORARY TABLE scratch (id int)')
    await audited(() => db.query('INSERT INTO scratch VALUES (1)'))
    expect((await pool.query('SELECT FROM scratch')).rowCount).toBe(0)
  })

  test('poolOfItsOwn_isUnseen_andNotOk', async () => {
    const report = await one(reportKey, () => admin.query('SELECT * FROM revenues'))
    expect(report).toMatchObject({ ok: false, loaders: [{ status: 'unseen', tables: [] }], unread: [] })
  })

  test('loaderThatThrows_writes_orSwallowsAnError_hasFailed_andTheNextIsAudited', async () => {
    const report = await auditDependencies(
      cache,
      {
        throws: {
          key: reportKey,
          load: () => {
            throw new Error('no such organisation')
          },
        },
        writes: { key: reportKey, load: () => db.query('DELETE FROM revenues') },
        swallows: { key: reportKey, load: (_, tx) => tx.query('SELECT nonsense').catch(() => undefined) },
        unreadable: { key: '', load: () => undefined },
        fine: { key: reportKey, load: () => db.query('SELECT * FROM revenues') },
      },
      { database: db },
    )
    expect(report.loaders.map(({ status }) => status)).toEqual([
      'failed',
      'failed',
      'failed',
      'failed',
      'declared',
    ])
    const [threw, wrote, swallowed, bad] = report.loaders.map(({ error }) => error)
    expect(threw).toMatchObject({ message: 'no such organisation' })
    expect(wrote).toMatchObject({ code: '25006' })
    expect(isCacheError(swallowed, 'SEAL_FAILED')).toBe(true)
    expect(isCacheError(bad, 'INVALID_KEY')).toBe(true)
    expect((await admin.query('SELECT FROM revenues')).rowCount).toBe(1)
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  test('nothingIsCached_norInvalidated', async () => {
    const events: string[] = []
    cache.on('fill', () => events.push('fill'))
    cache.on('invalidated', () => events.push('invalidated'))
    await one(reportKey, () => cache.get(reportKey, () => db.query('SELECT * FROM revenues')))
    expect(events).toEqual([])
    expect(cache.peek(reportKey)).toBeUndefined()
  })

  test('context_saysWhatALoaderIsTold', async () => {
    let told: unknown
    await auditDependencies(
      cache,
      {
        loader: {
          key: reportKey,
          load: (context) => {
            context.setTtl('1s')
            context.skip()
            told = [context.key, context.params, context.source, context.signal.aborted]
          },
        },
      },
      { database: db },
    )
    expect(told).toEqual([reportKey, { orgId: '7', day: '2026-11-20' }, 'primary', false])
  })
})

describe('misuse', () => {
  const load = () => db.query('SELECT 1')
  const refused = async (running: () => Promise<unknown>) => {
    const error = await running().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!isCacheError(error)) throw new Error(`It was ${String(error)}.`)
    return error
  }

  test('anotherCache_isRefused', async () => {
    const other = openCache(`${schema}-other`)
    const error = await refused(() =>
      auditDependencies(other, { one: { key: reportKey, load } }, { database: db }),
    )
    expect([error.code, error.message]).toEqual([
      'INVALID_ARGUMENT',
      expect.stringContaining('another cache'),
    ])
    await other.close()
  })

  test('insideATransaction_isRefused', async () => {
    const error = await refused(() =>
      db.transaction(() => auditDependencies(cache, { one: { key: reportKey, load } }, { database: db })),
    )
    expect(error.code).toBe('INSIDE_UNIT')
  })

  test.each([
    ['no loaders', () => auditDependencies(cache, {}, { database: db }), 'INVALID_ARGUMENT'],
    [
      'no loader',
      () => auditDependencies(cache, { a: { key: 'a' } as never }, { database: db }),
      'INVALID_ARGUMENT',
    ],
    [
      'a pool',
      () => auditDependencies(cache, { one: { key: 'a', load } }, { database: pool as never }),
      'INVALID_ARGUMENT',
    ],
    [
      'a database that cannot tell',
      () =>
        auditDependencies(
          cache,
          { one: { key: 'a', load } },
          { database: { name: 'mysql2', transaction: db.transaction } },
        ),
      'UNSUPPORTED',
    ],
    [
      'a misspelt option',
      () => auditDependencies(cache, { one: { key: 'a', load } }, { database: db, kees: {} } as never),
      'INVALID_OPTION',
    ],
  ])('%s is refused', async (_, running, code) => {
    expect((await refused(running)).code).toBe(code)
  })
})
