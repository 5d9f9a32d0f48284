/**
 * Daily reports on three replicas of one service: a page is refreshed right after a booking, and must show it. First
 * over the cache that most services have, then over coherent-cache.
 *
 * `npm run demo`. `npm run demo -- --json` prints one object instead; `--seed 7` makes other traffic.
 */
import type { PGlite } from '@electric-sql/pglite'
import {
  byAge,
  createCache,
  defineDependencies,
  defineKeys,
  localDate,
  type StoreDriver,
  type,
} from 'coherent-cache'
import { bindPglite } from 'coherent-cache/pglite'
import { runContest } from './contest.ts'
import type { Booking, DailyReport } from './database.ts'
import type { Replica } from './service.ts'

const timeZone = 'Asia/Kolkata'

/** How long a report lives: the older its day, the longer. The plain cache uses the same lifetimes. */
const lifetime = byAge('date', {
  timeZone,
  tiers: { 0: '5s', 1: '10s', 3: '30s', 7: '2m', 30: '5m' },
  beyond: '15m',
})

/** What is cached. */
const keys = defineKeys({
  dailyReport: {
    key: 'report:daily:{orgId}:{propertyId}:{date}',
    value: type<DailyReport>(),
    ttl: lifetime,
  },
})

/** What hangs on a row. It never moves: a booking of the wrong day is deleted and made anew. */
const changes = {
  invalidates: ['report:daily:{orgId}:{propertyId}:{date}'],
  bind: (row: Booking) => ({
    orgId: row.org_id,
    propertyId: row.property_id,
    date: localDate(row.occurred_at, timeZone),
  }),
  stable: ['orgId', 'propertyId', 'date'],
} as const

const dependencies = defineDependencies<{ revenues: Booking; expenses: Booking }>()({
  tables: { revenues: changes, expenses: changes },
})

/** One replica: a cache over the shared tier, and the database bound to it. Nobody tells it what a write concerns. */
async function openReplica(instance: string, client: PGlite, store: StoreDriver): Promise<Replica> {
  const cache = createCache({ name: 'daily-reports', instance, keys, dependencies, store })
  await cache.ready({ timeout: '5s' })
  const db = bindPglite(client, cache)
  let queued = 0
  cache.on('invalidated', ({ receipt }) => {
    if (receipt.status !== 'applied') queued++
  })
  return {
    read: (report, load, freshness) => cache.get(keys.dailyReport(report), load, { freshness }),
    write: (body) => db.transaction(body),
    counts() {
      const { hits, misses } = cache.stats()
      return { hits: hits.memory + hits.store, misses, queued }
    },
    async close() {
      await cache.close()
    },
  }
}

process.exitCode = await runContest({ timeZone, lifetime, openReplica })
