import type { StoreDriver } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { memoryStore } from 'coherent-cache/testing'
import { Redis } from 'ioredis'
import { startRedis } from '../../test/support/redis.ts'
import { redisServerAtHand } from '../../test/support/redis-binary.ts'

/** The commands a hand-written cache uses of a shared store. */
export interface PlainStore {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(key: string): Promise<void>
}

/** What the replicas share. */
export interface SharedTier {
  /** Says what it is. */
  readonly label: string
  /** For coherent-cache. */
  readonly store: StoreDriver
  /** For the plain cache. */
  readonly plain: PlainStore
  close(): Promise<void>
}

/**
 * A fresh shared tier: a real Redis of its own where a server is at hand, else one in the memory of this process, in
 * which all the replicas of this demo live. `COHERENT_CACHE_DEMO_TIER=memory` asks for the latter.
 */
export async function sharedTier(): Promise<SharedTier> {
  const wanted = process.env.COHERENT_CACHE_DEMO_TIER !== 'memory'
  if (wanted && (await redisServerAtHand()) !== undefined) return redisTier()
  return { label: 'memory of this process', store: memoryStore(), plain: plainMemory(), async close() {} }
}

async function redisTier(): Promise<SharedTier> {
  const server = await startRedis()
  const client = new Redis(server.port)
  return {
    label: 'a Redis of its own',
    store: redisStore({ client }),
    plain: plainRedis(client),
    async close() {
      client.disconnect()
      await server.stop()
    },
  }
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
