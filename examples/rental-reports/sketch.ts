/**
 * Rental reports: financial, occupancy and payment reports of 300 to 800 ms per landlord, and a dashboard of 2 to 3 s
 * that joins them, each cached on its own with a lifetime for its kind. Reads go to replicas, writes to the primary.
 *
 * The team's patterns never matched its keys, so a payment voided nothing; keys lacked their dates; each worker
 * refreshed and warmed everything; 0 counted as a miss. Here a payment finds its landlord inside its transaction and
 * voids every form of that landlord's keys (never landlord 10's for 1); no lagging replica refills what it voided.
 */
import {
  type Cache,
  type CacheReader,
  createCache,
  type Duration,
  defineDependencies,
  defineKeys,
  type ReadOptions,
  type Receipt,
  type StoreDriver,
  ttlTiers,
  type,
} from 'coherent-cache'
import type { Redis } from 'ioredis'

// ---- From coherent-cache/redis, /typeorm and /warming ----
declare function redisStore(options: { readonly client: Redis }): StoreDriver
type Manager = { query<T>(sql: string, parameters: readonly unknown[]): Promise<T> }
type BoundManager = Manager & { onCommitted(listener: (receipt: Receipt) => void): void }
type DataSource<M> = { transaction<T>(body: (manager: M) => Promise<T>): Promise<T> }
declare function bindTypeorm(source: DataSource<Manager>, cache: Cache): DataSource<BoundManager>
/** Runs in one process of the fleet; what was there before is served meanwhile. */
declare function createWarming<T>(cache: Cache, plan: Plan<T>): { run(): Promise<void> }
type Plan<T> = { targets(): Promise<readonly T[]>; warm(target: T): Promise<unknown>; every: Duration }
// ---- ----

type Payment = { readonly id: number; readonly renter_id: number; readonly amount: string }
type Renter = { readonly id: number; readonly landlord_id: number; readonly status: 'active' | 'left' }
type Span = { readonly start?: string | undefined; readonly end?: string | undefined }
type Metrics = { readonly paid: number; readonly due: number }
type Finance = { readonly income: number; readonly costs: number }
type Dashboard = { readonly metrics: Metrics; readonly occupancy: number; readonly finance: Finance }
type User = { readonly admin: boolean; owns(landlordId: number): boolean }
type Source = 'primary' | 'any'
declare class Reports {
  metrics(landlordId: number, span: Span, source?: Source): Promise<Metrics>
  metricsOf(landlordIds: readonly number[]): Promise<readonly (Metrics | undefined)[]>
  finance(landlordId: number, span: Span, source?: Source): Promise<Finance>
  payments(wanted: readonly Pick<Payment, 'id'>[], source: Source): Promise<(Payment | null)[]>
  occupancy(landlordId: number): Promise<number>
  renters(landlordId: number): Promise<readonly Renter[]>
  notifications(landlordId: number): Promise<readonly string[]>
}
declare const reports: Reports
declare const source: DataSource<Manager>
declare const redis: Redis
declare function byHundred(): Promise<readonly number[][]>

/** Dashboards and metrics, occupancy, reports, lists that hardly change; and what is never kept. */
const tier = ttlTiers({ never: 0, hot: '5m', warm: '10m', cool: '15m', fixed: '24h' })
export const keys = defineKeys({
  dashboard: { key: 'rental:dashboard:{landlordId}', value: type<Dashboard>(), ttl: tier.hot },
  metrics: { key: 'rental:metrics:{landlordId}[:{start}[:{end}]]', value: type<Metrics>(), ttl: tier.hot },
  finance: { key: 'rental:finance:{landlordId}[:{start}[:{end}]]', value: type<Finance>(), ttl: tier.cool },
  occupancy: { key: 'rental:occupancy:{landlordId}', value: type<number>(), ttl: tier.warm },
  renters: { key: 'rental:renters:{landlordId}', value: type<readonly Renter[]>(), ttl: tier.fixed },
  payment: { key: 'rental:payment:{id}', value: type<Payment | null>(), ttl: tier.cool },
  notifications: { key: 'rental:notifications:{landlordId}', ttl: tier.never },
})

