import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { type Contender, type ContenderKind, type ContenderOptions, LIFETIME_MS } from './contender.ts'

const CHANNEL = 'hand-written:drop'

/** The cache-aside that most services write for themselves, well made. */
export const handWritten: ContenderKind = {
  name: 'hand-written',
  packages: [],
  why: 'lru-cache over ioredis; one load per key and process; invalidation deletes from Redis and tells the others on a channel; a group is found by SCAN, since nothing else knows its keys.',
  tiers: true,
  bus: true,
  groups: true,
  events: false,
  batches: true,
  modules: undefined,
  async open(options) {
    const cache = new HandWritten(options)
    await cache.subscribe()
    return cache
  },
}

class HandWritten implements Contender {
  readonly #redis: Redis | undefined
  readonly #subscriber: Redis | undefined
  readonly #memory: LRUCache<string, object> | undefined
  readonly #loading = new Map<string, Promise<unknown>>()

  constructor({ port, memory, maxEntries }: ContenderOptions) {
    if (port !== undefined) {
      this.#redis = new Redis(port)
      this.#redis.on('error', () => {})
      if (memory) {
        this.#subscriber = new Redis(port)
        this.#subscriber.on('error', () => {})
        this.#subscriber.on('message', (_, told: string) => this.#drop(told))
      }
    }
    if (memory) this.#memory = new LRUCache({ max: maxEntries, ttl: LIFETIME_MS })
  }

  async subscribe(): Promise<void> {
    await this.#subscriber?.subscribe(CHANNEL)
  }

  async get(key: string, _group: string, load: () => Promise<unknown>): Promise<unknown> {
    const kept = this.#memory?.get(key)
    if (kept !== undefined) return kept
    const running = this.#loading.get(key)
    if (running !== undefined) return running
    const fetching = this.#fetch(key, load).finally(() => this.#loading.delete(key))
    this.#loading.set(key, fetching)
    return fetching
  }

  async #fetch(key: string, load: () => Promise<unknown>): Promise<unknown> {
    const stored = await this.#redis?.get(key)
    const value = typeof stored === 'string' ? JSON.parse(stored) : await load()
    if (typeof stored !== 'string') await this.#redis?.set(key, JSON.stringify(value), 'PX', LIFETIME_MS)
    this.#memory?.set(key, value as object)
    return value
  }

  async getMany(
    keys: readonly string[],
    _group: string,
    load: (missing: readonly string[]) => Promise<readonly unknown[]>,
  ): Promise<readonly unknown[]> {
    const found = new Map<string, unknown>()
    for (const key of keys) {
      const kept = this.#memory?.get(key)
      if (kept !== undefined) found.set(key, kept)
    }
    const asked = keys.filter((key) => !found.has(key))
    if (asked.length > 0 && this.#redis !== undefined) {
      const stored = await this.#redis.mget(asked)
      for (const [at, text] of stored.entries()) {
        if (typeof text !== 'string') continue
        const value = JSON.parse(text)
        found.set(asked[at] as string, value)
        this.#memory?.set(asked[at] as string, value)
      }
    }
    const missing = asked.filter((key) => !found.has(key))
    if (missing.length > 0) {
      const values = await load(missing)
      const pipeline = this.#redis?.pipeline()
      for (const [at, key] of missing.entries()) {
        found.set(key, values[at])
        this.#memory?.set(key, values[at] as object)
        pipeline?.set(key, JSON.stringify(values[at]), 'PX', LIFETIME_MS)
      }
      await pipeline?.exec()
    }
    return keys.map((key) => found.get(key))
  }

  async invalidate(key: string): Promise<void> {
    this.#memory?.delete(key)
    await this.#redis?.unlink(key)
    await this.#redis?.publish(CHANNEL, key)
  }

  async invalidateGroup(group: string): Promise<void> {
    const prefix = `item:${group}:`
    this.#drop(`${prefix}*`)
    if (this.#redis === undefined) return
    for await (const keys of this.#redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await this.#redis.unlink(...(keys as string[]))
    }
    await this.#redis.publish(CHANNEL, `${prefix}*`)
  }

  /** A key, or all that begin with what stands before `*`. */
  #drop(told: string): void {
    if (!told.endsWith('*')) this.#memory?.delete(told)
    else {
      for (const key of this.#memory?.keys() ?? [])
        if (key.startsWith(told.slice(0, -1))) this.#memory?.delete(key)
    }
  }

  async close(): Promise<void> {
    this.#redis?.disconnect()
    this.#subscriber?.disconnect()
  }
}
