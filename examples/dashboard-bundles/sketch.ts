/**
 * Dashboard bundles: some ten counts, lists and sums per tenant, 800 ms when computed, wanted in 50 ms by every
 * replica, with a superadmin's bundle over all tenants.
 *
 * The team's entries lived 5 minutes and were warmed at midnight, so they were cold by morning; the schedule hung on
 * a browser tab that an administrator had open; clearing ran `KEYS`. Here writes void a bundle, so it may live a
 * day; one process of the fleet warms and keeps warm what is read; clearing rotates one stamp, whatever is cached.
 */
import {
  type Cache,
  createCache,
  type Duration,
  defineDependencies,
  defineKeys,
  type Logger,
  type StoreDriver,
} from 'coherent-cache'
import type { Redis } from 'ioredis'
import { z } from 'zod'

// ---- From coherent-cache/redis, /prisma and /warming ----
declare function redisStore(options: { readonly client: Redis }): StoreDriver
declare function bindPrisma<Client extends object>(client: Client, cache: Cache): Client
interface WarmingPlan<Target> {
  /** A cron line in UTC; false: only by hand. */
  readonly schedule: string | false
  readonly scheduleOf?: (target: Target) => string | undefined
  readonly targets: () => Promise<readonly Target[]>
  readonly warm: (target: Target, signal: AbortSignal) => Promise<unknown>
  readonly concurrency: number
  /** Loads anew this long before the end of a lifetime whatever was read within `wantedFor`. */
  readonly refreshAhead: { readonly before: Duration; readonly wantedFor: Duration }
  readonly onProgress?: (progress: Progress) => void
}
type Progress = { readonly done: number; readonly failed: number; readonly of: number; readonly ms: number }
type Status = { readonly running: boolean; readonly lastRun?: Date; readonly nextRun?: Date }
type Warming = { run(): Promise<Progress>; reschedule(cron: string | false): Promise<void>; status(): Status }
declare function createWarming<Target>(cache: Cache, plan: WarmingPlan<Target>): Warming
// ---- ----

const bundleSchema = z.object({
  orders: z.number(),
  openTickets: z.number(),
  revenue: z.number(),
  recentOrders: z.array(z.object({ id: z.number(), placedAt: z.coerce.date() })),
})
type Bundle = z.infer<typeof bundleSchema>

type Where = { readonly tenantId?: number | undefined; readonly test: boolean }
interface Model<Row> {
  count(query: { readonly where: Where }): Promise<number>
  findMany(query: { readonly where: Where; readonly take: number }): Promise<Row[]>
  create(query: { readonly data: Partial<Row> & Where }): Promise<Row>
}
interface Client {
  readonly order: Model<Bundle['recentOrders'][number]>
  readonly ticket: Model<{ readonly id: number; readonly title: string }>
  revenue(where: Where, signal: AbortSignal): Promise<number>
  $transaction<T>(body: (tx: Client) => Promise<T>): Promise<T>
}
type User = { readonly tenantId: number; readonly admin: boolean; readonly superadmin: boolean }
type Target = { readonly tenantId: number; readonly testData: boolean }
declare const prisma: Client
declare const redis: Redis
declare const logger: Required<Logger>
declare function activeTenants(): Promise<readonly { readonly id: number; readonly warmAt?: string }[]>

export const keys = defineKeys({
  bundle: { key: 'dashboard:tenant:{tenantId}:{testData}', value: bundleSchema, ttl: '24h', version: 3 },
  overall: { key: 'dashboard:all:{testData}', value: bundleSchema, ttl: '24h', version: 3 },
})
const bundles = [keys.bundle, keys.overall]

export const cache = createCache({
  name: 'dashboards',
  keys,
  dependencies: defineDependencies({
    scopes: ['tenantId'],
    tables: { Order: bundles, Ticket: bundles, Payment: bundles },
  }),
  store: redisStore({ client: redis }),
  memory: { maxBytes: 64 * 1024 * 1024 },
  partitionBy: 'tenantId',
  logger,
})
const db = bindPrisma(prisma, cache)

