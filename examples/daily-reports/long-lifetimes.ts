import { type CacheOptions, createCache, defineDependencies, defineKeys } from 'coherent-cache'
import { manualClock } from 'coherent-cache/testing'
import { seededRandom } from './random.ts'

/** A way to choose lifetimes, and what became of it. */
export interface Policy {
  readonly label: string
  readonly hitRate: number
  readonly stale: number
  readonly oldestMs: number
}

/** Arrivals are independent of each other; these are their means, in milliseconds. */
export const SIMULATED = { minutes: 10, reports: 40, readEveryMs: 5_000, changeEveryMs: 45_000 }

const keys = defineKeys({ report: 'report:{id}' })
const dependencies = defineDependencies({ tables: { bookings: ['report:{id}'] } })

/** The same arrivals under three policies, in simulated time: what takes ten minutes is over in a moment. */
export async function compareLifetimes(seed: number): Promise<Policy[]> {
  return [
    await simulate(seed, '5 s, without stamps', { ttl: '5s', coherence: 'off' }),
    await simulate(seed, '5 s, under stamps', { ttl: '5s' }),
    await simulate(seed, '1 hour, under stamps', { ttl: '1h' }),
  ]
}

async function simulate(
  seed: number,
  label: string,
  options: Pick<CacheOptions, 'ttl' | 'coherence'>,
): Promise<Policy> {
  const clock = manualClock()
  const started = clock.monotonic()
  const cache = createCache({ name: 'lifetimes', keys, dependencies, clock, ...options })
  const versions = new Map<number, { version: number; voided: number[] }>()
  const policy = { label, hitRate: 0, stale: 0, oldestMs: 0 }
  for (const { at, id, what } of arrivals(seed)) {
    await clock.advance(started + at - clock.monotonic())
    const report = versions.get(id) ?? { version: 0, voided: [] }
    versions.set(id, report)
    if (what === 'change') {
      report.version++
      report.voided.push(at)
      await cache.invalidate({ table: 'bookings', operation: 'insert', rows: [{ id }] })
      continue
    }
    const answer = await cache.get(keys.report({ id }), () => report.version)
    const since = report.voided[answer]
    if (since === undefined) continue
    policy.stale++
    policy.oldestMs = Math.max(policy.oldestMs, at - since)
  }
  policy.hitRate = cache.stats().hitRate
  await cache.close()
  return policy
}

function arrivals(seed: number) {
  const random = seededRandom(seed)
  const all: { readonly at: number; readonly id: number; readonly what: 'read' | 'change' }[] = []
  for (let id = 1; id <= SIMULATED.reports; id++) {
    for (const what of ['read', 'change'] as const) {
      const mean = what === 'read' ? SIMULATED.readEveryMs : SIMULATED.changeEveryMs
      for (let at = random.wait(mean); at < SIMULATED.minutes * 60_000; at += random.wait(mean))
        all.push({ at, id, what })
    }
  }
  return all.sort((one, other) => one.at - other.at)
}
