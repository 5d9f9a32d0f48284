import type { PGlite } from '@electric-sql/pglite'
import type { StoreDriver } from 'coherent-cache'
import type { DefinedJournal } from 'coherent-cache/journal'
import { bindPglite } from 'coherent-cache/pglite'
import { createConsumer } from 'coherent-cache/sources'
import { keys, openCache, type Report } from './cache.ts'
import { type FinanceEvent, history, metrics, record } from './events.ts'
import { publish } from './feed.ts'

export interface User {
  readonly id: number
  readonly orgId: number
  readonly admin: boolean
}

const REPORT = `
  SELECT coalesce((SELECT sum(amount) FROM revenues r
           WHERE r.org_id = $1 AND r.property_id = $2 AND starts_with(r.day, $3)), 0)::int AS revenue,
         coalesce((SELECT sum(amount) FROM expenses e
           WHERE e.org_id = $1 AND e.property_id = $2 AND starts_with(e.day, $3)), 0)::int AS expenses`

/** A report as the rows have it: of a day, a month or a year. */
export async function computeReport(
  sql: Pick<PGlite, 'query'>,
  orgId: number,
  propertyId: number,
  period: string,
): Promise<Report> {
  const { rows } = await sql.query<Report>(REPORT, [orgId, propertyId, period])
  return rows[0] as Report
}

/** One replica of the service. */
export async function openReplica(
  instance: string,
  client: PGlite,
  store: StoreDriver,
  journal: DefinedJournal,
) {
  const cache = openCache(instance, store)
  await cache.ready({ timeout: '10s' })
  const db = bindPglite(client, cache, { journal })
  const alerts: string[] = []
  /** Versions of the events' schema that this program knows. */
  const known = new Set([1])

  // A write without its event makes void what it must all the same; that its event was forgotten is seen here.
  cache.on('invalidated', ({ tables, unit }) => {
    if (unit !== undefined && !tables.includes('finance_events'))
      alerts.push(`no event: ${tables.join(', ')}`)
  })

  const consumer = createConsumer<FinanceEvent>(cache, {
    change(event) {
      if (!known.has(event.schema_version))
        throw new Error(`schema version ${event.schema_version} is not known`)
      return { table: 'finance_events', operation: 'insert', rows: [event] }
    },
    concurrency: 20,
    deadline: '30s',
    attempts: 3,
    backoff: '10ms',
    // Each delivery is applied, and told, anew: both are harmless, and an event that was applied and not told is not lost.
    remembered: 0,
    onParked: ({ event, error }) => alerts.push(`parked: ${event.type}, ${(error as Error).message}`),
  })

  const keyOf = (orgId: number, propertyId: number, period: string) =>
    period.length === 10
      ? keys.daily({ orgId, propertyId, date: period })
      : period.length === 7
        ? keys.monthly({ orgId, propertyId, month: period })
        : keys.yearly({ orgId, propertyId, year: period })

  return {
    instance,
    cache,
    alerts,

    /** GET /reports/{propertyId}/{period}. The user's view of the cache reaches no other organisation's keys. */
    report({ orgId }: User, propertyId: number, period: string, readAfter: string | null = null) {
      return cache
        .scope({ orgId })
        .session(readAfter)
        .getEntry(keyOf(orgId, propertyId, period), () => computeReport(db, orgId, propertyId, period))
    },

    /** POST /revenues: the row and its event commit together, and what they touch is void with them. */
    addRevenue({ orgId, id }: User, propertyId: number, day: string, amount: number, forgetsEvent = false) {
      return db.transaction(async (tx) => {
        const { rows } = await tx.query<{ id: number }>(
          'INSERT INTO revenues (org_id, property_id, day, amount) VALUES ($1, $2, $3, $4) RETURNING *',
          [orgId, propertyId, day, amount],
        )
        if (forgetsEvent) return
        await record(tx, {
          schema_version: 1,
          type: 'revenue.added',
          entity_id: rows[0]?.id ?? null,
          org_id: orgId,
          property_id: propertyId,
          dates: [day],
          user_id: id,
        })
      })
    },

    /** The broker's subscriber. Resolves when the event may be acknowledged. */
    async handle(event: FinanceEvent): Promise<void> {
      const { receipt } = await consumer.consume(event)
      if (receipt !== undefined) await publish(client, event.org_id, event.id, receipt.token)
    },
    /** After a deploy that knows one version more. */
    async learn(version: number): Promise<void> {
      known.add(version)
      const parked = consumer.parked.map(({ event }) => event)
      const outcomes = await consumer.replay()
      for (const [at, { receipt }] of outcomes.entries()) {
        const event = parked[at]
        if (event && receipt) await publish(client, event.org_id, event.id, receipt.token)
      }
    },
    parked: () => consumer.parked.length,

    /** GET /events: of one's own organisation. */
    history: (user: User, where: Parameters<typeof history>[2]) => history(client, user.orgId, where),

    /** GET and DELETE /admin/cache. */
    async administer(user: User, action: 'stats' | 'clear'): Promise<Response> {
      if (!user.admin) return new Response(null, { status: 403 })
      if (action === 'clear') return Response.json(await cache.scope({ orgId: user.orgId }).clear())
      return Response.json({
        events: await metrics(client, user.orgId),
        cache: cache.stats(),
        health: cache.health(),
      })
    },
  }
}
export type Replica = Awaited<ReturnType<typeof openReplica>>
