/**
 * Daily reports: finance per organisation, property and date (dates as India counts them), read from cache by a
 * web page and changed elsewhere: revenues and expenses are created, edited, deleted and approved, also in bulk.
 *
 * The team's design kept a version per process, taken from its own clock, raised by the subscriber 50 to 100 ms
 * after the write and stamped after the load: a refresh 5 ms later still saw the old report, and stale fills looked
 * fresh. Here the commit itself voids the reports it touched, a load is stamped before it reads, and the answer to a
 * write hands the browser a token that its next read is never behind.
 *
 * This is the web service over `pg`, to read: it is compiled by the tests. What runs is `demo.ts`.
 */
import {
  type ByAgeOptions,
  byAge,
  createCache,
  defineDependencies,
  defineKeys,
  type Logger,
  localDate,
  type ReadOptions,
  type,
} from 'coherent-cache'
import { bindPg } from 'coherent-cache/pg'
import type { Pool } from 'pg'

type Status = 'pending' | 'approved'
type Entry = { id: number; org_id: number; property_id: number; occurred_at: Date; status: Status }
type DailyReport = { readonly revenue: number; readonly expenses: number; readonly pending: number }
type Sheet = { readonly days: readonly (DailyReport & { readonly date: string })[] }
type User = { readonly orgId: number; mayRead(propertyId: number): boolean }
interface Reports {
  daily(orgId: number, propertyId: number, date: string, signal: AbortSignal): Promise<DailyReport>
  dailyOf(orgId: number, date: string, propertyIds: readonly number[]): Promise<DailyReport[]>
  monthly(orgId: number, propertyId: number, month: string): Promise<Sheet>
}
declare const pool: Pool
declare const reports: Reports
declare const logger: Required<Logger>

const timeZone = 'Asia/Kolkata'
/** The lifetimes now, those before, and long ones: under stamps a lifetime need not bound staleness. */
const tiers = {
  current: { timeZone, tiers: { 0: '5s', 1: '10s', 3: '30s', 7: '2m', 30: '5m' }, beyond: '15m' },
  earlier: { timeZone, tiers: { 0: '15s', 3: '1m', 7: '3m', 30: '10m' }, beyond: '30m' },
  long: { timeZone, tiers: { 0: '1h' }, beyond: '24h' },
} satisfies Record<string, ByAgeOptions>

export const keys = defineKeys({
  dailyReport: {
    key: 'report:daily:{orgId}:{propertyId}:{date}',
    value: type<DailyReport>(),
    ttl: byAge('date', tiers.current), // the one line to change
    version: 2,
  },
  sheet: { key: 'report:monthly:{orgId}:{propertyId}:{month}', value: type<Sheet>(), ttl: '24h' },
})

/** One binding for both tables: the month is the date's, and no row changes its organisation or property. */
const invalidates = [keys.dailyReport, keys.sheet] as const
const bind = (row: Entry) => {
  const date = localDate(row.occurred_at, timeZone)
  return { orgId: row.org_id, propertyId: row.property_id, date, month: date.slice(0, 7) }
}
const stable = ['orgId', 'propertyId'] as const

export const cache = createCache({
  name: 'daily-reports',
  keys,
  dependencies: defineDependencies<{ revenues: Entry; expenses: Entry }>()({
    scopes: ['orgId'],
    tables: { revenues: { invalidates, bind, stable }, expenses: { invalidates, bind, stable } },
  }),
  partitionBy: 'orgId', // one tenant's writes cost no other tenant anything
  coherence: process.env.REPORT_STAMPS === 'off' ? 'off' : 'on', // the rollback plan; changeable while it runs, too
  logger,
})
const db = bindPg(pool, cache)

/** Organisation, property and date of a report's key; nothing for the keys of other families. */
const about = keys.dailyReport.parse
cache.on('hit', ({ key, tier, ageMs }) => logger.debug({ ...about(key), tier, ageMs }, 'report hit'))
cache.on('miss', ({ key, reason }) => logger.debug({ ...about(key), reason }, 'report miss'))
cache.on('fill', ({ key, stamps }) => logger.debug({ ...about(key), stamps }, 'report kept'))
cache.on('load', ({ key, durationMs }) => logger.debug({ ...about(key), durationMs }, 'report computed'))
cache.on('invalidated', ({ receipt, tables, unit }) => logger.info({ ...receipt, tables, unit }, 'rotated'))

const reading = { staleIfError: '1h', timeout: { soft: '200ms', hard: '2s' } } satisfies ReadOptions
/** GET /reports/daily: whether the user may read comes first, then the cache. */
export async function getDaily(request: Request, user: User): Promise<Response> {
  const query = new URL(request.url).searchParams
  const today = localDate(Date.now(), timeZone)
  const [propertyId, date] = [Number(query.get('property')), query.get('date') ?? today]
  if (!user.mayRead(propertyId)) return new Response(null, { status: 403 })

  const { orgId } = user
  const session = cache.session(request.headers.get('x-read-after'))
  const report = await session.getEntry(
    keys.dailyReport({ orgId, propertyId, date }),
    ({ signal }) => reports.daily(orgId, propertyId, date, signal),
    { ...reading, staleWhileRevalidate: date === today ? '1m' : 0 },
  )
  return Response.json(report.value, { headers: { 'x-cache': report.status, 'x-read-after': session.token } })
}

/** One day of the properties a manager may see: one query for those that are missing. */
export function getDay({ orgId }: User, managed: readonly number[], date: string): Promise<DailyReport[]> {
  const asked = managed.map((propertyId) => ({ orgId, propertyId, date }))
  return cache.getMany(keys.dailyReport, asked, (missing) => {
    const propertyIds = missing.map((one) => one.propertyId)
    return reports.dailyOf(orgId, date, propertyIds)
  })
}

/** The spreadsheet, which used to be read from the database each time: it asks the store whether it is current. */
export function getSheet({ orgId }: User, propertyId: number, month: string): Promise<Sheet> {
  const key = keys.sheet({ orgId, propertyId, month })
  return cache.get(key, () => reports.monthly(orgId, propertyId, month), { freshness: 'committed' })
}

const approving = `UPDATE revenues SET status = 'approved' WHERE org_id = $1 AND id = ANY($2) RETURNING *`
/** POST /revenues/approve: all in one transaction; each report that a row belongs to is void when it commits. */
export async function approve(user: User, ids: readonly number[]): Promise<Response> {
  const headers = new Headers()
  const approved = await db.transaction(async (tx) => {
    tx.onCommitted(({ token }) => headers.set('x-read-after', token))
    const { rows } = await tx.query<Entry>(approving, [user.orgId, ids])
    tx.write('revenues', { operation: 'update', rows: rows.map((row) => ({ before: row, after: row })) })
    return rows.length
  })
  return Response.json({ approved }, { headers })
}

/** A change made by another service, told by a queue, perhaps twice: a second rotation is harmless. */
export async function onEntryMoved(row: { before: Entry; after: Entry }): Promise<void> {
  const receipt = await cache.invalidate({ table: 'expenses', operation: 'update', rows: [row] })
  if (receipt.status !== 'applied') logger.warn({ receipt }, 'invalidation waits for the store')
}

/** Turns stamps off, and on again, while the service runs: daily reports then live by their tiers alone. */
export function setStamps(on: boolean): void {
  cache.setCoherence(on ? 'on' : 'off', keys.dailyReport)
}

/** What the dashboard of the service plots. */
export function metrics() {
  const { hitRate, loadMs, loads, evictions, invalidations } = cache.stats()
  return { hitRate, loadMs, loads, evictions, invalidations, health: cache.health() }
}
