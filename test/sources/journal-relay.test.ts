import { createCache, defineDependencies } from 'coherent-cache'
import { type DefinedJournal, defineJournal } from 'coherent-cache/journal'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { countingLoader, errorOf } from '../support/caches.ts'
import { startPglite } from '../support/pglite.ts'
import { openRedisCache } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'
import { JournalRoom } from './journal-room.ts'

const dependencies = defineDependencies({
  scopes: ['currency'],
  tables: {
    payments: ['payment:{landlordId}:*'],
    ledger: ['ledger:{id}', 'ledger:{id}:{currency}'],
    audit: ['audit:*'],
  },
})
const room = new JournalRoom()
let journal: DefinedJournal

beforeEach(async () => {
  await room.reset()
  journal = defineJournal({ dependencies, schema: room.schema, triggers: ['payments'] })
  await journal.ensure(room.admin)
})
afterEach(() => room.close())
afterAll(() => room.end())

const opened: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})

/** A cache under the machine's clock: what a relay waits for comes from servers. */
function openCache() {
  const cache = createCache({ name: 'relay', instance: String(Math.random()), dependencies })
  opened.push(cache)
  return { cache }
}

/** A cache, and what it makes void. */
function watchedCache() {
  const { cache } = openCache()
  const invalidated: (readonly string[])[] = []
  cache.on('invalidated', ({ receipt }) => invalidated.push([...receipt.stamps].sort()))
  return { cache: cache as never, invalidated, events: cache }
}

const insert = (change: object | string, more = '') =>
  room.admin.query(
    `INSERT INTO coherent_cache_journal (source, change${more ? ', due_at' : ''}) VALUES ('unit', $1${more})`,
    [typeof change === 'string' ? change : JSON.stringify(change)],
  )

test('write_byAnotherClient_isMadeVoidByTheNextRun', async () => {
  const { cache } = openCache()
  const relay = room.relay(journal, { cache: cache as never })
  const { load } = countingLoader()
  await cache.get('payment:7:x', load)
  await cache.get('payment:8:x', load)
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (7)')
  expect(await relay.run()).toBe(1)
  expect(cache.peek('payment:7:x')).toBeUndefined()
  expect(cache.peek('payment:8:x')).toBe(2)
  expect(await relay.run()).toBe(0)
  expect(await room.records()).toEqual([])
})

test('records_ofManyKinds_areMadeVoidInOneStep', async () => {
  const { cache, invalidated } = watchedCache()
  const relay = room.relay(journal, { cache })
  await insert({ v: 1, tables: [{ table: 'payments', operation: 'insert', rows: [{ landlord_id: 7 }] }] })
  await insert({ v: 1, tables: [{ table: 'payments', operation: 'insert', rows: [{ landlord_id: 7 }] }] })
  await insert({ v: 1, keys: ['other:1'], patterns: ['audit:*'], scopes: [['currency', 'USD']] })
  expect(await relay.run()).toBe(3)
  expect(invalidated).toEqual([['audit:*', 'payment:{landlordId}:*|7', '|currency=USD']])
  await insert({ v: 1, everything: true })
  await relay.run()
  expect(invalidated).toHaveLength(2)
})

test('record_thatCommitsAfterALaterOne_isNotPassedOver', async () => {
  const { cache, invalidated } = watchedCache()
  const relay = room.relay(journal, { cache })
  const slow = await room.admin.connect()
  await slow.query('BEGIN; INSERT INTO payments (landlord_id) VALUES (1)')
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (2)')
  await relay.run()
  await slow.query('COMMIT')
  slow.release()
  await relay.run()
  expect(invalidated.map(([stamp]) => stamp)).toEqual([
    'payment:{landlordId}:*|2',
    'payment:{landlordId}:*|1',
  ])
})

test('record_ofATransactionThatMayYetSettleIt_isLeftAloneForItsGrace', async () => {
  const { cache, invalidated } = watchedCache()
  const relay = room.relay(journal, { cache })
  await insert({ v: 1, keys: ['a'] }, ", now() + interval '1 hour'")
  expect(await relay.run()).toBe(0)
  expect(await relay.status()).toMatchObject({ due: 0, waiting: 1, lagMs: 0 })
  await room.admin.query("UPDATE coherent_cache_journal SET due_at = now() - interval '1 minute'")
  expect((await relay.status()).lagMs).toBeGreaterThan(59_000)
  expect(await relay.run()).toBe(1)
  expect(invalidated).toHaveLength(1)
})

