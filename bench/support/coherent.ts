import { createCache, defineDependencies, defineKeys } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { Redis } from 'ioredis'
import { type ContenderKind, LIFETIME_MS } from './contender.ts'

const keys = defineKeys({ item: 'item:{groupId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{groupId}:*'] } })

/** This library, as its own documents set it up. */
export const coherent: ContenderKind = {
  name: 'coherent-cache',
  packages: [],
  why: "Its defaults: mode 'bounded', T of 1 s, values frozen. A group is a row of a table, which the map binds to its stamp. Where speed is measured, T of 2 s and a patient store, so that a busy machine is not taken for an outage.",
  tiers: true,
  bus: true,
  groups: true,
  events: true,
  batches: true,
  modules: {
    core: "export { createCache, defineDependencies, defineKeys } from 'coherent-cache'",
    redis: "export { redisStore } from 'coherent-cache/redis'",
  },
  async open({ port, memory, maxEntries, events = false, patient = false }) {
    const client = port === undefined ? undefined : new Redis(port)
    client?.on('error', () => {})
    const cache = createCache({
      name: 'contender',
      instance: `${process.pid}.${performance.now()}`,
      keys,
      dependencies,
      ttl: LIFETIME_MS,
      ...(patient ? { storeTimeout: '10s', maxStaleness: '2s' } : {}),
      memory: memory && { maxEntries },
      ...(client === undefined ? {} : { store: redisStore({ client }) }),
    })
    // Outages are measured too, and nobody needs to be warned of them.
    cache.on('degraded', () => {})
    if (events) {
      cache.on('hit', () => {})
      cache.on('miss', () => {})
    }
    await cache.ready({ timeout: '10s' })
    return {
      get: (key, _, load) => cache.get(key, load),
      getMany: (asked, _, load) => cache.getMany([...asked], async (missing) => [...(await load(missing))]),
      invalidate: (key) => cache.invalidate({ keys: [key] }),
      invalidateGroup: (group) =>
        cache.invalidate({ table: 'items', operation: 'insert', rows: [{ group_id: group }] }),
      async close() {
        await cache.close({ timeout: 0 })
        client?.disconnect()
      },
    }
  },
}
