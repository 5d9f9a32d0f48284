import { type Cache, createCache, defineDependencies } from 'coherent-cache'
import { type CdcSource, cdcMigration, createCdcSource } from 'coherent-cache/cdc'
import { memoryStore } from 'coherent-cache/testing'
import { Client, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*', 'payment-id:{id}'],
    ledger: ['ledger:{id}'],
    notes: ['note:*'],
    events: ['event:*'],
    'sales.orders': ['order:{id}'],
  },
})
const TABLES = `
  CREATE TABLE payments (id int PRIMARY KEY, landlord_id bigint NOT NULL, amount numeric, paid boolean, at date);
  CREATE TABLE ledger (id int PRIMARY KEY, total int);
  CREATE TABLE notes (note text);
  CREATE TABLE unrelated (id int PRIMARY KEY);
  CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE SCHEMA sales;
  CREATE TABLE sales.orders (id int PRIMARY KEY, state text);
`
const SETUP = [
  cdcMigration({ tables: ['payments', 'notes', 'events', 'unrelated'], publication: 'cc' }).up,
  'ALTER PUBLICATION cc ADD TABLE ledger, sales.orders;',
].join('\n')

let server: PostgresServer
let pool: Pool
let url: string
let databases = 0
const opened: { close(): Promise<unknown> }[] = []

beforeAll(async () => {
  server = await startPostgres({ config: { wal_level: 'logical' } })
}, 60_000)
afterAll(() => server?.stop())
beforeEach(async () => {
  url = await server.createDatabase(`cdc_${++databases}`)
  pool = new Pool({ connectionString: url, max: 4 })
  pool.on('error', () => {})
  await pool.query(TABLES)
  await pool.query(SETUP)
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  const { rows } = await pool.query(
    'SELECT slot_name, active_pid FROM pg_replication_slots WHERE NOT temporary',
  )
  for (const { slot_name } of rows) await dropSlot(slot_name)
  await pool.end()
})

async function dropSlot(name: string): Promise<void> {
  await until(
    () =>
      pool.query('SELECT pg_drop_replication_slot($1)', [name]).then(
        () => true,
        () => false,
      ),
    'the slot is free',
  )
}

interface Room {
  readonly cache: Cache
  readonly cdc: CdcSource
  readonly errors: unknown[]
  /** Stamps that were made void, each time, without the registration. */
  readonly voided: (readonly string[])[]
}

function open(given: Partial<Parameters<typeof createCdcSource>[0]> & { readonly cache?: Cache } = {}): Room {
  const cache = given.cache ?? openCache()
  const voided: (readonly string[])[] = []
  cache.on('invalidated', ({ receipt }) => voided.push([...receipt.stamps].sort()))
  const errors: unknown[] = []
  const cdc = createCdcSource({
    connect: () => new Client({ connectionString: url, replication: 'database' } as object),
    slot: `slot_${databases}`,
    publication: 'cc',
    backoff: '20ms',
    onError: (error) => errors.push(error),
    ...given,
    cache,
  })
  opened.push(cdc)
  return { cache, cdc, errors, voided }
}

let caches = 0
function openCache(options: Partial<Parameters<typeof createCache>[0]> = {}): Cache {
  const cache = createCache({
    name: `cdc-${++caches}`,
    dependencies,
    ...options,
  } as never) as unknown as Cache
  opened.push({ close: () => cache.close({ timeout: 0 }) })
  return cache
}

async function started(given: Parameters<typeof open>[0] = {}): Promise<Room> {
  const room = open(given)
  await room.cdc.ready({ timeout: '20s' })
  room.voided.splice(0)
  return room
}

const arrives = (room: Room, count = 1) =>
  until(() => room.voided.length >= count && room.voided, `${count} invalidations; ${room.errors}`)

