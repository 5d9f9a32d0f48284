import type { Clock } from '../core/clock.ts'
import type { StampName } from '../core/stamp.ts'
import type { StoreDriver } from '../core/store.ts'
import { Bench } from './conformance/bench.ts'
import { claimCases } from './conformance/claims.ts'
import { fillCases } from './conformance/fills.ts'
import { messageCases } from './conformance/messages.ts'
import { registrationCases } from './conformance/registrations.ts'
import { valueCases } from './conformance/values.ts'

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

/** One promise of the port, as a case that any test runner can run: it throws where the store does not keep it. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/**
 * What every store has to keep, whatever it is made of: claims, stamps, fills, messages, registrations. Each case opens
 * a namespace of its own, so that they may run side by side on one server.
 *
 * @param store called once for each case.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { manualClock, memoryStore, storeConformance } from 'coherent-cache/testing'
 *
 * const cases = storeConformance(() => {
 *   const clock = manualClock()
 *   const driver = memoryStore({ clock })
 *   return {
 *     driver,
 *     clock,
 *     pass: (milliseconds) => clock.advance(milliseconds),
 *     evict: (namespace, stamp) => driver.evictStamp(namespace, stamp),
 *     lose: () => driver.flush(),
 *   }
 * })
 * for (const { name, run } of cases) test(name, run)
 * ```
 */
export function storeConformance(
  store: () => StoreUnderTest | Promise<StoreUnderTest>,
): readonly ConformanceCase[] {
  const cases = { ...claimCases, ...fillCases, ...valueCases, ...messageCases, ...registrationCases }
  return Object.entries(cases).map(([name, play]) => ({
    name,
    async run() {
      const bench = new Bench(await store())
      try {
        await play(bench)
      } finally {
        await bench.close()
      }
    },
  }))
}
