import { type RedisServer, startRedis } from '../support/redis.ts'
import type { RedisAddress } from './messages.ts'

/** The store of a storm. */
export type StormServer = Standalone

export interface Standalone {
  readonly kind: 'standalone'
  readonly redis: RedisServer
  readonly address: RedisAddress
  /** Where the primary listens now. */
  port(): Promise<number>
  stop(): Promise<void>
}

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
