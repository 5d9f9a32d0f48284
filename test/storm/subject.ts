import { type Cache, createCache, type Receipt } from 'coherent-cache'
import { createJournalRelay, type DefinedJournal, defineJournal } from 'coherent-cache/journal'
import { bindPg } from 'coherent-cache/pg'
import { redisStore } from 'coherent-cache/redis'
import { Redis } from 'ioredis'
import type { Pool, QueryResult } from 'pg'
import { connectToCluster } from '../support/redis-clients.ts'
import { keys, type MapName, maps } from './app.ts'
import { cacheAside } from './cache-aside.ts'
import type { Deeds } from './deed.ts'
import type { MemberConfig } from './messages.ts'

/** Of a namespace on a cluster. */
export const PARTITIONS = 16

const GRACE_MS = 300
const RELAY_INTERVAL_MS = 50
/** Within which what was committed has been told to the store by a relay, on a busy machine. */
export const RELAY_MS = GRACE_MS + RELAY_INTERVAL_MS + 2_000

/** The journal that all processes of a storm share. */
export function stormJournal(map: MapName): DefinedJournal {
  return defineJournal({ dependencies: maps[map], grace: GRACE_MS })
}

/** What is used of a transaction. */
export interface StormTransaction {
  query(text: string, values?: unknown[]): Promise<QueryResult>
  rollback(): Promise<void>
  transaction<T>(body: (nested: StormTransaction) => Promise<T>): Promise<T>
}

/** What is used of a database that is bound to the cache. */
export interface StormDatabase {
  transaction<T>(body: (tx: StormTransaction) => Promise<T>): Promise<T>
  query(text: string, values: unknown[]): Promise<unknown>
}

/** What a storm is about: a cache, and a database whose writes it is told of. */
export interface Opened {
  readonly cache: Pick<
    Cache,
    'get' | 'getEntry' | 'getMany' | 'peek' | 'invalidate' | 'stats' | 'ready' | 'close'
  >
  readonly db: StormDatabase
  close(): Promise<void>
}

/** @param told called when the cache has told the store what it had queued, and with every receipt of a transaction */
export function open(
  config: MemberConfig,
  pool: Pool,
  deeds: Deeds,
  told: { readonly recovered: () => void; readonly receipt: (receipt: Receipt) => void },
): Opened {
  const redis = connect(config)
  if (config.subject === 'cache-aside') return cacheAside(config, redis, pool, deeds, told.receipt)
  const { mode, maxStalenessMs, softLockMs, ttlMs } = config
  const cache = createCache({
    name: 'storm',
    keys,
    dependencies: maps[config.map],
    consistency: mode,
    maxStaleness: `${maxStalenessMs}ms`,
    ttl: `${ttlMs}ms`,
    store: redisStore({ client: redis, ...('cluster' in config.redis ? { partitions: PARTITIONS } : {}) }),
    ...(mode === 'bounded' ? {} : { softLockLifetime: `${softLockMs}ms` as const }),
  })
  cache.on('recovered', told.recovered)
  cache.on('invalidated', ({ receipt }) => told.receipt(receipt))
  const journal = config.journal ? stormJournal(config.map) : undefined
  if (journal !== undefined) createJournalRelay({ journal, cache, client: pool, interval: RELAY_INTERVAL_MS })
  return {
    cache: cache as unknown as Opened['cache'],
    db: bindPg(pool, cache, { journal }) as unknown as StormDatabase,
    async close() {
      await journal?.flush()
      await cache.close({ timeout: '2s' })
      redis.disconnect()
    },
  }
}

function connect({ redis: address }: MemberConfig): Redis {
  if ('cluster' in address) return connectToCluster(address.cluster) as unknown as Redis
  const redis =
    'port' in address
      ? new Redis({ port: address.port, host: '127.0.0.1', retryStrategy: () => 200 })
      : new Redis({
          sentinels: [...address.sentinels],
          name: address.name,
          retryStrategy: () => 200,
          sentinelRetryStrategy: () => 200,
        })
  redis.on('error', () => {})
  return redis
}
