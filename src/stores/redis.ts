import { CacheError, show } from '../core/errors.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import type { StoreDriver, StoreSession } from '../core/store.ts'
import type { RedisClient, RedisClusterClient } from './redis/client.ts'
import { ClusterServers } from './redis/cluster.ts'
import { Layout } from './redis/layout.ts'
import { scriptsFor } from './redis/scripts.ts'
import type { Servers } from './redis/servers.ts'
import { StandaloneServers } from './redis/standalone.ts'
import { RedisStore } from './redis/store.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * A client of `ioredis` (5.6 or later, or 6): standalone, through Sentinel, or of a Redis Cluster. It is never used
   * itself: the store makes connections of its own from it with `duplicate()`, some for commands and some for
   * invalidations, and closes them with the cache. Closing the client remains its owner's.
   */
  readonly client: RedisClient | RedisClusterClient
  /**
   * Into how many partitions (hash tags) the keys are split, 128 at most: a receipt's token names the position of each. The
   * same in every process of the namespace.
   *
   * @default 1, on a Redis Cluster 16
   */
  readonly partitions?: number | undefined
}

const CLUSTER_PARTITIONS = 16
/** A token that two epochs of each are in is read still; see `core/token.ts`. */
const MOST_PARTITIONS = 128

/**
 * The shared tier on Redis 6.2 or later (or Valkey), on a Redis Cluster 7 or later: one cache for a fleet of processes.
 *
 * @throws CacheError `INVALID_OPTION` for anything that is no client, and for a client that reads from replicas.
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
  if (typeof (options as unknown) === 'string') {
    throw new CacheError(
      'INVALID_OPTION',
      'redisStore: a text is not an options object. Pass { client: new Redis(url) }, of ioredis.',
    )
  }
  checkOptions(options, ['client', 'partitions'], 'redisStore')
  const client: Partial<RedisClient | RedisClusterClient> | undefined = options?.client
  if (typeof client?.duplicate !== 'function' || typeof client.options !== 'object') {
    throw new CacheError(
      'INVALID_OPTION',
      `redisStore: client: ${show(client)} is no ioredis client. Pass new Redis(…) or new Cluster(…).`,
    )
  }
  refuseReplicas(client.options)
  const isCluster = client.isCluster === true
  const partitions =
    options.partitions === undefined
      ? isCluster
        ? CLUSTER_PARTITIONS
        : 1
      : checkCount(options.partitions, 1, 'redisStore: partitions', MOST_PARTITIONS)
  return {
    kind: 'redis',
    holdsValues: true,
    connect(session) {
      const layouts = layoutsOf(client.options as RedisClient['options'], partitions, session)
      const servers: Servers = isCluster
        ? new ClusterServers(client as RedisClusterClient, layouts, scriptsFor('SPUBLISH'), session)
        : new StandaloneServers(client as RedisClient, scriptsFor('PUBLISH'), session)
      return new RedisStore(servers, layouts, session)
    },
  }
}

/** What a replica says may be older than what was invalidated, and it takes no heartbeat. */
function refuseReplicas(options: RedisClient['options'] & RedisClusterClient['options']): void {
  const { scaleReads = 'master', role, readOnly } = options
  const what =
    scaleReads !== 'master'
      ? `scaleReads: ${typeof scaleReads === 'function' ? 'a function' : show(scaleReads)}. Set scaleReads: 'master'`
      : role === 'slave'
        ? "role: 'slave'. Leave role out, or set 'master'"
        : readOnly === true
          ? 'readOnly: true. Leave it out'
          : undefined
  if (what === undefined) return
  throw new CacheError(
    'INVALID_OPTION',
    `redisStore: client: it reads from replicas, which lag behind what was invalidated: ${what}; use another client for what may be old.`,
  )
}

function layoutsOf(
  { keyPrefix = '', db }: RedisClient['options'],
  partitions: number,
  { namespace, name }: StoreSession,
): readonly Layout[] {
  return Array.from({ length: partitions }, (_, at) => new Layout(keyPrefix, namespace, name, at, db))
}

export type { RedisClient, RedisClusterClient } from './redis/client.ts'
