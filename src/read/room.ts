import type { MemoryLease } from '../coherence/lease.ts'
import type { MemoryTier } from '../coherence/memory-tier.ts'
import type { Plans } from '../coherence/plans.ts'
import type { StampTable } from '../coherence/stamp-table.ts'
import type { Subscription } from '../coherence/subscription.ts'
import type { UnitContext } from '../coherence/unit-context.ts'
import type { Isolation } from '../core/cache-options.ts'
import type { Clock } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import type { Counters } from '../core/counters.ts'
import type { Emitter } from '../core/events.ts'
import type { Randomness } from '../core/random.ts'
import type { Store } from '../core/store.ts'
import type { Lifetimes } from '../lifetimes/lifetimes.ts'
import type { Breaker } from '../loading/breaker.ts'
import type { Flights } from '../loading/flight.ts'
import type { LoadLimits } from '../loading/load-limits.ts'
import type { LoadTimes } from '../loading/load-times.ts'

/** All that reading works with. */
export interface ReadRoom {
  /** The cache's name. */
  readonly name: string
  readonly clock: Clock
  readonly randomness: Randomness
  readonly events: Emitter
  readonly counters: Counters
  readonly plans: Plans
  readonly lifetimes: Lifetimes
  readonly stamps: StampTable
  readonly memory: MemoryTier | undefined
  readonly lease: MemoryLease
  readonly subscription: Subscription
  readonly units: UnitContext
  readonly flights: Flights
  readonly limits: LoadLimits
  readonly breaker: Breaker
  readonly loadTimes: LoadTimes
  readonly store: Store
  /** Whether values live in the store too. Without, this process's memory is as current as the store. */
  readonly shared: boolean
  /** Of the families that name none. */
  readonly codec: Codec
  readonly isolation: Isolation
  /** Whether memory has a limit of bytes. Sizes are estimated only where a limit needs them. */
  readonly measured: boolean
  /** The most bytes of one entry in memory. */
  readonly largestInMemory: number
  /** The most bytes of one entry anywhere, of the families that set no limit of their own. */
  readonly maxEntryBytes: number
  /** Whether a replaced value must be heard of everywhere before its fill resolves. */
  readonly strict: boolean
  /** T, in milliseconds. */
  readonly maxStalenessMs: number
  /** For how long a replica of the database may lag, in milliseconds; 0 where loads know of none. */
  readonly replicaLagMs: number
  /** How long a read waits for another process's load, in milliseconds. */
  readonly loadWaitMs: number
  /**
   * Makes keys void, as an invalidation that names them does: a reader has seen something newer, which is kept nowhere. Resolves
   * once this process cannot answer them as they were; where the store is away it is owed to it.
   */
  readonly discard: (keys: readonly string[]) => Promise<unknown>
  /** Whether the cache was closed: reads go to their loaders. */
  readonly closed: () => boolean
}

/** How long a fill claim stands when its holder no longer renews it, in milliseconds. */
export const CLAIM_TTL_MS = 3_000
/** How long a mark stands, in milliseconds. */
export const MARK_TTL_MS = 30_000
/** What the nonce of a mark begins with: readers do not wait for a fill by hand. */
export const MARK_PREFIX = '!'
