import { CacheError, show } from '../core/errors.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import type { StoreDriver } from '../core/store.ts'
import type { RedisClient } from './redis/client.ts'
import { RedisStore } from './redis/store.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * A client of `ioredis` (5.6 or later, or 6), standalone or through Sentinel. It is never used itself: the store
   * makes two connections of its own from it with `duplicate()`, one for commands and one for invalidations, and
   * closes them with the cache. Closing the client remains its owner's.
   */
  readonly client: RedisClient
  /** Into how many partitions (hash tags) the keys are split; the same in every process of the namespace. @default 1 */
  readonly partitions?: number | undefined
}

/**
 * The shared tier on Redis 6.2 or later (or Valkey): one cache for a fleet of processes.
 *
 * @throws CacheError `INVALID_OPTION` for anything that is no client;
 *   `UNSUPPORTED` for a Redis Cluster client.
 *
 * @example
 * ```ts
 * // prelude: redis
 * import { createCache } from 'coherent-cache'
 * import { redisStore } from 'coherent-cache/redis'
 *
 * const cache = createCache({ name: 'finance', store: redisStore({ client: redis }) })
 * await cache.ready({ timeout: '2s' })
 * ```
 */
export function redisStore(options: RedisStoreOptions): StoreDriver {
  checkOptions(options, ['client', 'partitions'], 'redisStore')
  const client: Partial<RedisClient> | undefined = options?.client
  if (typeof client?.duplicate !== 'function' || typeof client.options !== 'object') {
    throw new CacheError(
      'INVALID_OPTION',
      `redisStore: client: ${show(client)} is no ioredis client. Pass new Redis(…).`,
    )
  }
  if (client.isCluster === true) {
    throw new CacheError(
      'UNSUPPORTED',
      'redisStore: a Redis Cluster client is not supported yet. Pass a standalone or Sentinel client.',
    )
  }
  const partitions =
    options.partitions === undefined ? 1 : checkCount(options.partitions, 1, 'redisStore: partitions')
  const given = client as RedisClient
  return {
    kind: 'redis',
    holdsValues: true,
    connect: (session) => new RedisStore(given, partitions, session),
  }
}

export type { RedisClient } from './redis/client.ts'
