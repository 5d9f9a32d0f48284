import KeyvRedis from '@keyv/redis'
import { createCache } from 'cache-manager'
import { CacheableMemory } from 'cacheable'
import { Keyv } from 'keyv'
import { type ContenderKind, LIFETIME_MS } from '../support/contender.ts'

export const peer: ContenderKind = {
  name: 'cache-manager',
  packages: ['cache-manager', '@keyv/redis'],
  why: 'The two stores of its quick start: CacheableMemory in Keyv, then Redis in Keyv; `wrap`.',
  tiers: true,
  bus: false,
  groups: false,
  events: true,
  batches: true,
  modules: {
    core: "export { createCache } from 'cache-manager'; export { Keyv } from 'keyv'; export { CacheableMemory } from 'cacheable'",
    redis: "export { default as KeyvRedis } from '@keyv/redis'",
  },
  async open({ port, memory, maxEntries, events = false }) {
    const stores = [
      ...(memory
        ? [new Keyv({ store: new CacheableMemory({ ttl: LIFETIME_MS, lruSize: maxEntries }) })]
        : []),
      ...(port === undefined ? [] : [new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`) })]),
    ]
    for (const store of stores) store.on('error', () => {})
    const cache = createCache({ stores, ttl: LIFETIME_MS })
    if (events) cache.on('get', () => {})
    return {
      get: (key, _, load) => cache.wrap(key, load),
      async getMany(keys, _, load) {
        const found = await cache.mget([...keys])
        const missing = keys.filter((_key, at) => found[at] === undefined)
        if (missing.length === 0) return found
        const values = await load(missing)
        await cache.mset(missing.map((key, at) => ({ key, value: values[at] })))
        const loaded = new Map(missing.map((key, at) => [key, values[at]]))
        return keys.map((key, at) => found[at] ?? loaded.get(key))
      },
      invalidate: (key) => cache.del(key),
      close: () => cache.disconnect(),
    }
  },
}
