import { type Cache, type CacheEntry, cachified, totalTtl } from '@epic-web/cachified'
import { Redis } from 'ioredis6'
import { LRUCache } from 'lru-cache'
import { type ContenderKind, LIFETIME_MS } from '../support/contender.ts'

export const peer: ContenderKind = {
  name: 'cachified',
  packages: ['@epic-web/cachified'],
  why: 'The lru-cache adapter of its README in front of a Redis one of the same form, which it leaves to its users. It has no bus.',
  tiers: true,
  bus: false,
  groups: false,
  events: true,
  batches: false,
  modules: { core: "export { cachified, totalTtl } from '@epic-web/cachified'", redis: '' },
  async open({ port, memory, maxEntries, events = false }) {
    const lru = memory ? new LRUCache<string, CacheEntry>({ max: maxEntries }) : undefined
    const redis = port === undefined ? undefined : new Redis(port)
    redis?.on('error', () => {})
    const keep = (key: string, value: CacheEntry) => {
      const ttl = totalTtl(value.metadata)
      const start = value.metadata.createdTime
      lru?.set(key, value, ttl === Number.POSITIVE_INFINITY ? { start } : { ttl, start })
      return ttl
    }
    const cache: Cache = {
      name: 'two tiers',
      get(key) {
        const kept = lru?.get(key)
        if (kept !== undefined || redis === undefined) return kept
        return redis.get(key).then((text) => {
          if (typeof text !== 'string') return undefined
          const entry = JSON.parse(text) as CacheEntry
          keep(key, entry)
          return entry
        })
      },
      set(key, value) {
        const ttl = keep(key, value)
        return redis?.set(key, JSON.stringify(value), 'PX', Math.ceil(ttl))
      },
      delete(key) {
        lru?.delete(key)
        return redis?.unlink(key)
      },
    }
    const reporter = events ? () => () => {} : undefined
    return {
      get: (key, _, load) =>
        reporter === undefined
          ? cachified({ key, cache, ttl: LIFETIME_MS, getFreshValue: load })
          : cachified({ key, cache, ttl: LIFETIME_MS, getFreshValue: load }, reporter),
      invalidate: async (key) => cache.delete(key),
      async close() {
        redis?.disconnect()
      },
    }
  },
}
