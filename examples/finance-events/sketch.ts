/**
 * Finance events: each write puts an event into an append-only table; a consumer voids the daily, monthly and yearly
 * reports of the dates it names and then tells the frontends, which read again.
 *
 * The team's queue handed an event to one process while each had its own memory, so another replica showed a monthly
 * report 24 h old; writes published nothing, or lost it beside the transaction. Here event and write commit together,
 * replicas share stamps, a write without its event is noticed, and a notification carries its refetch's token.
 */
import {
  type Cache,
  type CacheOptions,
  createCache,
  type Duration,
  defineDependencies,
  defineKeys,
  type Logger,
  type StoreDriver,
  type,
} from 'coherent-cache'
import type { Redis } from 'ioredis'
import type { Pool } from 'pg'

// ---- From coherent-cache/redis, /pg, /journal and /web ----
declare function redisStore(options: { readonly client: Redis }): StoreDriver
type Transaction = { query<R>(sql: string, values: readonly unknown[]): Promise<{ rows: R[] }> }
type BoundPg = { transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> }
declare function bindPg(pool: Pool, cache: Cache): BoundPg
type Limits = { readonly concurrency: number; readonly acknowledgeWithin: Duration }
type Handling<E> = Limits & { onFailure(event: E, error: unknown, parked: boolean): void }
interface Journal<E> {
  append(tx: Transaction, event: E): Promise<void>
  consume(handle: (event: E) => Promise<void>, options: Handling<E>): void
  history(where: Partial<E>, page: { after: string; limit: number }): Promise<{ events: E[]; next?: string }>
  counts(where: Partial<E>): Promise<Readonly<Record<string, number>>>
  replay(id: string): Promise<void>
}
declare function createJournal<E>(options: { pool: Pool; table: string }): Journal<E>
interface Channel<Message> {
  publish(topic: string, message: Message): Promise<void>
  since(topic: string, cursor: string): Promise<{ messages: Message[]; cursor: string }>
  stream(topic: string, request: Request): Response
}
declare function createChannel<Message>(options: { client: Redis }): Channel<Message>
// ---- ----

type Change = 'added' | 'updated' | 'deleted' | 'approved' | 'rejected'
type EventType = `${'expense' | 'revenue'}.${Change}` | 'balance.updated'
type Property = { readonly org_id: number; readonly property_id: number }
interface FinanceEvent extends Property {
  readonly id: string
  readonly schema_version: 1
  readonly type: EventType
  readonly at: string
  readonly user_id: number
  readonly dates: readonly string[]
}
type Revenue = Property & { readonly id: number; readonly day: string }
type Report = { readonly revenue: number; readonly expenses: number }
type User = { readonly id: number; readonly orgId: number; readonly admin: boolean }
declare const pool: Pool
declare const redis: Redis
declare const logger: Required<Logger>
declare function eventOf(type: EventType, row: Revenue, userId: number): FinanceEvent
declare function computeReport(orgId: number, propertyId: number, period: string): Promise<Report>
declare function yearlyTotal(orgId: number, propertyId: number, year: string): Promise<number>

export const keys = defineKeys({
  daily: { key: 'report:daily:{orgId}:{propertyId}:{date}', value: type<Report>(), ttl: '5m' },
  monthly: { key: 'report:monthly:{orgId}:{propertyId}:{month}', value: type<Report>(), ttl: '24h' },
  yearly: { key: 'report:yearly:{orgId}:{propertyId}:{year}', value: type<number>(), ttl: '24h' },
})
const invalidates = [keys.daily, keys.monthly, keys.yearly] as const
const periods = (date: string) => ({ date, month: date.slice(0, 7), year: date.slice(0, 4) })
const place = (row: Property) => ({ orgId: row.org_id, propertyId: row.property_id })
const bind = (row: Revenue) => ({ ...place(row), ...periods(row.day) })

