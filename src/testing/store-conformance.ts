import { Bench } from './conformance/bench.ts'
import { claimCases } from './conformance/claims.ts'
import { fillCases } from './conformance/fills.ts'
import { leadCases } from './conformance/leads.ts'
import { messageCases } from './conformance/messages.ts'
import { registrationCases } from './conformance/registrations.ts'
import { replicaCases } from './conformance/replicas.ts'
import type { StoreUnderTest } from './conformance/store-under-test.ts'
import { valueCases } from './conformance/values.ts'

/** One promise of the port, as a case that any test runner can run: it throws where the store does not keep it. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/**
 * What every store has to keep, whatever it is made of: claims, stamps, fills, messages, registrations, loads from
 * replicas, leadership. Each case opens
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
  const cases = {
    ...claimCases,
    ...fillCases,
    ...valueCases,
    ...messageCases,
    ...registrationCases,
    ...replicaCases,
    ...leadCases,
  }
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
