/** One trading desk: a process with a cache and a pool of its own, over the Redis and the database that all share. */
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { serve } from '../shared/service-process.ts'
import { keys, openCache } from './cache.ts'
import type { Booked, Seen } from './judge.ts'
import { openPositions, type Place } from './positions.ts'
import { rankTables } from './rank-tables.ts'

const [name = '', databaseUrl = '', redisUrl] = process.argv.slice(2)
const redis = redisUrl === undefined ? undefined : new Redis(redisUrl)
redis?.on('error', () => {}) // the cache tells of it, as 'degraded'
const pool = new Pool({ connectionString: databaseUrl })
const log: string[] = []
const cache = openCache(name, redis)
const positions = openPositions(pool, cache)
const ranking = rankTables(cache)

cache.on('invalidated', ({ tables, receipt: { status, stamps } }) => {
  log.push(`${status}: ${tables.join(', ') || 'by hand'} (${stamps.length} stamps)`)
})
cache.on('degraded', () => log.push('warning: going on without Redis'))
cache.on('recovered', ({ replayed }) => log.push(`Redis is back: ${replayed} change told to it`))

const desk = {
  async available(place: Place) {
    const { value, tier } = await positions.available(place)
    return { value, tier }
  },
  async capacity(entityId: number) {
    const { value, tier } = await positions.capacity(entityId)
    return { value, tier }
  },
  async book(place: Place, amount: number) {
    const began = performance.now()
    const { hedged, status } = await positions.book(place, amount)
    return { hedged, status, tookMs: performance.now() - began }
  },
  bookAndThinkAgain: (place: Place, amount: number) => positions.bookAndThinkAgain(place, amount),
  voidCurrency: async (currency: string) => (await cache.invalidate({ scope: { currency } })).status,
  voidEntity: async (entityId: number) => (await cache.invalidate({ scope: { entityId } })).status,

  /** Books hedges one after the other, and looks at every place all the while. */
  async trade(places: readonly Place[], hedges: readonly { readonly at: number; readonly amount: number }[]) {
    const [seen, booked, refused] = [[] as Seen[], [] as Booked[], [] as number[]]
    let trading = true
    const watch = async (place: Place) => {
      while (trading) {
        const beganAt = process.hrtime.bigint()
        const { value, tier } = await positions.available(place)
        seen.push({ place: keys.available(place), beganAt, hedged: value.hedged, tier })
        await new Promise(setImmediate)
      }
    }
    const watching = places.map(watch)
    for (const { at, amount } of hedges) {
      const place = places[at] as Place
      const { hedged, status } = await positions.book(place, amount)
      if (hedged === undefined) refused.push(amount)
      else booked.push({ place: keys.available(place), committedAt: process.hrtime.bigint(), hedged, status })
    }
    trading = false
    await Promise.all(watching)
    return { seen, booked, refused: refused.length }
  },

  /** Resolves once memory answers: for one lock's lifetime after a map is new, everything is loaded and nothing kept. */
  async warm(places: readonly Place[]) {
    for (const place of places) {
      while ((await positions.available(place)).tier !== 'memory')
        await new Promise((resolve) => setTimeout(resolve, 50))
    }
  },
  /** Resolves once Redis has been told what it missed. */
  async recovered() {
    while (cache.health().status !== 'ok') await new Promise((resolve) => cache.on('recovered', resolve))
  },
  log: () => log.splice(0),
  ranking: () => ranking.result(),
}
export type Desk = typeof desk

await cache.ready({ timeout: '10s' })
serve(desk, async () => {
  await cache.close()
  redis?.disconnect()
  await pool.end()
})