async function compute(where: Where, signal: AbortSignal): Promise<Bundle> {
  const [orders, openTickets, revenue, recentOrders] = await Promise.all([
    db.order.count({ where }),
    db.ticket.count({ where }),
    db.revenue(where, signal),
    db.order.findMany({ where, take: 10 }),
  ])
  return { orders, openTickets, revenue, recentOrders }
}

/** GET /dashboard: one's own bundle, or all tenants' for a superadmin. `bust_cache=true` computes it anew. */
export async function getDashboard(request: Request, user: User): Promise<Response> {
  const query = new URL(request.url).searchParams
  const testData = query.get('test_data') === 'true'
  const bust = query.get('bust_cache') === 'true'
  if (bust && !user.admin) return new Response(null, { status: 403 })

  const tenantId = user.superadmin ? undefined : user.tenantId
  const entry = await cache.getEntry(
    tenantId === undefined ? keys.overall({ testData }) : keys.bundle({ tenantId, testData }),
    ({ signal }) => compute({ tenantId, test: testData }, signal),
    { freshness: bust ? 'reload' : 'bounded', staleIfError: '1h', timeout: { hard: '5s' } },
  )
  logger.info({ tenantId, testData, status: entry.status, tier: entry.tier, age: entry.age }, 'dashboard')
  return Response.json(entry.value, { headers: { 'x-cache': entry.status, 'x-cache-tier': entry.tier } })
}

/** One write in a transaction of the ORM: the tenant's bundles, and those over all tenants, are void with it. */
export function placeOrder({ tenantId }: User, test: boolean) {
  return db.$transaction((tx) => tx.order.create({ data: { tenantId, test, placedAt: new Date() } }))
}

/** POST /dashboard/clear: one tenant, or all where it is said; an empty request clears nothing. */
export async function clear(user: User, request: { tenantId?: number; all?: true }): Promise<Response> {
  const { tenantId, all } = request
  if (!user.superadmin && (all || tenantId !== user.tenantId)) return new Response(null, { status: 403 })
  if (all) return Response.json(await cache.clear())
  if (tenantId === undefined) return Response.json({ error: 'name a tenant, or all' }, { status: 400 })
  return Response.json(await cache.invalidate({ scope: { tenantId } }))
}

export const warming = createWarming<Target & { readonly warmAt: string | undefined }>(cache, {
  schedule: '0 0 * * *',
  scheduleOf: (target) => target.warmAt,
  targets: async () =>
    (await activeTenants()).flatMap(({ id: tenantId, warmAt }) =>
      [true, false].map((testData) => ({ tenantId, testData, warmAt })),
    ),
  warm: ({ tenantId, testData }) => {
    const load = ({ signal }: { readonly signal: AbortSignal }) =>
      compute({ tenantId, test: testData }, signal)
    return cache.get(keys.bundle({ tenantId, testData }), load, { freshness: 'reload' })
  },
  concurrency: 4,
  refreshAhead: { before: '10m', wantedFor: '2h' },
  onProgress: (progress) => logger.info(progress, 'warming'),
})

/** GET /health: without its store the service works, slower; a scheduler that has stopped shows as no next run. */
export function getHealth(): Response {
  const [health, plan] = [cache.health(), warming.status()]
  return Response.json({ ...health, warming: plan }, { status: health.status === 'closed' ? 503 : 200 })
}

/** For the runbook: why is this bundle slow, or old, or void so often? */
export async function inspect(target: Target) {
  const { tier, age, ttl, dependsOn, invalidatedBy } = await cache.explain(keys.bundle(target))
  return { tier, age, ttl, dependsOn, invalidatedBy, byTable: cache.stats().tables }
}

/** At start: reads work before the store answers, from the database. */
export const started = cache.ready({ timeout: '2s' }).catch((error) => logger.warn({ error }, 'no store yet'))
