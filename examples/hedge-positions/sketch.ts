/**
 * Hedge positions: available capacity per entity and currency is read from cache; hedges are booked against it.
 *
 * The team's map from tables to key patterns was right, but it was applied by SCAN after the commit: a booking of 50
 * of 100 was followed by a read that still said 100, and a crash in between left it so. Here the stamps are locked
 * before COMMIT and rotated after it (`strict`), and the booking checks capacity on locked rows: the cache informs,
 * the database decides.
 */
import {
  type Cache,
  createCache,
  defineDependencies,
  defineKeys,
  digest,
  type Logger,
  type StoreDriver,
  type,
  type UnitOfWork,
} from 'coherent-cache'
import type { Redis } from 'ioredis'
import type { Pool, PoolClient } from 'pg'

// ---- From coherent-cache/redis and /pg ----
type Away = 'abort' | 'proceed'
declare function redisStore(options: { client: Redis; onStoreUnavailable: Away }): StoreDriver
interface Transaction extends Pick<UnitOfWork, 'write' | 'onCommitted'> {
  query<R>(sql: string, values: readonly unknown[]): Promise<{ rows: R[] }>
}
type Settings = { readonly isolation?: 'serializable'; readonly retries?: number }
type BoundPg = { transaction<T>(body: (tx: Transaction) => Promise<T>, settings: Settings): Promise<T> }
declare function bindPg(pool: Pool, cache: Cache): BoundPg
// ---- ----

type Place = { readonly entityId: number; readonly currency: string }
type Hedge = { readonly id: number; readonly entity_id: number; readonly currency: string }
type Capacity = { readonly available: number; readonly allocated: number }
type Exposure = { readonly net: number }
type Filters = { readonly status?: readonly string[]; readonly minimum?: number }
interface Positions {
  capacity(place: Place): Promise<Capacity>
  capacities(places: readonly Place[]): Promise<Capacity[]>
  exposure(currency: string, filters: Filters): Promise<Exposure>
}
declare const pool: Pool
declare const redis: Redis | undefined
declare const logger: Required<Logger>
declare const positions: Positions
declare function insertHedge(client: PoolClient, place: Place, amount: number): Promise<Hedge>

export const keys = defineKeys({
  capacity: { key: 'capacity:{entityId}:{currency}', value: type<Capacity>(), ttl: '10m' },
  exposure: { key: 'exposure_analysis:{currency}:{filters}', value: type<Exposure>() },
  navs: 'nav_calculations:{entityId}', // untyped: of the type that its loader returns
})

const ofHedges = ['*hedge_positions*', '*hedge_effectiveness*', '*allocation_drift*', '*template_*'] as const

export const cache = createCache({
  name: 'hedging',
  keys,
  dependencies: defineDependencies({
    scopes: ['entityId', 'currency'],
    tables: {
      hedge_instructions: {
        invalidates: [keys.capacity, keys.exposure, ...ofHedges],
        stable: ['entity_id', 'currency'],
      },
      position_nav_master: ['capacity:{entityId}:*', keys.navs, '*portfolio_valuation*'],
      deal_bookings: ['*hedge_positions*', '*portfolio_structure*', '*deal_bookings*', '*realtime_pnl*'],
      gl_entries: ['*portfolio_valuation*', '*realtime_pnl*', '*gl_entries*'],
      v_available_amounts_fast: ['*available_amounts*'],
      v_entity_capacity: ['*entity_capacity*'],
    },
    views: {
      v_available_amounts_fast: ['hedge_instructions', 'position_nav_master'],
      v_entity_capacity: ['v_available_amounts_fast'], // and so of both tables
    },
  }),
  // Without Redis: memory alone, nothing else to configure. With one that is away, a booking goes on and says so.
  store: redis && redisStore({ client: redis, onStoreUnavailable: 'proceed' }),
  consistency: 'strict',
  maxStaleness: '1s',
  storeTimeout: '250ms', // a store that hangs delays a commit no longer
  logger,
})
const db = bindPg(pool, cache)

cache.on('invalidated', ({ receipt, ...change }) => logger.info({ ...change, ...receipt }, 'invalidated'))
cache.on('unknownTable', ({ table }) => logger.warn({ table }, 'a table that the map does not name'))
cache.on('degraded', ({ reason }) => logger.warn({ reason }, 'going on without the store'))

/** GET /capacity: never older than any booking that has committed when the read begins. */
export function getCapacity(place: Place): Promise<Capacity> {
  return cache.get(keys.capacity(place), () => positions.capacity(place))
}

/** The board: many places, with one query for those that are missing. */
export function getBoard(places: readonly Place[]): Promise<Capacity[]> {
  return cache.getMany(keys.capacity, places, (missing) => positions.capacities(missing))
}

/** Filters stand in the key as a digest: equal filters, equal key. */
export function getExposure(currency: string, filters: Filters): Promise<Exposure> {
  const key = keys.exposure({ currency, filters: digest(filters) })
  return cache.get(key, () => positions.exposure(currency, filters))
}

const lock = 'SELECT available FROM capacity_ledger WHERE entity_id = $1 AND currency = $2 FOR UPDATE'
const insert = 'INSERT INTO hedge_instructions (entity_id, currency, amount) VALUES ($1, $2, $3) RETURNING *'

/** POST /hedges: decided on locked rows inside the transaction, so that no over-allocation ever commits. */
export async function book({ entityId, currency }: Place, amount: number): Promise<Response> {
  const headers = new Headers()
  const run = async (tx: Transaction) => {
    tx.onCommitted(({ token }) => headers.set('x-read-after', token))
    const { rows } = await tx.query<{ available: string }>(lock, [entityId, currency])
    if (Number(rows[0]?.available ?? 0) < amount) throw new Error('Not enough capacity is left')
    await tx.query<Hedge>(insert, [entityId, currency, amount]) // table and row are noticed
    tx.write('deal_bookings', { operation: 'insert' })
  }
  await db.transaction(run, { isolation: 'serializable', retries: 3 })
  return new Response(null, { status: 201, headers })
}

/** The same for code that holds its own transaction: locks before COMMIT, rotation after it, nothing on rollback. */
export async function bookWithClient(client: PoolClient, place: Place, amount: number): Promise<Hedge> {
  const unit = cache.unitOfWork({ name: 'book-hedge' })
  const inserted = unit.run(async () => {
    await client.query('BEGIN')
    const hedge = await insertHedge(client, place, amount)
    unit.write('hedge_instructions', { operation: 'insert', rows: [hedge] })
    unit.write('gl_entries')
    await unit.prepare(client)
    return hedge
  })
  const hedge = await inserted.catch(async (error: unknown) => {
    await Promise.all([client.query('ROLLBACK'), unit.rollback()])
    throw error
  })
  await client.query('COMMIT').finally(() => unit.commit()) // an unknown outcome counts as committed
  return hedge
}

/** The administrators' ways to void: one currency, one entity, everything. */
export const voidCurrency = (currency: string) => cache.invalidate({ scope: { currency } })
export const voidEntity = (entityId: number) => cache.invalidate({ scope: { entityId } })
export const voidAll = () => cache.clear()

/** Too many invalidations? The tables that cause them, and what a key hangs on. */
export async function trace(place: Place) {
  const { invalidations, stampsRotated, keysInvalidated, tables } = cache.stats()
  const ranked = Object.entries(tables).sort(([, one], [, other]) => other - one)
  const explained = await cache.explain(keys.capacity(place))
  return { invalidations, stampsRotated, keysInvalidated, ranked, explained }
}
