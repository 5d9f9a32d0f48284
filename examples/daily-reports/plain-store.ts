import type { Redis } from 'ioredis'

/** The commands a hand-written cache uses of a shared store. */
export interface PlainStore {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(key: string): Promise<void>
}

/** The same Redis for the plain cache; without one, memory of this process. */
export function plainStore(client: Redis | undefined): PlainStore {
  return client === undefined ? plainMemory() : plainRedis(client)
}

function plainRedis(client: Redis): PlainStore {
  return {
    get: async (key) => (await client.get(key)) ?? undefined,
    set: async (key, value, ttlMs) => {
      await client.set(key, value, 'PX', ttlMs)
    },
    delete: async (key) => {
      await client.del(key)
    },
  }
}

function plainMemory(): PlainStore {
  const values = new Map<string, { readonly value: string; readonly until: number }>()
  return {
    async get(key) {
      const held = values.get(key)
      return held !== undefined && performance.now() < held.until ? held.value : undefined
    },
    async set(key, value, ttlMs) {
      values.set(key, { value, until: performance.now() + ttlMs })
    },
    async delete(key) {
      values.delete(key)
    },
  }
}