describe('what any client commits', () => {
  test('is made void by its rows, old and new', async () => {
    const room = await started()
    await pool.query("INSERT INTO payments VALUES (1, 7, 10.50, true, '2026-11-20')")
    expect(await arrives(room)).toEqual([['payment-id:{id}|1', 'payment:{landlordId}:*|7']])
    await pool.query('UPDATE payments SET landlord_id = 8')
    expect((await arrives(room, 2)).at(-1)).toEqual([
      'payment-id:{id}|1',
      'payment:{landlordId}:*|7',
      'payment:{landlordId}:*|8',
    ])
    await pool.query('DELETE FROM payments')
    expect((await arrives(room, 3)).at(-1)).toEqual(['payment-id:{id}|1', 'payment:{landlordId}:*|8'])
    await pool.query('TRUNCATE payments, notes')
    expect((await arrives(room, 4)).at(-1)).toEqual(['note:*', 'payment-id:{id}', 'payment:{landlordId}:*'])
  })

  test('by its key alone, where no more is told of the old row', async () => {
    const room = await started()
    await pool.query('INSERT INTO ledger VALUES (1, 0), (2, 0)')
    expect(await arrives(room)).toEqual([['ledger:{id}|1', 'ledger:{id}|2']])
    await pool.query('UPDATE ledger SET total = 1 WHERE id = 1')
    expect((await arrives(room, 2)).at(-1)).toEqual(['ledger:{id}|1'])
    await pool.query('UPDATE ledger SET id = 3 WHERE id = 1')
    expect((await arrives(room, 3)).at(-1)).toEqual(['ledger:{id}|1', 'ledger:{id}|3'])
    await pool.query('DELETE FROM ledger WHERE id = 3')
    expect((await arrives(room, 4)).at(-1)).toEqual(['ledger:{id}|3'])
  })

  test('a value in the cache is loaded anew; nothing is, after a rollback or of another table', async () => {
    const { cache, cdc } = await started()
    let loads = 0
    const load = async () => ++loads
    expect(await cache.get('payment:7:list', load)).toBe(1)
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query('INSERT INTO payments VALUES (1, 7, 1)')
    await client.query('ROLLBACK')
    client.release()
    await pool.query('INSERT INTO payments VALUES (2, 8, 1)')
    await pool.query('INSERT INTO unrelated VALUES (1)')
    await until(() => cdc.health.applied >= 2, 'both are heard')
    expect(await cache.get('payment:7:list', load)).toBe(1)
    await pool.query('INSERT INTO payments VALUES (3, 7, 1)')
    await until(() => cdc.health.applied >= 3, 'the third is heard')
    expect(await cache.get('payment:7:list', load)).toBe(2)
  })

  test('through partitions, other schemas, and in masses', async () => {
    const room = await started()
    await pool.query("INSERT INTO events_1 VALUES (1, '2026-11-20')")
    expect(await arrives(room)).toEqual([['event:*']])
    await pool.query("INSERT INTO sales.orders VALUES (5, 'new')")
    expect((await arrives(room, 2)).at(-1)).toEqual(['order:{id}|5'])
    await pool.query('INSERT INTO payments SELECT n, n, 1 FROM generate_series(1, 5000) n')
    expect((await arrives(room, 3)).at(-1)).toEqual(['payment-id:{id}', 'payment:{landlordId}:*'])
  })

  test('a table that the map does not name holds up nothing, where such tables are refused', async () => {
    const room = await started({ cache: openCache({ unknownTables: 'error' }) })
    await pool.query("INSERT INTO unrelated VALUES (1); INSERT INTO notes VALUES ('a')")
    expect(await arrives(room)).toEqual([['note:*']])
    expect(room.errors).toEqual([])
  })

  test('a thousand transactions of several clients, each heard', async () => {
    const room = await started()
    await Promise.all(
      Array.from({ length: 4 }, async (_, client) => {
        for (let n = 0; n < 250; n++)
          await pool.query('INSERT INTO payments VALUES ($1::int, $1::int, 1)', [client * 1_000 + n])
      }),
    )
    await until(() => room.cdc.health.applied >= 1_000, 'all are heard')
    const stamps = new Set(room.voided.flat())
    for (const client of [0, 1, 2, 3])
      for (let n = 0; n < 250; n++)
        expect(stamps.has('payment-id:{id}') || stamps.has(`payment-id:{id}|${client * 1_000 + n}`)).toBe(
          true,
        )
    await until(() => room.cdc.health.lagBytes === 0, 'nothing is behind')
    expect(room.cdc.health).toMatchObject({ status: 'ok', state: 'streaming', lagMs: 0 })
  })
})

