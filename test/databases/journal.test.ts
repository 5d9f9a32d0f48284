import { type Cache, createCache, defineDependencies } from 'coherent-cache'
import { createJournalRelay, defineJournal } from 'coherent-cache/journal'
import { bindMysql2 } from 'coherent-cache/mysql2'
import { createPool, type Pool } from 'mysql2/promise'
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest'

const database = `journal_${process.pid}`
const options = { host: '127.0.0.1', port: inject('mariadbPort'), user: 'root' }
const admin = createPool({ ...options, connectionLimit: 2 })
const pool = createPool({ ...options, database, connectionLimit: 10, timezone: '+05:30' })
const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*', 'paid:{currency}'],
    codes: ['code:{code}'],
    audit: ['audit:*'],
  },
})
const journal = defineJournal({ dialect: 'mysql', dependencies, triggers: ['payments', 'codes'] })
const plain = defineJournal({ dialect: 'mysql', dependencies })

const caches: Cache[] = []
beforeEach(async () => {
  await admin.query(`DROP DATABASE IF EXISTS ${database}`)
  await admin.query(`CREATE DATABASE ${database}`)
  await pool.query(
    'CREATE TABLE payments (id int PRIMARY KEY AUTO_INCREMENT, landlord_id int, currency varchar(3), amount decimal(9,2))',
  )
  await pool.query('CREATE TABLE codes (code varchar(9) COLLATE utf8mb4_bin)')
  await pool.query('CREATE TABLE audit (note text)')
})
afterEach(async () => {
  await Promise.all(caches.splice(0).map((cache) => cache.close()))
})
afterAll(async () => {
  await admin.query(`DROP DATABASE IF EXISTS ${database}`)
  await Promise.all([admin.end(), pool.end()])
})

function watched() {
  const cache = createCache({ name: 'mysql-journal', instance: String(Math.random()), dependencies })
  caches.push(cache as Cache)
  const invalidated: string[][] = []
  cache.on('invalidated', ({ receipt }) => invalidated.push([...receipt.stamps].sort()))
  return { cache: cache as Cache, invalidated }
}
const relayOf = (cache: Cache, more: Partial<Parameters<typeof createJournalRelay>[0]> = {}) =>
  createJournalRelay({ journal, cache, client: pool, interval: 'never', ...more })
const records = async (over: Pool = pool): Promise<unknown[]> => {
  const [rows] = await over.query('SELECT `change` AS c FROM coherent_cache_journal ORDER BY id')
  return (rows as { c: string }[]).map(({ c }) => JSON.parse(c))
}

