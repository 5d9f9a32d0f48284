import { type RedisServer, startRedis } from '../support/redis.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type SentinelTopology, startSentinel } from '../support/redis-sentinel.ts'
import type { RedisAddress } from './messages.ts'

/** The store of a storm. */
export type StormServer = Standalone | WithSentinel | WithCluster

interface AnyServer {
  readonly address: RedisAddress
  /** Where the primary listens now; on a cluster one of them, each in turn. */
  port(): Promise<number>
  stop(): Promise<void>
}

export interface Standalone extends AnyServer {
  readonly kind: 'standalone'
  readonly redis: RedisServer
}

export interface WithSentinel extends AnyServer {
  readonly kind: 'sentinel'
  readonly topology: SentinelTopology
  /** Whether a failover that is under way is somebody's doing. */
  meant: boolean
}

export interface WithCluster extends AnyServer {
  readonly kind: 'cluster'
  readonly cluster: RedisCluster
}

/** Long enough that a busy machine is not mistaken for a dead server. */
const DOWN_AFTER_MS = 1_000

/** One Redis that can be killed and come back with its data. */
export async function startStandalone(): Promise<Standalone> {
  const redis = await startRedis({ keepData: true })
  return {
    kind: 'standalone',
    redis,
    address: { port: redis.port },
    port: async () => redis.port,
    stop: () => redis.stop(),
  }
}

/** A primary, two replicas, three Sentinels. */
export async function startWithSentinel(): Promise<WithSentinel> {
  const topology = await startSentinel({ downAfterMs: DOWN_AFTER_MS })
  const { sentinels, name } = topology
  let last = topology.nodes[0]?.redis.port ?? 0
  return {
    kind: 'sentinel',
    topology,
    meant: false,
    address: { sentinels, name },
    async port() {
      last = (await topology.primary())?.redis.port ?? last
      return last
    },
    stop: () => topology.stop(),
  }
}

/** Three primaries with a replica each. */
export async function startWithCluster(): Promise<WithCluster> {
  const cluster = await startRedisCluster()
  let asked = 0
  return {
    kind: 'cluster',
    cluster,
    address: { cluster: cluster.ports },
    async port() {
      const primaries = await cluster.primaries()
      return primaries[asked++ % primaries.length]?.port ?? 0
    },
    stop: () => cluster.stop(),
  }
}