const shared = {
  namespace: 'finance',
  dependencies: defineDependencies<{ finance_events: FinanceEvent; revenues: Revenue; expenses: Revenue }>()({
    scopes: ['orgId'],
    tables: {
      revenues: { invalidates, bind },
      expenses: { invalidates, bind },
      finance_events: {
        invalidates,
        bind: (e) => e.dates.map((date) => ({ ...place(e), ...periods(date) })),
      },
    },
  }),
  store: redisStore({ client: redis }),
  partitionBy: 'orgId',
  memory: { maxEntries: 1_000 },
  logger,
} satisfies Partial<CacheOptions>

// A memory of its own for each kind, so that neither evicts the other; one namespace, so that one commit voids both.
const { daily: ofDays, ...ofLonger } = keys
export const daily = createCache({ ...shared, name: 'daily', keys: { ofDays } })
export const longer = createCache({ ...shared, name: 'longer', keys: ofLonger })

const db = bindPg(pool, daily)
const journal = createJournal<FinanceEvent>({ pool, table: 'finance_events' })
const live = createChannel<{ readonly event: FinanceEvent; readonly readAfter: string }>({ client: redis })

/** POST /revenues: the revenue and its event commit together, and the reports they touch are void with them. */
export async function addRevenue({ orgId, id }: User, propertyId: number, amount: number, day: string) {
  await db.transaction(async (tx) => {
    const sql = 'INSERT INTO revenues (org_id, property_id, amount, day) VALUES ($1, $2, $3, $4) RETURNING *'
    const { rows } = await tx.query<Revenue>(sql, [orgId, propertyId, amount, day])
    for (const row of rows) await journal.append(tx, eventOf('revenue.added', row, id))
  })
}

// A write that publishes nothing is noticed all the same: its table is in the map, and its event is missed here.
daily.on('invalidated', ({ tables, unit }) => {
  if (unit && !tables.includes('finance_events')) logger.warn({ tables, unit }, 'a write without its event')
})

// At least once, in any order: to void a report twice or late does no harm.
const handle = async (event: FinanceEvent) => {
  const { token } = await daily.invalidate({ table: 'finance_events', operation: 'insert', rows: [event] })
  await live.publish(`org:${event.org_id}`, { event, readAfter: token })
}
journal.consume(handle, {
  concurrency: 20,
  acknowledgeWithin: '30s',
  onFailure: (event, error, parked) => logger.error({ event, error, parked }, 'an event was not handled'),
})

/** GET /reports/daily and /monthly: the refetch after a notification carries its token. */
export function getReport({ orgId }: User, propertyId: number, period: string, readAfter?: string) {
  const load = () => computeReport(orgId, propertyId, period)
  const [date, month] = [period, period]
  if (period.length > 7) return daily.session(readAfter).get(keys.daily({ orgId, propertyId, date }), load)
  return longer.session(readAfter).get(keys.monthly({ orgId, propertyId, month }), load)
}
/** GET /reports/yearly: a total of 0 is an answer like any other. */
export const getYearly = ({ orgId }: User, propertyId: number, year: string) =>
  longer.get(keys.yearly({ orgId, propertyId, year }), () => yearlyTotal(orgId, propertyId, year))

/** GET /live: server-sent events from `Last-Event-ID` on, or a poll with a cursor, of one's own organisation. */
export const getLive = (request: Request, user: User) => live.stream(`org:${user.orgId}`, request)
export const poll = (user: User, cursor: string) => live.since(`org:${user.orgId}`, cursor)

/** GET /events: an organisation's own history, by entity and type, paged. */
export const getHistory = (user: User, where: Partial<FinanceEvent>, after: string) =>
  journal.history({ ...where, org_id: user.orgId }, { after, limit: 100 })

/** What administrators alone may do. */
export async function administer(user: User, action: 'stats' | 'clear' | 'replay', id: string) {
  if (!user.admin) return new Response(null, { status: 403 })
  if (action === 'replay') await journal.replay(id)
  if (action === 'clear') await daily.invalidate({ scope: { orgId: user.orgId } }) // in both: one namespace
  const events = await journal.counts({ org_id: user.orgId })
  return Response.json({ events, daily: daily.stats(), longer: longer.stats(), health: daily.health() })
}
