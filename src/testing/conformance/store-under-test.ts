import type { Clock } from '../../core/clock.ts'
import type { StampName } from '../../core/stamp.ts'
import type { StoreDriver } from '../../core/store.ts'

/** A store as the conformance suite needs it: the driver, and the means to do to its data what time and trouble do. */
export interface StoreUnderTest {
  readonly driver: StoreDriver
  /** The clock that caches of it go by. @default the machine's */
  readonly clock?: Clock
  /**
   * Lets time pass in the store: whatever lapses within it has lapsed when this returns. A store without a clock of its
   * own shortens every lifetime by as much.
   *
   * @param namespace all that has to be touched
   */
  pass(milliseconds: number, namespace: string): void | Promise<void>
  /** Loses one stamp in every partition, as an eviction does. */
  evict(namespace: string, stamp: StampName): void | Promise<void>
  /** Loses everything of a namespace, as FLUSHALL does. */
  lose(namespace: string): void | Promise<void>
}