test('records_thatCannotBeApplied_areParkedVisiblyWithoutHoldingUpOthers', async () => {
  const { cache, invalidated, events } = watchedCache()
  const parked: string[] = []
  const relay = room.relay(journal, {
    cache,
    attempts: 2,
    backoff: 0,
    onParked: ({ id, error }) => parked.push(`${id} ${(error as { code?: string }).code}`),
  })
  await insert({ v: 2, news: true })
  await insert({ v: 1, scopes: [['planet', 'Mars']] })
  await insert({ v: 1, tables: [{ table: 'audit' }] })
  await relay.run()
  expect(invalidated).toEqual([['audit:*']])
  expect(await relay.parked()).toEqual([])
  expect(await relay.run()).toBe(0)
  expect(parked).toEqual(['1 INVALID_ARGUMENT', '2 UNKNOWN_SCOPE'])
  expect(await relay.parked()).toMatchObject([
    { id: '1', attempts: 2, change: '{"v":2,"news":true}', error: expect.stringContaining('no record') },
    { id: '2', attempts: 2 },
  ])
  expect(events.health().parts.journal).toMatchObject({ status: 'ok', applied: 1, parked: 2 })
  await room.admin.query(`UPDATE coherent_cache_journal SET change = '{"v":1,"keys":["a"]}' WHERE id = 1`)
  expect(await relay.replay()).toBe(2)
  expect(await relay.run()).toBe(1)
  await relay.run()
  expect((await relay.parked()).map(({ id }) => id)).toEqual(['2'])
  expect(await relay.drop('2')).toBe(true)
  expect(await relay.drop('2')).toBe(false)
  expect(await relay.status()).toEqual({ due: 0, waiting: 0, parked: 0, kept: 0, lagMs: 0 })
})

test('store_thatIsAway_losesNoRecord', async () => {
  // Nobody listens at that port.
  const { cache } = openRedisCache({ port: 1, dependencies, storeTimeout: '50ms' })
  const relay = room.relay(journal, { cache: cache as never })
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (7)')
  await expect(relay.run()).rejects.toEqual(errorOf('STORE_UNAVAILABLE'))
  expect(cache.health().parts.journal).toMatchObject({ status: 'degraded', applied: 0 })
  expect(cache.health().parts.journal?.lagMs).toBeGreaterThan(0)
  expect(await room.records()).toHaveLength(1)
  const { cache: other } = openCache()
  expect(await room.relay(journal, { cache: other as never }).run()).toBe(1)
})

test('relays_severalAtOnce_applyEachRecordOnceAndMissNone', async () => {
  const caches = [watchedCache(), watchedCache(), watchedCache()]
  const relays = caches.map(({ cache }) => room.relay(journal, { cache, batch: 7 }))
  await room.admin.query(
    `DO $$ BEGIN FOR n IN 1..200 LOOP INSERT INTO payments (landlord_id) VALUES (n); END LOOP; END $$`,
  )
  const counts = await Promise.all(relays.map((relay) => relay.run()))
  expect(counts.reduce((one, other) => one + other)).toBe(200)
  const stamps = caches.flatMap(({ invalidated }) => invalidated.flat())
  expect(new Set(stamps).size).toBe(200)
  expect(stamps).toHaveLength(200)
})

test('relay_thatDiesInItsBatch_leavesTheRecordsToOthers', async () => {
  const pool = new Pool({ connectionString: room.url, options: `-c search_path=${room.schema}`, max: 1 })
  pool.on('error', () => {})
  const { cache } = openCache()
  const killing = new Proxy(watchedCache().events, {
    get(cache, name) {
      if (name !== 'invalidate') return Reflect.get(cache, name, cache)
      return async () => {
        const { rows } = await room.admin.query(
          "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'RowShareLock' AND relation = 'coherent_cache_journal'::regclass",
        )
        expect(rows).toHaveLength(1)
        return { status: 'applied' }
      }
    },
  })
  const relay = room.relay(journal, { cache: killing as never, client: pool })
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (7)')
  await expect(relay.run()).rejects.toThrow()
  expect(await room.relay(journal, { cache: cache as never }).run()).toBe(1)
  await pool.end()
})

