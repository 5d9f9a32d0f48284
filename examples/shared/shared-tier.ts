import type { StoreDriver } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { memoryStore } from 'coherent-cache/testing'
import { Redis } from 'ioredis'
import { startRedis } from '../../test/support/redis.ts'
import { redisServerAtHand } from '../../test/support/redis-binary.ts'

/** What the replicas of an example share. */
export interface SharedTier {
  /** Says what it is. */
  readonly label: string
  readonly store: StoreDriver
  /** Of the Redis, where it is one. */
  readonly client: Redis | undefined
  close(): Promise<void>
}

/**
 * A fresh shared tier: a real Redis of its own where a server is at hand, else one in the memory of this process, in
 * which all the replicas of an example live. `COHERENT_CACHE_DEMO_TIER=memory` asks for the latter.
 */
export async function sharedTier(): Promise<SharedTier> {
  const wanted = process.env.COHERENT_CACHE_DEMO_TIER !== 'memory'
  if (!wanted || (await redisServerAtHand()) === undefined)
    return { label: 'memory of this process', store: memoryStore(), client: undefined, async close() {} }
  const server = await startRedis()
  const client = new Redis(server.port)
  return {
    label: 'a Redis of its own',
    store: redisStore({ client }),
    client,
    async close() {
      client.disconnect()
      await server.stop()
    },
  }
}
