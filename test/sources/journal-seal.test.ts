import { AsyncLocalStorage } from 'node:async_hooks'
import { createCache, defineDependencies } from 'coherent-cache'
import { type DefinedJournal, defineJournal } from 'coherent-cache/journal'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { BoundRoom } from '../databases-room/pg-room.ts'
import { openRedisCache } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'
import { JournalRoom } from './journal-room.ts'

const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*'],
    ledger: { invalidates: ['ledger:{id}'], stable: ['id'] },
    audit: ['audit:*'],
    hooked: { invalidates: ['hooked:{id}'], bind: () => ({ id: 1 }) },
  },
})
const room = new JournalRoom()
let pool: Pool
let journal: DefinedJournal
let at: BoundRoom

beforeEach(async () => {
  await room.reset()
  pool = room.open()
  journal = defineJournal({ dependencies, schema: room.schema })
  await journal.ensure(room.admin)
  at = room.bind(pool, { journal })
})
afterEach(() => room.close())
afterAll(() => room.end())

test('transaction_thatWrites_recordsItRightBeforeCommitAndSettlesItAfterwards', async () => {
  const sent: string[] = []
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    client.query = ((...given: unknown[]) => {
      sent.push(String(given[0]).trim().split(/\s+/).slice(0, 3).join(' '))
      return query(...given)
    }) as typeof client.query
  })
  await at.db.query('INSERT INTO payments (landlord_id, amount) VALUES (7, 1) RETURNING *')
  expect(at.invalidated).toEqual([['payment:{landlordId}:*|7']])
  await journal.flush()
  const journalTable = `"${room.schema}".coherent_cache_journal`
  expect(sent.filter((text) => !text.startsWith('SELECT'))).toEqual([
    'BEGIN',
    'INSERT INTO payments',
    `INSERT INTO ${journalTable}`,
    'COMMIT',
    `DELETE FROM ${journalTable}`,
  ])
  expect(await room.records()).toEqual([])
})

test('transaction_whoseInvalidationIsQueued_leavesItsRecordForARelay', async () => {
  // A cache whose store is away: nobody listens at that port.
  const { cache } = openRedisCache({ port: 1, dependencies, storeTimeout: '50ms' })
  const { db } = room.bind(pool, { journal }, cache as unknown as BoundRoom['cache'])
  const receipts: string[] = []
  await db.transaction(async (tx) => {
    await tx.query('INSERT INTO payments (landlord_id, amount) VALUES (7, 1) RETURNING *')
    await tx.query('UPDATE ledger SET total = 1 WHERE id = 2 RETURNING *')
    tx.onCommitted(({ status }) => receipts.push(status))
  })
  await journal.flush()
  expect(receipts).toEqual(['queued'])
  expect(await room.records()).toEqual([
    {
      source: 'unit',
      change: {
        v: 1,
        tables: [
          { table: 'payments', operation: 'insert', rows: [{ after: { landlord_id: 7 } }] },
          { table: 'ledger', operation: 'update', rows: [{ before: { id: 2 }, after: { id: 2 } }] },
        ],
      },
    },
  ])
})

test('transaction_thatRollsBack_leavesNoRecord', async () => {
  await expect(
    at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (7)')
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(await room.tables()).toEqual([])
})

test('transaction_thatOnlyReads_writesNoRecordAndMayBeReadOnly', async () => {
  await at.db.transaction((tx) => tx.query('SELECT now()'), { readOnly: true })
  await at.db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION READ ONLY')
    tx.invalidate({ keys: ['payment:1:x'] })
  })
  expect(
    await room.value("SELECT nextval(pg_get_serial_sequence('coherent_cache_journal', 'id'))::int"),
  ).toBe(1)
})

test('transaction_whoseJournalIsNotThere_isRolledBackAndSaysWhatToDo', async () => {
  await room.admin.query(journal.down)
  await expect(at.db.query('INSERT INTO payments (landlord_id) VALUES (7)')).rejects.toThrow(
    /journal\.ensure/,
  )
  expect(await room.value('SELECT count(*)::int FROM payments')).toBe(2)
})

test('record_ofManyRowsKeysPatternsAndEverything_saysAllOfIt', async () => {
  const { cache } = openRedisCache({ port: 1, dependencies, storeTimeout: '50ms' })
  const { db } = room.bind(pool, { journal }, cache as unknown as BoundRoom['cache'])
  await db.transaction(async (tx) => {
    await tx.query('INSERT INTO payments (landlord_id) SELECT n FROM generate_series(1, 101) n RETURNING *')
    await tx.query('UPDATE ledger SET total = 1')
    tx.invalidate({ keys: ['a:\0'] })
    tx.invalidate({ pattern: 'audit:*' })
  })
  await db.transaction(async (tx) => {
    await tx.query('UPDATE ledger SET total = 2')
    tx.unit.clear()
  })
  const changes = (await room.admin.query('SELECT change::text AS c FROM coherent_cache_journal ORDER BY id'))
    .rows
  expect(changes.map(({ c }) => JSON.parse(c))).toEqual([
    { v: 1, tables: [{ table: 'payments' }, { table: 'ledger' }], keys: ['a:\0'], patterns: ['audit:*'] },
    { v: 1, everything: true },
  ])
})

test('bind_withSomethingElseForAJournal_isRefused', () => {
  const cache = createCache({ name: 'refused' })
  expect(() => room.bind(pool, { journal: {} as DefinedJournal }, cache as never)).toThrow(/defineJournal/)
  return cache.close()
})

test('settling_happensInNobodysContext', async () => {
  const context = new AsyncLocalStorage<string>()
  const found: (string | undefined)[] = []
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown
  pool.query = ((...given: unknown[]) => {
    found.push(context.getStore())
    return query(...given)
  }) as typeof pool.query
  await context.run('a request', () => at.db.query('INSERT INTO payments (landlord_id) VALUES (7)'))
  await until(() => found.length > 0, 'it is settled')
  expect(found).toEqual([undefined])
})

test('settling_withoutFlush_followsByItself', async () => {
  await at.db.query('INSERT INTO payments (landlord_id) VALUES (7)')
  await until(async () => (await room.records()).length === 0, 'the record is settled')
})
