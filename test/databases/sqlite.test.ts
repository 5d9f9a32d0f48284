import Database from 'better-sqlite3'
import { createCache, defineDependencies } from 'coherent-cache'
import { bindSqlite } from 'coherent-cache/sqlite'
import { afterAll, afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { conformanceCache } from '../support/conformance-cache.ts'
import { playConformance } from '../support/conformance-databases.ts'
import { SqliteFiles } from './support/sqlite-harness.ts'

describe('conformance', () => {
  const files = new SqliteFiles((file) => new Database(file))
  afterAll(() => files.close())
  playConformance(async () => files.underTest(conformanceCache))
})

describe('what is noticed', () => {
  const dependencies = defineDependencies({
    tables: { items: ['item:{orgId}:*'], audit: ['audit:*'], other: ['other:*'] },
  })
  let client: Database.Database
  let cache: ReturnType<typeof createCache>
  let told: string[][]
  const bind = () => bindSqlite(client, cache)
  /** A transaction that has deleted everything, and is rolled back once it may go on. */
  const failing = (db: ReturnType<typeof bind>) => {
    let goOn: () => void = () => {}
    const wait = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const failed = db.transaction(async (tx) => {
      tx.prepare('DELETE FROM items').run()
      await wait
      throw new Error('no')
    })
    return { failed, goOn: () => goOn() }
  }
  beforeEach(() => {
    told = []
    client = new Database(':memory:')
    client.exec(`
      CREATE TABLE items (id integer PRIMARY KEY, org_id integer, amount integer UNIQUE);
      CREATE TABLE audit (note text); CREATE TABLE other (a integer UNIQUE ON CONFLICT REPLACE, org_id integer);
      INSERT INTO items VALUES (1, 1, 10), (2, 2, 20);
    `)
    cache = createCache({ name: 'sqlite', dependencies })
    cache.on('invalidated', ({ receipt }) => told.push([...receipt.stamps].sort()))
  })
  afterEach(async () => {
    client.close()
    await cache.close()
  })

  test.each([
    ['INSERT INTO items VALUES (3, 7, 1) RETURNING *', ['item:{orgId}:*|7']],
    ['DELETE FROM items WHERE id = 1 RETURNING *', ['item:{orgId}:*|1']],
    ['UPDATE items SET amount = 5 WHERE id = 2 RETURNING *', ['item:{orgId}:*|2']],
    ['UPDATE items SET org_id = 5 WHERE id = 2 RETURNING *', ['item:{orgId}:*']],
    ['UPDATE items SET ORG_ID = 5 WHERE id = 2 RETURNING *', ['item:{orgId}:*']],
    ['INSERT OR REPLACE INTO items VALUES (3, 7, 10) RETURNING *', ['item:{orgId}:*']],
    ['UPDATE items SET amount = $x$, org_id = 3, amount = $x$ WHERE id = 2 RETURNING *', ['item:{orgId}:*']],
    ['DELETE FROM items', ['item:{orgId}:*']],
    ['INSERT INTO other VALUES (1, 1) RETURNING *', ['other:*']],
    ['WITH a AS (SELECT 1) INSERT INTO audit SELECT * FROM a', ['audit:*']],
  ])('%s', async (sql, expected) => {
    const parameters = sql.includes('$x$') ? [{ x$: 5 }] : []
    await bind().transaction((tx) => {
      const statement = tx.prepare(sql)
      return statement.reader ? statement.all(...parameters) : statement.run(...parameters)
    })
    expect(told).toEqual([expected])
  })

  test('aTriggerAddedInTheTransaction_isSeen', async () => {
    await bind().transaction((tx) => {
      const insert = tx.prepare('INSERT INTO items (org_id) VALUES (?)')
      insert.run(1)
      tx.prepare('CREATE TRIGGER t AFTER INSERT ON items BEGIN INSERT INTO audit VALUES (1); END').run()
      insert.run(2)
    })
    expect(told).toEqual([['audit:*', 'item:{orgId}:*']])
  })

  test('oneRowOfMany_isTheWholeTable', async () => {
    await bind().transaction((tx) => tx.prepare('DELETE FROM items RETURNING *').get())
    expect(told).toEqual([['item:{orgId}:*']])
  })

  test('exec_isEveryTable_andBoundParametersAreExplained', async () => {
    const db = bind()
    await db.transaction((tx) => tx.exec('DELETE FROM audit; SELECT 1'))
    expect(told.splice(0)).toEqual([['audit:*', 'item:{orgId}:*', 'other:*']])
    await db.transaction((tx) => tx.prepare('INSERT INTO audit VALUES (?)').bind('a').run())
    expect(told).toEqual([['audit:*']])
  })

  test('temporaryTablesAndReads_areNothing', async () => {
    const db = bind()
    await db.transaction((tx) => {
      tx.prepare('CREATE TEMP TABLE t (a)').run()
      tx.prepare('INSERT INTO t SELECT id FROM items').run()
      return tx.prepare('SELECT * FROM t').pluck().all()
    })
    expect(await db.all('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 2 }])
    expect(told).toEqual([])
  })

  test('whatGoesThroughTheBoundDatabase_waitsForTheTransaction_andSeesNothingOfIt', async () => {
    const db = bind()
    const { failed, goOn } = failing(db)
    const count = db.get('SELECT count(*) AS n FROM items')
    goOn()
    await expect(failed).rejects.toThrow('no')
    expect(await count).toEqual({ n: 2 })
  })

  test('whatIsBoundOverTheSameConnection_toAnotherCache_waitsToo_andIsNoPartOfTheTransaction', async () => {
    const db = bind()
    const another = createCache({ name: 'sqlite-too', dependencies })
    const too = bindSqlite(client, another)
    try {
      const { failed, goOn } = failing(db)
      const count = too.get('SELECT count(*) AS n FROM items')
      const written = too.run("INSERT INTO audit VALUES ('kept')")
      goOn()
      await expect(failed).rejects.toThrow('no')
      expect(await count).toEqual({ n: 2 })
      await written
      expect(await db.all('SELECT note FROM audit')).toEqual([{ note: 'kept' }])
    } finally {
      await another.close()
    }
  })

  test('aTransactionThatSqliteEnded_takesNoMoreStatements', async () => {
    const db = bind()
    const failed = db.transaction(async (tx) => {
      tx.prepare("INSERT INTO audit VALUES ('lost')").run()
      expect(() => tx.prepare('INSERT OR ROLLBACK INTO items VALUES (1, 1, 1)').run()).toThrow('UNIQUE')
      expect(() => tx.prepare("INSERT INTO audit VALUES ('alone')").run()).toThrow(
        'rolled this transaction back',
      )
    })
    await expect(failed).rejects.toMatchObject({ code: 'SEAL_FAILED' })
    expect([await db.all('SELECT * FROM audit'), told]).toEqual([[], []])
  })

  test('beginAndCommit_areRefused', async () => {
    const failed = bind().transaction((tx) => tx.prepare('/* now */ COMMIT'))
    await expect(failed).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

test('methods are those of the client itself', () => {
  type Bound = ReturnType<typeof bindSqlite<Database.Database>>
  type Tx = Parameters<Parameters<Bound['transaction']>[0]>[0]
  expectTypeOf<Tx['prepare']>().toEqualTypeOf<Database.Database['prepare']>()
  expectTypeOf<Bound['run']>().returns.toEqualTypeOf<Promise<Database.RunResult>>()
})
