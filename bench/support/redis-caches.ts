import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, type CacheOptions, createCache } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import type { Redis } from 'ioredis'

/**
 * A cache over this Redis, connected. It is patient, so that on a busy machine neither the lease lapses nor the store
 * counts as away in the middle of a measurement.
 */
export async function openOnRedis(client: Redis, options: CacheOptions): Promise<Cache> {
  const cache = createCache({
    maxStaleness: '2s',
    storeTimeout: '10s',
    ...options,
    store: redisStore({ client }),
  })
  await cache.ready({ timeout: '10s' })
  return cache
}

/** Waits until the cache may answer from memory. */
export async function whenLeaseHeld(cache: Cache): Promise<void> {
  for (let turns = 0; cache.health().memoryLease !== 'held'; turns++) {
    if (turns > 1_000) throw new Error('The memory lease was not granted within seconds.')
    await sleep(5)
  }
}
