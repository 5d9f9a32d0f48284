/**
 * One process of a fleet that books capacity over one PostgreSQL and one Redis (see
 * `../../journeys/fleet-pg-redis.test.ts`): a writer, which also reads what it has written, or a reader. For each cache
 * that it is told to open it keeps a history of what it did and saw, and sends it when it is told to stop.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createCache, defineDependencies, defineKeys, type } from 'coherent-cache'
import { bindPg } from 'coherent-cache/pg'
import { redisStore } from 'coherent-cache/redis'
import { Pool } from 'pg'
import { connectTo } from '../redis-clients.ts'
import { until } from '../until.ts'
import { sharedNow, type VersionRead, type VersionWrite } from '../version-judge.ts'

export interface BookingConfig {
  readonly process: number
  readonly role: 'writer' | 'reader'
  readonly redisPort: number
  readonly postgresUrl: string
  readonly schema: string
  readonly entities: number
  /** Of a writer. */
  readonly bookings: number
}

/** What it is told: to open a cache, to begin with it, to stop and close it, to end. */
export type BookingOrder =
  | { readonly what: 'open' | 'start' | 'stop'; readonly consistency: Consistency; readonly name: string }
  | { readonly what: 'end' }

type Consistency = 'bounded' | 'committed'

export interface BookingHistory {
  readonly writes: readonly (VersionWrite & { readonly available: number })[]
  readonly reads: readonly (VersionRead & { readonly available: number })[]
}

interface Capacity {
  readonly version: number
  readonly available: number
}

const config = JSON.parse(process.argv[2] ?? '{}') as BookingConfig
const keys = defineKeys({ capacity: { key: 'capacity:{entityId}', value: type<Capacity>() } })
const dependencies = defineDependencies({ tables: { capacity: ['capacity:{entityId}'] } })

const pool = new Pool({
  connectionString: config.postgresUrl,
  options: `-c search_path=${config.schema}`,
  max: 4,
})
/** When the latest COMMIT of a connection was answered, by the server process at its other end. */
const answered = new Map<number, number>()
pool.on('connect', (client) => {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown
  const timed = (...given: unknown[]): unknown => {
    const result = query(...given)
    if (given[0] !== 'COMMIT') return result
    return (result as Promise<unknown>).then((value) => {
      answered.set((client as unknown as { processID: number }).processID, sharedNow())
      return value
    })
  }
  client.query = timed as typeof client.query
})

/** Everything between being told to open a cache and to stop. */
function open(name: string, consistency: Consistency) {
  const redis = connectTo(config.redisPort)
  const cache = createCache({ name, keys, dependencies, consistency, store: redisStore({ client: redis }) })
  return {
    cache,
    db: bindPg(pool, cache),
    writes: [] as BookingHistory['writes'][number][],
    reads: [] as BookingHistory['reads'][number][],
    working: Promise.resolve() as Promise<unknown>,
    stopped: false,
    async close() {
      await cache.close()
      redis.disconnect()
    },
  }
}
type Shift = ReturnType<typeof open>

async function read(
  { cache, reads }: Shift,
  entityId: number,
  freshness: 'bounded' | 'committed',
): Promise<void> {
  const key = keys.capacity({ entityId })
  const began = sharedNow()
  const { value, tier } = await cache.getEntry(
    key,
    async () => {
      const { rows } = await pool.query<Capacity>(
        'SELECT version, available FROM capacity WHERE entity_id = $1',
        [entityId],
      )
      return rows[0] as Capacity
    },
    { freshness },
  )
  reads.push({ process: config.process, key, ...value, freshness, began, tier })
}

/** Books one unit, as a service does: looks at the row under its lock, and changes it only where there is room. */
async function book({ db, writes }: Shift, entityId: number, changesItsMind: boolean): Promise<void> {
  let server = 0
  const booked = await db.transaction(async (tx) => {
    server = (await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
    const { rows } = await tx.query<Capacity>(
      'SELECT version, available FROM capacity WHERE entity_id = $1 FOR UPDATE',
      [entityId],
    )
    if (rows[0] === undefined || rows[0].available === 0) return undefined
    const updated = await tx.query<Capacity>(
      `UPDATE capacity SET available = available - 1, version = version + 1
       WHERE entity_id = $1 RETURNING entity_id, version, available`,
      [entityId],
    )
    if (changesItsMind) await tx.rollback()
    return updated.rows[0]
  })
  const acknowledged = sharedNow()
  if (booked === undefined || changesItsMind) return
  const { version, available } = booked
  const committed = answered.get(server) ?? Number.NaN
  writes.push({
    process: config.process,
    key: keys.capacity({ entityId }),
    version,
    available,
    committed,
    acknowledged,
  })
}

async function write(shift: Shift, lane: number): Promise<void> {
  for (let turn = lane; turn < config.bookings; turn += 2) {
    const entityId = 1 + ((turn * 7) % config.entities)
    await book(shift, entityId, turn % 9 === 4)
    await read(shift, entityId, turn % 3 === 0 ? 'committed' : 'bounded')
    await sleep(turn % 4)
  }
}

async function watch(shift: Shift, lane: number): Promise<void> {
  for (let turn = lane; !shift.stopped; turn++) {
    await read(shift, 1 + (turn % config.entities), turn % 4 === 0 ? 'committed' : 'bounded')
    await sleep(1)
  }
}

/** Waits until the cache keeps what it has loaded: a committed one does not while locks of others may be unknown to it. */
async function whenItCaches({ cache }: Shift): Promise<void> {
  await cache.ready({ timeout: '10s' })
  await until(
    async () => (await cache.getEntry('warm', () => 1, { freshness: 'committed' })).tier !== 'loader',
    'the cache to keep values',
  )
}

const shifts = new Map<string, Shift>()

async function obey(order: BookingOrder): Promise<unknown> {
  if (order.what === 'end') {
    await pool.end()
    process.disconnect()
    return undefined
  }
  const shift = shifts.get(order.name) ?? open(order.name, order.consistency)
  shifts.set(order.name, shift)
  if (order.what === 'open') {
    await whenItCaches(shift)
    return `open ${order.name}`
  }
  if (order.what === 'start') {
    const work = config.role === 'writer' ? write : watch
    shift.working = Promise.all([0, 1].map((lane) => work(shift, lane)))
    await shift.working
    return `done ${order.name}`
  }
  shift.stopped = true
  await shift.working
  await shift.close()
  return { writes: shift.writes, reads: shift.reads } satisfies BookingHistory
}

process.on('message', async (order) => {
  const answer = await obey(order as BookingOrder)
  if (answer !== undefined) process.send?.(answer)
})
process.send?.('up')