describe('the slot', () => {
  test('a new one makes everything void, one that is there nothing', async () => {
    const first = open()
    await first.cdc.ready()
    expect(first.voided).toEqual([['|']])
    expect(first.cdc.health.cleared).toBe(1)
    await first.cdc.close()
    await pool.query("INSERT INTO notes VALUES ('while nobody listens')")
    const second = open()
    await second.cdc.ready()
    expect(await arrives(second)).toEqual([['note:*']])
    expect(second.cdc.health.cleared).toBe(0)
  })

  test('dropped: everything is made void', async () => {
    const first = await started()
    await first.cdc.close()
    await dropSlot(`slot_${databases}`)
    await pool.query("INSERT INTO notes VALUES ('nobody hears of it')")
    const second = open()
    await second.cdc.ready()
    expect(second.voided[0]).toEqual(['|'])
  })

  test('that has lost its place: everything is made void', { timeout: 60_000 }, async () => {
    const first = await started()
    await first.cdc.close()
    await pool.query("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    await pool.query('SELECT pg_reload_conf()')
    try {
      await until(async () => {
        await pool.query("INSERT INTO notes VALUES ('x')")
        await pool.query('SELECT pg_switch_wal()')
        await pool.query('CHECKPOINT')
        const { rows } = await pool.query(
          'SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1',
          [`slot_${databases}`],
        )
        return rows[0]?.wal_status === 'lost'
      }, 'the slot has lost its place')
      const second = open()
      await second.cdc.ready()
      expect(second.voided[0]).toEqual(['|'])
      await pool.query("INSERT INTO notes VALUES ('heard')")
      await until(() => second.voided.some((stamps) => stamps.includes('note:*')), 'it is heard again')
    } finally {
      await pool.query('ALTER SYSTEM RESET max_slot_wal_keep_size')
      await pool.query('SELECT pg_reload_conf()')
    }
  })

  test('has no name before everything has been made void', async () => {
    let away = true
    const store = memoryStore({ schedule: (step) => void (away || queueMicrotask(step)) })
    const cache = openCache({ store, storeTimeout: '50ms' })
    const room = open({ cache })
    await until(async () => {
      const { rows } = await pool.query('SELECT slot_name FROM pg_replication_slots WHERE temporary')
      return rows.length > 0
    }, 'the slot is being made')
    await until(() => room.voided.length > 1, 'it is tried again')
    const named = () =>
      pool.query('SELECT 1 FROM pg_replication_slots WHERE slot_name = $1', [`slot_${databases}`])
    expect((await named()).rows).toEqual([])
    away = false
    await room.cdc.ready({ timeout: '20s' })
    expect((await named()).rows).toHaveLength(1)
  })

  test('is one process’s, and the next one’s when that has gone', async () => {
    const first = await started()
    const second = open()
    await second.cdc.ready()
    expect(second.cdc.health).toMatchObject({ status: 'ok', state: 'waiting' })
    await first.cdc.close()
    await until(() => second.cdc.health.state === 'streaming', 'the second has taken over')
    await pool.query("INSERT INTO notes VALUES ('a')")
    expect((await arrives(second)).at(-1)).toEqual(['note:*'])
  })
})

describe('trouble', () => {
  test('a connection that is ended is made anew, and nothing is lost', async () => {
    const room = await started()
    for (let round = 0; round < 3; round++) {
      const before = room.cdc.health.applied
      await pool.query(
        'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
        [`slot_${databases}`],
      )
      await pool.query('INSERT INTO payments VALUES ($1::int, $1::int, 1)', [round])
      await until(() => room.cdc.health.applied > before, 'it is heard all the same')
      expect(room.voided.flat()).toContain(`payment-id:{id}|${round}`)
    }
    expect(room.cdc.health.cleared).toBe(1)
  })

  test('while the store is away the log is kept, until it has been told', async () => {
    let away = false
    const store = memoryStore({ schedule: (step) => void (away || queueMicrotask(step)) })
    const cache = openCache({ store, storeTimeout: '50ms' })
    const room = await started({ cache })
    const confirmed = async () => {
      const { rows } = await pool.query(
        'SELECT confirmed_flush_lsn - $2::pg_lsn AS ahead FROM pg_replication_slots WHERE slot_name = $1',
        [`slot_${databases}`, lsn],
      )
      return Number(rows[0].ahead) >= 0
    }
    away = true
    await pool.query("INSERT INTO notes VALUES ('a')")
    const { rows } = await pool.query('SELECT pg_current_wal_insert_lsn() AS lsn')
    const lsn = rows[0].lsn
    await arrives(room, 2)
    expect(room.cdc.health.lagMs).toBeGreaterThan(0)
    expect(await confirmed()).toBe(false)
    away = false
    await until(() => room.cdc.health.lagMs === 0, 'it is applied')
    await pool.query("INSERT INTO notes VALUES ('b')")
    await until(confirmed, 'the server may forget it')
  })

  test('a publication that is missing, or leaves out changes, is told, and looked for again', async () => {
    await pool.query('DROP PUBLICATION cc')
    const room = open()
    await until(() => room.errors.length > 0, 'it is told')
    expect(room.errors[0]).toEqual(errorOf('INVALID_OPTION', /no publication cc.*cdcMigration/))
    expect(room.cdc.health).toMatchObject({ status: 'degraded', state: 'connecting' })
    await expect(room.cdc.ready({ timeout: 1 })).rejects.toEqual(errorOf('TIMEOUT'))
    await pool.query("CREATE PUBLICATION cc FOR TABLE notes WITH (publish = 'insert')")
    await until(() => /leaves out changes/.test(String(room.errors.at(-1))), 'what it leaves out is told')
    await pool.query(
      "ALTER PUBLICATION cc SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)",
    )
    await room.cdc.ready({ timeout: '20s' })
    expect(room.cdc.health.error).toBeUndefined()
  })

  test('a server that cannot be reached is tried again; close ends that', async () => {
    const room = open({ connect: () => new Client({ host: '127.0.0.1', port: 1 }) })
    const waiting = expect(room.cdc.ready()).rejects.toEqual(errorOf('CACHE_CLOSED'))
    await until(() => room.errors.length > 2, 'it is tried again')
    await room.cdc.close()
    await waiting
    await expect(room.cdc.ready()).rejects.toEqual(errorOf('CACHE_CLOSED'))
    expect(room.cdc.health).toMatchObject({ status: 'stopped', state: 'closed' })
    expect(room.cache.health().parts.cdc).toBeUndefined()
  })

  test('the end of the cache is its end', async () => {
    const room = await started()
    expect(room.cache.health().parts.cdc).toMatchObject({ status: 'ok' })
    await room.cache.close()
    expect(room.cdc.health.state).toBe('closed')
  })

  test('bad options are refused', () => {
    const cache = openCache()
    const connect = () => new Client()
    for (const bad of [
      { connect: undefined },
      { slot: 'Upper' },
      { slot: 'a'.repeat(64) },
      { publication: '' },
      { names: 7 },
      { backoff: 'soon' },
      { sloth: 'a' },
    ])
      expect(() => createCdcSource({ cache, connect, ...bad } as never), JSON.stringify(bad)).toThrow(
        /createCdcSource/,
      )
    expect(() => createCdcSource({ cache: {}, connect } as never)).toThrow(/is no cache/)
    expect(() => cdcMigration({ tables: [] })).toThrow(/names no tables/)
  })
})

test('its migration goes up and down, names quoted', async () => {
  await pool.query('CREATE TABLE "Odd ""name" (id int)')
  const { up, down } = cdcMigration({
    tables: ['Odd "name', 'sales.orders'],
    publication: 'Odd',
    rows: 'full',
  })
  await pool.query(up)
  const { rows } = await pool.query(
    "SELECT tablename FROM pg_publication_tables WHERE pubname = 'Odd' ORDER BY 1",
  )
  expect(rows.map(({ tablename }) => tablename)).toEqual(['Odd "name', 'orders'])
  await pool.query(down)
  const key = cdcMigration({ tables: ['ledger'], rows: 'key' })
  expect(key.up).not.toContain('IDENTITY')
})
