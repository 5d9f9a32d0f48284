import { setTimeout as sleep } from 'node:timers/promises'
import type { DailyReport, ReportId, ReportsDatabase } from './database.ts'
import type { PlainStore } from './plain-store.ts'
import type { Random } from './random.ts'
import type { Replica } from './service.ts'

/**
 * How much later than the commit a subscriber hears of it: at least and at most, in milliseconds. 0: the writer itself
 * deletes, and waits for it.
 */
export type EventDelay = readonly [least: number, most: number]

type Kept = { readonly value: DailyReport; readonly until: number }

/**
 * The cache that most services have, well made: memory over a shared store, one load per key and process, lifetimes by
 * age. After the commit an event tells every replica which reports have changed, and each deletes them from both.
 */
export function plainReplicas(
  replicas: number,
  database: ReportsDatabase,
  store: PlainStore,
  lifetimeMs: (report: ReportId) => number,
  [least, most]: EventDelay,
  random: Random,
): Replica[] {
  const caches = Array.from({ length: replicas }, () => new PlainCache(store))
  const handlers = new Set<Promise<void>>()
  const publish = (changed: readonly ReportId[]) => {
    for (const cache of caches) {
      const handled = sleep(random.between(least, most)).then(() => cache.forget(changed.map(keyOf)))
      handlers.add(handled)
      void handled.finally(() => handlers.delete(handled))
    }
  }
  return caches.map((cache) => ({
    read: (report, load) => cache.get(keyOf(report), lifetimeMs(report), load),
    async write(body, changed) {
      const result = await database.client.transaction(body)
      if (most > 0) publish(changed)
      else await Promise.all(caches.map((cache) => cache.forget(changed.map(keyOf))))
      return result
    },
    counts: () => ({ hits: cache.hits, misses: cache.misses, queued: 0 }),
    async close() {
      await Promise.all(handlers)
    },
  }))
}

function keyOf({ orgId, propertyId, date }: ReportId): string {
  return `report:daily:${orgId}:${propertyId}:${date}`
}

/** The cache of one process. */
class PlainCache {
  hits = 0
  misses = 0
  readonly #store: PlainStore
  readonly #memory = new Map<string, Kept>()
  readonly #fetching = new Map<string, Promise<{ readonly value: DailyReport; readonly hit: boolean }>>()

  constructor(store: PlainStore) {
    this.#store = store
  }

  async get(key: string, ttlMs: number, load: () => Promise<DailyReport>): Promise<DailyReport> {
    const kept = this.#memory.get(key)
    if (kept !== undefined && Date.now() < kept.until) {
      this.hits++
      return kept.value
    }
    let fetching = this.#fetching.get(key)
    if (fetching === undefined) {
      const started = this.#fetch(key, ttlMs, load).finally(() => {
        if (this.#fetching.get(key) === started) this.#fetching.delete(key)
      })
      fetching = started
      this.#fetching.set(key, started)
    }
    const { value, hit } = await fetching
    if (hit) this.hits++
    else this.misses++
    return value
  }

  /** Deletes what has changed, and lets no later read wait for a load that was already running. */
  async forget(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#store.delete(key)
      this.#memory.delete(key)
      this.#fetching.delete(key)
    }
  }

  async #fetch(key: string, ttlMs: number, load: () => Promise<DailyReport>) {
    const text = await this.#store.get(key)
    if (text !== undefined) {
      const kept: Kept = JSON.parse(text)
      this.#memory.set(key, kept)
      return { value: kept.value, hit: true }
    }
    const value = await load()
    const kept: Kept = { value, until: Date.now() + ttlMs }
    this.#memory.set(key, kept)
    await this.#store.set(key, JSON.stringify(kept), ttlMs)
    return { value, hit: false }
  }
}
