import { EventEmitter } from 'node:events'
import KeyvRedis, { Keyv } from '@keyv/redis'
import { RedisMessageProvider } from '@qified/redis'
import { Cacheable, CacheableEvents, createKeyv } from 'cacheable'
import { type ContenderKind, LIFETIME_MS } from '../support/contender.ts'

export const peer: ContenderKind = {
  name: 'cacheable',
  packages: ['cacheable', '@keyv/redis', '@qified/redis'],
  why: 'Its two layers with CacheSync over Redis, CacheableMemory as the first. Blocking reads of the second layer: with `nonBlocking` a read does not wait for Redis, so that each process loads everything itself. Tags only where groups are used, with get and set by hand: `getOrSet` takes none.',
  tiers: true,
  bus: true,
  groups: true,
  events: true,
  batches: true,
  modules: {
    core: "export { Cacheable } from 'cacheable'",
    redis:
      "export { default as KeyvRedis } from '@keyv/redis'; export { RedisMessageProvider } from '@qified/redis'",
  },
  async open({ port, memory, groups, maxEntries, events = false }) {
    const url = `redis://127.0.0.1:${port}`
    const provider = port !== undefined && memory ? new RedisMessageProvider({ uri: url }) : undefined
    const quiet = (error: unknown) => error
    // Its clients are its own; without a listener, the process ends when Redis goes away.
    for (const client of Object.values(provider ?? {}))
      if (client instanceof EventEmitter) client.on('error', quiet)
    const secondary = port === undefined ? undefined : new Keyv(new KeyvRedis(url), { useKeyPrefix: false })
    secondary?.on('error', quiet)
    const cache = new Cacheable({
      // Without memory, one entry that no key is asked for.
      primary: createKeyv({ lruSize: memory ? maxEntries : 1 }),
      ...(secondary === undefined ? {} : { secondary }),
      ...(provider === undefined ? {} : { sync: { qified: provider } }),
      ttl: LIFETIME_MS,
      tags: groups,
    })
    cache.on('error', quiet)
    if (events) {
      cache.on(CacheableEvents.CACHE_HIT, () => {})
      cache.on(CacheableEvents.CACHE_MISS, () => {})
    }
    return {
      async get(key, group, load) {
        if (!groups) return cache.getOrSet(key, load)
        const kept = await cache.get(key)
        if (kept !== undefined) return kept
        const value = await load()
        await cache.set(key, value, { tags: [group] })
        return value
      },
      async getMany(keys, group, load) {
        const found = await cache.getMany([...keys])
        const missing = keys.filter((_key, at) => found[at] === undefined)
        if (missing.length === 0) return found
        const values = await load(missing)
        const tags = groups ? { tags: [group] } : {}
        await cache.setMany(missing.map((key, at) => ({ key, value: values[at], ...tags })))
        const loaded = new Map(missing.map((key, at) => [key, values[at]]))
        return keys.map((key, at) => found[at] ?? loaded.get(key))
      },
      invalidate: (key) => cache.delete(key),
      invalidateGroup: (group) => cache.tags.invalidateTag(group),
      async close() {
        await cache.disconnect()
        await provider?.disconnect()
      },
    }
  },
}
