import type { Simulated, Situation } from './model.ts'

/** What things cost, in microseconds of processor time unless they say otherwise. */
export interface Costs {
  /** Of Redis, without anybody who hears an invalidation. */
  readonly redis: {
    readonly storeHit: number
    readonly miss: number
    readonly invalidation: number
    /** An invalidation, for each process that hears it. */
    readonly delivery: number
    readonly heartbeat: number
  }
  /** Of a process of the fleet. */
  readonly process: {
    readonly memoryHit: number
    readonly storeHit: number
    readonly miss: number
    readonly delivery: number
    readonly heartbeat: number
  }
}

/** What a situation asks of one Redis and of each process. */
export interface Load {
  /** Processor time of Redis by cause, as shares of one core. */
  readonly redis: Readonly<Record<'reads' | 'misses' | 'invalidations' | 'deliveries' | 'heartbeats', number>>
  /** The sum of them. */
  readonly redisCores: number
  /** Of each process, as a share of one core. */
  readonly processCore: number
  /** Messages that Redis sends, per second. */
  readonly messages: number
  readonly heartbeats: number
}

/** @param maxStalenessMs T: a process that is used beats twice in it */
export function loadOf(
  { reads, writes, processes }: Situation,
  { inMemory, inRedis, loads }: Simulated,
  costs: Costs,
  maxStalenessMs: number,
): Load {
  const messages = writes * processes
  const heartbeats = (2 * processes * 1_000) / maxStalenessMs
  const redis = {
    reads: (reads * inRedis * costs.redis.storeHit) / 1e6,
    misses: (loads * costs.redis.miss) / 1e6,
    invalidations: (writes * costs.redis.invalidation) / 1e6,
    deliveries: (messages * costs.redis.delivery) / 1e6,
    heartbeats: (heartbeats * costs.redis.heartbeat) / 1e6,
  }
  const each = costs.process
  const busy =
    reads * inMemory * each.memoryHit +
    reads * inRedis * each.storeHit +
    loads * each.miss +
    messages * each.delivery +
    heartbeats * each.heartbeat
  return {
    redis,
    redisCores: Object.values(redis).reduce((sum, one) => sum + one, 0),
    processCore: busy / processes / 1e6,
    messages,
    heartbeats,
  }
}