describe('a bound transaction', () => {
  beforeEach(() => plain.ensure(pool))

  test('thatWrites_recordsItAndSettlesIt', async () => {
    const { cache, invalidated } = watched()
    const db = bindMysql2(pool, cache, { journal: plain })
    await db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (7)')
      tx.write('payments', { operation: 'insert', rows: [{ landlord_id: 7 }] })
    })
    expect(invalidated).toEqual([['paid:{currency}', 'payment:{landlordId}:*|7']])
    await plain.flush()
    expect(await records()).toEqual([])
    const [[row]] = (await pool.query(
      "SELECT AUTO_INCREMENT AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = database() AND TABLE_NAME = 'coherent_cache_journal'",
    )) as unknown as [[{ n: number }]]
    expect(Number(row.n)).toBe(2)
  })

  test('whoseProcessDoesNotSettle_isSeenToByARelayAfterItsGrace', async () => {
    const { cache } = watched()
    // As a process that dies before its invalidation: nobody settles.
    const dead = { ...plain, open: (ask: never) => ({ ...plain.open(ask), write: dying(plain.open(ask)) }) }
    const db = bindMysql2(pool, cache, { journal: dead as never })
    await db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (7)')
      tx.write('payments', { operation: 'insert', rows: [{ landlord_id: 7, currency: "a'b\\" }] })
      tx.invalidate({ keys: ['x:\u{1f600}\0'] })
    })
    const text = { landlord_id: 7, currency: "a'b\\" }
    expect(await records()).toEqual([
      { v: 1, tables: [{ table: 'payments', operation: 'insert', rows: [text] }], keys: ['x:\u{1f600}\0'] },
    ])
    const { cache: other, invalidated } = watched()
    const relay = relayOf(other, { journal: plain })
    expect(await relay.run()).toBe(0)
    expect(await relay.status()).toMatchObject({ due: 0, waiting: 1 })
    await pool.query('UPDATE coherent_cache_journal SET due_at = UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE')
    expect((await relay.status()).lagMs).toBeGreaterThan(59_000)
    expect(await relay.run()).toBe(1)
    expect(invalidated.flat()).toContain('payment:{landlordId}:*|7')
    expect(await records()).toEqual([])
  })

  test('thatIsRolledBackOrOnlyReads_recordsNothing', async () => {
    const db = bindMysql2(pool, watched().cache, { journal: plain })
    await expect(
      db.transaction(async (tx) => {
        await tx.query('INSERT INTO payments (landlord_id) VALUES (7)')
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await db.transaction((tx) => tx.query('SELECT 1'), { readOnly: true })
    expect(await records()).toEqual([])
  })

  test('withoutItsTable_isRolledBackAndSaysWhatToDo', async () => {
    await pool.query('DROP TABLE coherent_cache_journal')
    const db = bindMysql2(pool, watched().cache, { journal: plain })
    await expect(db.query('INSERT INTO payments (landlord_id) VALUES (7)')).rejects.toThrow(/journal\.ensure/)
    const [rows] = await pool.query('SELECT * FROM payments')
    expect(rows).toEqual([])
  })

  test('withAJournalOfPostgreSQL_isRefused', () => {
    const wrong = defineJournal({ dependencies })
    expect(() => bindMysql2(pool, watched().cache, { journal: wrong })).toThrow(/dialect/)
    expect(() => relayOf(watched().cache, { journal: wrong })).toThrow(/Pool of pg/)
  })
})

function dying(open: { write(...given: never[]): Promise<unknown> }) {
  return async (...given: never[]) => {
    await open.write(...given)
    return undefined
  }
}

describe('triggers', () => {
  beforeEach(() => journal.ensure(pool))

  test.each<[string, string[], unknown[]]>([
    [
      'rows_thatAreInserted_oneRecordEach_byColumnsWhoseTextIsCertain',
      ["INSERT INTO payments (landlord_id, currency) VALUES (7, 'usd'), (8, 'USD')"],
      [
        { table: 'payments', operation: 'insert', typed: false, images: [{ landlord_id: '7' }] },
        { table: 'payments', operation: 'insert', typed: false, images: [{ landlord_id: '8' }] },
      ],
    ],
    [
      'aRowThatMoves_bothItsStates',
      ['INSERT INTO payments (landlord_id) VALUES (7)', 'UPDATE payments SET landlord_id = NULL'],
      [
        expect.anything(),
        {
          table: 'payments',
          operation: 'update',
          typed: false,
          images: [{ landlord_id: '7' }, { landlord_id: null }],
        },
      ],
    ],
    [
      'textOfABinaryCollation',
      [`INSERT INTO codes VALUES ('a"\\\\\\'b')`, 'DELETE FROM codes'],
      [
        { table: 'codes', operation: 'insert', typed: false, images: [{ code: `a"\\'b` }] },
        { table: 'codes', operation: 'delete', typed: false, images: [{ code: `a"\\'b` }] },
      ],
    ],
  ])('%s', async (_, statements, expected) => {
    for (const sql of statements) await pool.query(sql)
    expect((await records()).flatMap((one) => (one as { tables: unknown[] }).tables)).toEqual(expected)
  })

  test('writesOfOthers_areMadeVoidByARelay', async () => {
    await pool.query('INSERT INTO payments (landlord_id) VALUES (7), (8)')
    const { cache, invalidated } = watched()
    expect(await relayOf(cache).run()).toBe(2)
    expect(invalidated).toEqual([['paid:{currency}', 'payment:{landlordId}:*|7', 'payment:{landlordId}:*|8']])
  })

  test('severalRelays_missNone_andHoldUpNoWriter', async () => {
    const values = Array.from({ length: 150 }, (_, at) => `(${at})`).join(',')
    await pool.query(`INSERT INTO payments (landlord_id) VALUES ${values}`)
    const rooms = [watched(), watched(), watched()]
    const running = Promise.all(rooms.map(({ cache }) => relayOf(cache, { batch: 7 }).run()))
    await pool.query('INSERT INTO codes VALUES (1)')
    const counts = await running
    await relayOf(watched().cache).run()
    expect(counts.reduce((one, other) => one + other)).toBeGreaterThanOrEqual(150)
    const stamps = rooms.flatMap(({ invalidated }) => invalidated.flat()).filter((one) => one.includes('|'))
    // After a deadlock of theirs a batch is applied again.
    expect(new Set(stamps.filter((one) => one.startsWith('payment'))).size).toBe(150)
    expect(await records()).toEqual([])
  })

  test('aRelayThatHoldsABatch_doesNotKeepWritersWaiting', async () => {
    await pool.query('INSERT INTO payments (landlord_id) VALUES (7)')
    const { cache } = watched()
    let wrote = false
    const holding = new Proxy(cache, {
      get(target, name) {
        if (name !== 'invalidate') return Reflect.get(target, name, target)
        return async (request: never) => {
          if (!wrote) await pool.query('INSERT INTO payments (landlord_id) VALUES (8)')
          wrote = true
          return target.invalidate(request)
        }
      },
    })
    expect(await relayOf(holding, { batch: 1 }).run()).toBe(2)
  })

  test('whatCannotBeApplied_isParkedReplayedAndDropped', async () => {
    await pool.query(
      "INSERT INTO coherent_cache_journal (source, `change`, written_at, due_at) VALUES ('unit', '{\"v\":9}', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
    )
    const relay = relayOf(watched().cache, { attempts: 1 })
    expect(await relay.run()).toBe(0)
    expect(await relay.parked()).toMatchObject([
      { id: '1', change: '{"v":9}', attempts: 1, error: expect.stringContaining('no record') },
    ])
    expect(Math.abs(((await relay.parked())[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(await relay.replay('1')).toBe(1)
    await relay.run()
    expect(await relay.replay()).toBe(1)
    await relay.run()
    expect(await relay.drop('1')).toBe(true)
    expect(await relay.status()).toEqual({ due: 0, waiting: 0, parked: 0, kept: 0, lagMs: 0 })
  })

  test('ensure_whereATableOrAColumnIsMissing_saysWhich', async () => {
    const wrong = defineJournal({ dialect: 'mysql', dependencies, columns: { payments: ['amount', 'x'] } })
    await expect(wrong.ensure(pool)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/columns: the table "payments" has no "x"\. It has id, landlord_id,/),
    })
    await pool.query('DROP TABLE codes')
    await expect(journal.ensure(pool)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/there is no table "codes"/),
    })
    await pool.query('CREATE TABLE codes (code varchar(9) COLLATE utf8mb4_bin)')
  })

  test('relay_withoutItsTable_saysWhatToDo', async () => {
    await pool.query('DROP TABLE coherent_cache_journal')
    await expect(relayOf(watched().cache).run()).rejects.toMatchObject({
      code: 'JOURNAL_FAILED',
      message: expect.stringMatching(/doesn't exist\. Has journal\.ensure\(\)/),
      cause: { errno: 1146 },
    })
    await journal.ensure(pool)
  })

  test('ensureAgain_changesNothing_andDownTakesAllOut', async () => {
    await journal.ensure(pool)
    const triggers = async () => {
      const [rows] = await pool.query(
        'SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = database()',
      )
      return (rows as unknown[]).length
    }
    expect(await triggers()).toBe(6)
    for (const statement of journal.down.split(';\n').filter((one) => one.trim() !== ''))
      await pool.query(statement)
    expect(await triggers()).toBe(0)
    await pool.query('INSERT INTO payments (landlord_id) VALUES (7)')
  })

  test('retention_keepsWhatWasAppliedForAWhile', async () => {
    const keeping = defineJournal({ dialect: 'mysql', dependencies, retention: '1h' })
    await pool.query('INSERT INTO payments (landlord_id) VALUES (7)')
    const relay = relayOf(watched().cache, { journal: keeping })
    expect(await relay.run()).toBe(1)
    expect(await relay.status()).toMatchObject({ due: 0, kept: 1 })
    expect(await relay.run()).toBe(0)
  })
})
