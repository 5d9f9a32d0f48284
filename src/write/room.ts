import type { Causes } from '../coherence/causes.ts'
import type { MemoryTier } from '../coherence/memory-tier.ts'
import type { StampTable } from '../coherence/stamp-table.ts'
import type { Subscription } from '../coherence/subscription.ts'
import type { UnitContext } from '../coherence/unit-context.ts'
import type { Clock } from '../core/clock.ts'
import type { Counters } from '../core/counters.ts'
import type { DependencyMap } from '../core/dependency-map.ts'
import type { Emitter } from '../core/events.ts'
import type { Randomness } from '../core/random.ts'
import type { Store } from '../core/store.ts'
import type { ForeignMaps } from './foreign-maps.ts'
import type { OpenUnits } from './open-units.ts'
import type { RecentChanges } from './recent-changes.ts'
import type { ReplayQueue } from './replay-queue.ts'

/** All that writing works with. */
export interface WriteRoom {
  readonly clock: Clock
  readonly randomness: Randomness
  readonly events: Emitter
  readonly counters: Counters
  readonly map: DependencyMap
  readonly stamps: StampTable
  readonly memory: MemoryTier | undefined
  readonly subscription: Subscription
  readonly causes: Causes
  readonly units: UnitContext
  /** What a cache that closes waits for. */
  readonly openUnits: OpenUnits
  readonly store: Store
  readonly queue: ReplayQueue
  readonly recent: RecentChanges
  readonly foreign: ForeignMaps
  /** Whether some keys have no stamps but the root, because coherence is off for them: patterns must be searched for. */
  readonly sweepsAll: () => boolean
  /** Closes the way to the store until it has been told what is queued. */
  readonly distrustStore: (error: unknown) => void
  /** Whether soft locks are held from before COMMIT until the rotation. */
  readonly locks: boolean
  /** Whether loaders may read from replicas, so that places in the database's log are of use. */
  readonly replicas: boolean
  /** Whether everybody who may answer from memory must have heard before a lock or a rotation resolves. */
  readonly strict: boolean
  /** How long such a lock lives unless it is renewed, in milliseconds. */
  readonly softLockMs: number
  readonly onStoreUnavailable: 'abort' | 'proceed'
  readonly unknownTables: 'event' | 'error'
  /** Names this process in messages. */
  readonly process: string
  readonly closed: () => boolean
}
