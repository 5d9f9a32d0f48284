import { Redis } from 'ioredis6'
import { composeStorage, createBlobStorage, createMemoryStorage, defineCachedFunction } from 'ocache'
import { type ContenderKind, LIFETIME_MS } from '../support/contender.ts'

export const peer: ContenderKind = {
  name: 'ocache',
  packages: ['ocache'],
  why: 'A cached function over its composed storage: memory, then a blob storage on Redis, as its documents compose them. It has no bus. No stale-while-revalidate.',
  tiers: true,
  bus: false,
  groups: false,
  events: false,
  batches: false,
  modules: {
    core: "export { composeStorage, createBlobStorage, createMemoryStorage, defineCachedFunction } from 'ocache'",
    redis: '',
  },
  async open({ port, memory, maxEntries }) {
    const redis = port === undefined ? undefined : new Redis(port)
    redis?.on('error', () => {})
    const layers = [
      ...(memory ? [createMemoryStorage({ maxSize: maxEntries })] : []),
      ...(redis === undefined
        ? []
        : [
            createBlobStorage({
              get: (key) => redis.getBuffer(key) as Promise<Uint8Array | null>,
              async set(key, value, options) {
                if (value === null) await redis.unlink(key)
                else if (options?.ttl === undefined) await redis.set(key, Buffer.from(value))
                else await redis.set(key, Buffer.from(value), 'EX', Math.ceil(options.ttl))
              },
            }),
          ]),
    ]
    const read = defineCachedFunction((_key: string, load: () => Promise<unknown>) => load(), {
      name: 'item',
      getKey: (key) => key,
      maxAge: LIFETIME_MS / 1_000,
      storage: layers.length === 1 && layers[0] !== undefined ? layers[0] : composeStorage(layers),
      onError: () => {},
    })
    return {
      get: (key, _, load) => read(key, load),
      invalidate: (key) => read.invalidate(key, async () => undefined),
      async close() {
        redis?.disconnect()
      },
    }
  },
}