test('relay_thatIsStoppedInItsBatch_losesTheRecordsToOthers', async () => {
  const { load } = countingLoader()
  let go = () => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  let claimed = false
  const stopped = new Proxy(watchedCache().events, {
    get(cache, name) {
      if (name !== 'invalidate') return Reflect.get(cache, name, cache)
      return () => {
        claimed = true
        return held.then(() => ({ status: 'applied' }))
      }
    },
  })
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (7)')
  const running = room.relay(journal, { cache: stopped as never, batchTimeout: '50ms' }).run()
  running.catch(() => {})
  await until(() => claimed, 'it has the record')
  const { cache } = openCache()
  await cache.get('payment:7:x', load)
  const other = room.relay(journal, { cache: cache as never })
  await until(async () => (await other.run()) === 1, 'the other one has the record')
  expect(cache.peek('payment:7:x')).toBeUndefined()
  go()
  await expect(running).rejects.toThrow()
})

test('retention_keepsWhatWasAppliedForAWhile', async () => {
  journal = defineJournal({ dependencies, schema: room.schema, retention: '1h' })
  const { cache } = watchedCache()
  const { db } = room.bind(room.open(), { journal })
  await db.query('INSERT INTO ledger VALUES (9, 9)')
  await journal.flush()
  await insert({ v: 1, keys: ['a'] })
  const relay = room.relay(journal, { cache })
  await relay.run()
  expect(await relay.status()).toMatchObject({ due: 0, kept: 2 })
  expect(await relay.run()).toBe(0)
  await room.admin.query(
    "UPDATE coherent_cache_journal SET settled_at = now() - interval '2 hours' WHERE id = 1",
  )
  // One that looks by itself clears away.
  room.relay(journal, { cache, interval: '10ms' })
  await until(async () => (await relay.status()).kept === 1, 'the older one is gone')
})

test('relay_thatPolls_findsWhatIsWrittenAndEndsWithClose', async () => {
  const { cache, invalidated, events } = watchedCache()
  const relay = room.relay(journal, { cache, interval: '10ms' })
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (7)')
  await until(() => invalidated.length === 1, 'the write is applied')
  await relay.close()
  await relay.close()
  expect(relay.health.status).toBe('stopped')
  expect(events.health().parts).toEqual({})
  await expect(relay.run()).rejects.toEqual(errorOf('CACHE_CLOSED'))
})

test('relay_whoseDatabaseFails_tellsAndGoesOn', async () => {
  const { cache, invalidated } = watchedCache()
  const errors: unknown[] = []
  await room.admin.query('ALTER TABLE coherent_cache_journal RENAME TO elsewhere')
  const relay = room.relay(journal, {
    cache,
    interval: '10ms',
    backoff: '5ms',
    onError: (error) => errors.push(error),
  })
  await until(() => errors.length > 2, 'it has failed several times')
  expect(relay.health).toMatchObject({
    status: 'degraded',
    error: expect.objectContaining({
      code: 'JOURNAL_FAILED',
      message: expect.stringMatching(/coherent_cache_journal: .*does not exist\. Has journal\.ensure\(\)/),
      cause: expect.objectContaining({ code: '42P01' }),
    }),
  })
  expect(errors[0]).toEqual(errorOf('JOURNAL_FAILED'))
  await expect(relay.status()).rejects.toMatchObject({ code: 'JOURNAL_FAILED', cause: { code: '42P01' } })
  await room.admin.query('ALTER TABLE elsewhere RENAME TO coherent_cache_journal')
  await insert({ v: 1, keys: ['a'] })
  await until(() => invalidated.length === 1, 'it goes on')
  await until(() => relay.health.status === 'ok', 'it is well')
  expect(relay.health.error).toBeUndefined()
})