export const cache = createCache({
  name: 'rental-reports',
  keys,
  dependencies: defineDependencies<{ payments: Payment; renters: Renter }, Manager>()({
    scopes: ['landlordId'],
    tables: {
      payments: {
        invalidates: [keys.metrics, keys.finance, keys.dashboard, keys.payment],
        // A payment names the renter. Without a transaction, or a landlord, every landlord's reports are void.
        bind: async (payment, tx) => {
          const sql = 'SELECT landlord_id FROM renters WHERE id = $1'
          const found = await tx?.query<Pick<Renter, 'landlord_id'>[]>(sql, [payment.renter_id])
          return { id: payment.id, landlordId: found?.[0]?.landlord_id }
        },
        stable: ['id', 'landlordId'],
      },
      renters: { invalidates: [keys.occupancy, keys.renters, keys.dashboard], stable: ['landlord_id'] },
    },
  }),
  store: redisStore({ client: redis }),
})
const db = bindTypeorm(source, cache)

/** The repository, read through the cache or a session of it. `source` keeps a lagging replica out after a payment. */
const through = (reader: CacheReader, options?: ReadOptions) =>
  reader.wrap(reports, {
    metrics: {
      key: (landlordId, span) => keys.metrics({ landlordId, ...span }),
      load: ({ source }, repository, [id, span]) => repository.metrics(id, span, source),
      ...options,
    },
    finance: {
      key: (landlordId, span) => keys.finance({ landlordId, ...span }),
      load: ({ source }, repository, [id, span]) => repository.finance(id, span, source),
      ...options,
    },
    occupancy: { key: (landlordId) => keys.occupancy({ landlordId }), staleWhileRevalidate: '1m' },
    renters: { key: (landlordId) => keys.renters({ landlordId }) },
    notifications: { key: (landlordId) => keys.notifications({ landlordId }) },
  })

/** GET /dashboard: after a payment, with its token, no part of it predates the payment. */
export async function getDashboard(user: User, landlordId: number, token: string | null, refresh = false) {
  if (!user.owns(landlordId)) return new Response(null, { status: 403 })
  const reader = cache.session(token)
  const options: ReadOptions = { freshness: refresh ? 'reload' : 'bounded', staleIfError: '1h' }
  const parts = through(reader, options)
  const load = async (): Promise<Dashboard> => ({
    metrics: await parts.metrics(landlordId, {}),
    occupancy: await parts.occupancy(landlordId),
    finance: await parts.finance(landlordId, {}),
  })
  const entry = await reader.getEntry(keys.dashboard({ landlordId }), load, options)
  return Response.json(entry.value, { headers: { 'x-cache': entry.status, 'x-read-after': reader.token } })
}

/** GET /payments?ids=…: one query for those that are missing; a page is at most a thousand ids. */
export function getPayments(page: readonly number[]): Promise<(Payment | null)[]> {
  const asked = page.map((id) => ({ id }))
  return cache.getMany(keys.payment, asked, (missing, { source }) => reports.payments(missing, source))
}

const paying = 'INSERT INTO payments (renter_id, amount) VALUES ($1, $2) RETURNING *'
/** POST /payments: the answer carries what the next read must not be older than. */
export async function pay(renterId: number, amount: number): Promise<Response> {
  const headers = new Headers()
  await db.transaction(async (manager) => {
    manager.onCommitted(({ token }) => headers.set('x-read-after', token))
    await manager.query<Payment[]>(paying, [renterId, amount])
  })
  return new Response(null, { status: 201, headers })
}

/** Metrics of many landlords by one query; what a payment voids meanwhile is not kept. */
async function refreshMetrics(landlordIds: readonly number[]): Promise<void> {
  const marks = await Promise.all(landlordIds.map((landlordId) => cache.mark(keys.metrics({ landlordId }))))
  const computed = await reports.metricsOf(landlordIds)
  for (const [at, mark] of marks.entries()) {
    await cache.set(mark.key, computed[at] ?? { paid: 0, due: 0 }, { mark })
  }
}
/** At start and every hour, a hundred landlords at a time. */
export const warming = createWarming(cache, { targets: byHundred, warm: refreshMetrics, every: '1h' })

/** GET and DELETE /admin/cache. */
export async function administer(user: User, action: 'stats' | 'clear' | 'explain', landlordId: number) {
  if (!user.admin) return new Response(null, { status: 403 })
  if (action === 'clear') return Response.json(await cache.invalidate({ scope: { landlordId } }))
  if (action === 'explain') return Response.json(await cache.explain(keys.metrics({ landlordId })))
  const { hits, misses, hitRate, entries } = cache.stats()
  return Response.json({ requests: hits.memory + hits.store + misses, hitRate, entries })
}
