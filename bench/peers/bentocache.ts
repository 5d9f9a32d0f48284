import { EventEmitter } from 'node:events'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { type ContenderKind, LIFETIME_MS } from '../support/contender.ts'

export const peer: ContenderKind = {
  name: 'bentocache',
  packages: ['bentocache'],
  why: 'Its multi-tier setup: memory, Redis and the Redis bus. Memory without Redis is told not to serialise, which is faster; over the bus 1.6.1 throws then, on the first message that another process has written. Tags only where groups are used. No grace period, which would serve old values by design.',
  tiers: true,
  bus: true,
  groups: true,
  events: true,
  batches: false,
  modules: {
    core: "export { BentoCache, bentostore } from 'bentocache'; export { memoryDriver } from 'bentocache/drivers/memory'",
    redis: "export { redisDriver, redisBusDriver } from 'bentocache/drivers/redis'",
  },
  async open({ port, memory, groups, maxEntries, events = false }) {
    let store = bentostore()
    if (memory)
      store = store.useL1Layer(memoryDriver({ maxItems: maxEntries, serialize: port !== undefined }))
    if (port !== undefined) {
      store = store.useL2Layer(redisDriver({ connection: connect(port) }))
      if (memory) store = store.useBus(redisBusDriver({ connection: connect(port) }))
    }
    const emitter = new EventEmitter()
    if (events) {
      emitter.on('cache:hit', () => {})
      emitter.on('cache:miss', () => {})
    }
    const bento = new BentoCache({ default: 'cache', stores: { cache: store }, ttl: LIFETIME_MS, emitter })
    return {
      get: (key, group, load) =>
        groups
          ? bento.getOrSet({ key, factory: load, tags: [group] })
          : bento.getOrSet({ key, factory: load }),
      invalidate: (key) => bento.delete({ key }),
      invalidateGroup: (group) => bento.deleteByTag({ tags: [group] }),
      close: () => bento.disconnectAll(),
    }
  },
}

function connect(port: number): Redis {
  const client = new Redis(port)
  client.on('error', () => {})
  // The bus makes copies, which would report every attempt to connect while Redis is away.
  const { duplicate } = client
  client.duplicate = (...args) => duplicate.apply(client, args).on('error', () => {})
  return client
}
