import { createCache } from 'async-cache-dedupe'
import { Redis } from 'ioredis6'
import { type ContenderKind, LIFETIME_MS } from '../support/contender.ts'

interface Asked {
  readonly key: string
  readonly group: string
  readonly load: () => Promise<unknown>
}

export const peer: ContenderKind = {
  name: 'async-cache-dedupe',
  packages: ['async-cache-dedupe'],
  why: 'One storage per cache is all it has: Redis where there is one, else memory. References, its groups, only where groups are used. The key is its own serialisation.',
  tiers: false,
  bus: false,
  groups: true,
  events: true,
  batches: false,
  modules: { core: "export { createCache } from 'async-cache-dedupe'", redis: '' },
  async open({ port, groups, maxEntries, events = false }) {
    const seconds = LIFETIME_MS / 1_000
    const client = port === undefined ? undefined : new Redis(port)
    client?.on('error', () => {})
    const storage =
      client === undefined
        ? { type: 'memory', options: { size: maxEntries, invalidation: groups } }
        : { type: 'redis', options: { client, invalidation: groups && { referencesTTL: seconds } } }
    const cache = createCache({
      ttl: seconds,
      storage: storage as never,
      ...(events ? { onHit: () => {}, onMiss: () => {} } : {}),
    }).define(
      'item',
      {
        serialize: ({ key }: Asked) => key,
        ...(groups ? { references: ({ group }: Asked) => [group] } : {}),
      },
      ({ load }: Asked) => load(),
    )
    return {
      get: (key, group, load) => cache.item({ key, group, load }),
      invalidate: (key, group) => cache.clear('item', { key, group, load: undefined }),
      invalidateGroup: (group) => cache.invalidateAll(group),
      async close() {
        client?.disconnect()
      },
    }
  },
}
