import type { PGlite } from '@electric-sql/pglite'
import { manualClock } from 'coherent-cache/testing'
import { COMPUTING } from './bundle.ts'
import { keys } from './cache.ts'
import { Fleet } from './fleet.ts'
import { keepBundlesWarm } from './warm-bundles.ts'

const MINUTE = 60_000
const TENANTS = [1, 2, 3, 4, 6]
const AT_WORK = 3

/** How bundles are kept through a night. */
export interface Way {
  readonly name: string
  readonly ttl: '5m' | '24h'
  readonly keptWarm: boolean
}
export const ways: readonly Way[] = [
  { name: 'live 5 min, warmed at midnight', ttl: '5m', keptWarm: false },
  { name: '... and kept warm while wanted', ttl: '5m', keptWarm: true },
  { name: 'live a day, void by writes', ttl: '24h', keptWarm: false },
]

/** What a night comes to: who waits at night (tenant 3, which looks every 20 minutes), and who waits at eight. */
export interface Outcome {
  readonly nightWaits: number
  readonly morningWaits: number
  readonly computed: number
}

/** A night on a clock that is turned: two processes, warmed at midnight; tenant 3 is at work, and places two orders. */
export async function spend(client: PGlite, { ttl, keptWarm }: Way): Promise<Outcome> {
  const clock = manualClock('2026-11-19T23:50:00Z')
  const fleet = new Fleet(client, clock)
  const services = [await fleet.start(), await fleet.start()] as const
  for (const { cache } of services) {
    cache.setPolicy({ ttl }, keys.bundle)
    if (keptWarm) keepBundlesWarm(cache, fleet.bundles)
  }
  await clock.advance(15 * MINUTE)

  const waits = async (tenantId: number, at: 0 | 1) => {
    const { tookMs } = await fleet.ask(services[at], { tenantId, admin: false, superadmin: false })
    return tookMs >= COMPUTING ? 1 : 0
  }
  let [nightWaits, morningWaits] = [0, 0]
  for (let round = 1; round <= 23; round++) {
    await clock.advance(20 * MINUTE)
    nightWaits += await waits(AT_WORK, round % 2 === 0 ? 0 : 1)
    if (round % 10 === 0) {
      const worker = { tenantId: AT_WORK, admin: false, superadmin: false }
      await services[0].placeOrder(worker, 100, new Date(clock.now()))
    }
  }
  for (const tenantId of TENANTS) morningWaits += await waits(tenantId, 0)
  await fleet.stop()
  return { nightWaits, morningWaits, computed: fleet.bundles.computed }
}