test('relay_thatListens_isWokenByAWriteAndListensAgainAfterItsConnectionWasLost', async () => {
  journal = defineJournal({ dependencies, schema: room.schema, triggers: ['payments'], notify: true })
  await journal.ensure(room.admin)
  const { cache, invalidated } = watchedCache()
  const errors: unknown[] = []
  const relay = room.relay(journal, {
    cache,
    interval: '1h',
    listen: true,
    onError: (error) => errors.push(error),
  })
  const listener = () =>
    until(async () => {
      const { rows } = await room.admin.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN coherent_cache_journal' AND state = 'idle'",
      )
      return rows[0]?.pid as number | undefined
    }, 'it listens')
  await listener()
  await relay.run()
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (7)')
  await until(() => invalidated.length === 1, 'the write has woken it')
  const before = await listener()
  await room.admin.query('SELECT pg_terminate_backend($1)', [before])
  await until(async () => (await listener()) !== before && errors.length > 0, 'it listens again')
  await room.admin.query('INSERT INTO payments (landlord_id) VALUES (8)')
  await until(() => invalidated.length === 2, 'the write has woken it')
})

test('pglite_journalTriggersAndRelay', { timeout: 30_000 }, async () => {
  const db = await startPglite()
  await db.exec('CREATE TABLE payments (id int, landlord_id int)')
  const own = defineJournal({ dependencies, triggers: ['payments'] })
  await own.ensure(db)
  const { cache, invalidated } = watchedCache()
  await db.query('INSERT INTO payments VALUES (1, 7)')
  const relay = room.relay(own, { cache, client: db })
  expect(await relay.run()).toBe(1)
  expect(invalidated).toEqual([['payment:{landlordId}:*|7']])
  await relay.close()
  await db.close()
})

test.each([
  ['a misspelt option', { intervall: 5 }, 'INVALID_OPTION'],
  ['no client', { client: {} }, 'INVALID_ARGUMENT'],
  ['no journal', { journal: {} }, 'INVALID_OPTION'],
  ['a batch of none', { batch: 0 }, 'INVALID_OPTION'],
  ['listen, of a journal that does not notify', { listen: true, interval: '1s' }, 'INVALID_OPTION'],
  ['a listen that is neither true nor false', { listen: 'yes' }, 'INVALID_OPTION'],
] as const)('createJournalRelay_with %s_isRefused', (_, options, code) => {
  const { cache } = openCache()
  const make = () =>
    room.relay((options as { journal?: never }).journal ?? journal, { cache, ...options } as never)
  expect(make).toThrow(expect.objectContaining({ code }))
})

test('createJournalRelay_thatWouldListenInVain_isRefused', () => {
  const notifying = defineJournal({ dependencies, schema: room.schema, triggers: true, notify: true })
  const { cache } = openCache()
  const listening = (options: object) => () =>
    room.relay(notifying, { cache, listen: true, ...options } as never)
  expect(listening({ interval: 'never' })).toThrow(errorOf('INVALID_OPTION', /listen: .*'never'/) as Error)
  const deaf = { query: async () => ({ rows: [] }), exec: async () => [], transaction: async () => undefined }
  expect(listening({ interval: '1s', client: deaf })).toThrow(
    errorOf('INVALID_OPTION', /listen: this client has no notifications/) as Error,
  )
  expect(() => room.relay(journal, { cache, interval: '1s', listen: true })).toThrow(
    errorOf('INVALID_OPTION', /listen: the journal does not notify/) as Error,
  )
})

test('relay_whoseUserMayNotTouchTheJournal_saysWhatItNeeds', async () => {
  const user = `${room.schema}_stranger`
  await room.admin.query(`CREATE ROLE ${user}; GRANT USAGE ON SCHEMA ${room.schema} TO ${user}`)
  const { cache } = watchedCache()
  const pool = room.open({ options: `-c search_path=${room.schema} -c role=${user}` })
  await expect(room.relay(journal, { cache, client: pool }).run()).rejects.toMatchObject({
    code: 'JOURNAL_FAILED',
    message: expect.stringMatching(
      /permission denied .* Its user needs SELECT, INSERT, UPDATE and DELETE on/,
    ),
    cause: { code: '42501' },
  })
  await room.admin.query(`REVOKE ALL ON SCHEMA ${room.schema} FROM ${user}; DROP ROLE ${user}`)
})
