import { createCache, defineDependencies, defineKeys, type } from 'coherent-cache'
import { manualClock } from 'coherent-cache/testing'
import { createWarming, familyLoader, keepWarm, warmItem } from 'coherent-cache/warming'
import { Cron } from 'croner'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const COMPUTING = 500

/** A way to keep a report fresh. */
export interface Way {
  readonly name: string
  readonly ttl: '5m' | '24h'
  readonly voidedByPayments: boolean
  readonly schedule: 'none' | 'at start' | 'hourly'
  readonly keptWarm: boolean
}
const ttlAlone: Way = {
  name: 'lifetime of 5 min',
  ttl: '5m',
  voidedByPayments: false,
  schedule: 'none',
  keptWarm: false,
}
export const ways: readonly Way[] = [
  ttlAlone,
  { ...ttlAlone, name: '... refreshed each hour', schedule: 'hourly' },
  { ...ttlAlone, name: '... and kept warm', schedule: 'hourly', keptWarm: true },
  {
    ...ttlAlone,
    name: '... and void by payments',
    schedule: 'hourly',
    keptWarm: true,
    voidedByPayments: true,
  },
  {
    ...ttlAlone,
    name: '24 h, warmed at start, void by payments',
    ttl: '24h',
    schedule: 'at start',
    voidedByPayments: true,
  },
]

/** What a way comes to in two hours. */
export interface Outcome {
  readonly reads: number
  /** Reads that waited for a report to be computed. */
  readonly waited: number
  /** Reads that showed less than had been paid. */
  readonly old: number
  readonly computed: number
}

/** Two hours from nine, on a clock that is turned: read each minute, paid each 20 minutes. */
export async function spend({ ttl, voidedByPayments, schedule, keptWarm }: Way): Promise<Outcome> {
  const clock = manualClock('2026-11-20T08:59:00Z')
  const keys = defineKeys({ metrics: { key: 'metrics:{landlordId}', value: type<number>(), ttl, jitter: 0 } })
  const dependencies = defineDependencies({ tables: { payments: [keys.metrics] } })
  const cache = createCache({
    name: 'ways',
    keys,
    dependencies,
    clock,
    coherence: voidedByPayments ? 'on' : 'off',
  })
  let [paid, computed] = [0, 0]
  const compute = async () => {
    computed++
    const found = paid
    await new Promise<void>((resolve) => {
      clock.after(COMPUTING, resolve)
    })
    return found
  }
  const plan = () => [warmItem(keys.metrics({ landlordId: 1 }), compute)]
  if (schedule === 'hourly')
    createWarming(cache, { Cron, schedules: { metrics: { cron: '0 * * * *', plan } } })
  if (schedule === 'at start') createWarming(cache, { schedules: { metrics: { atStart: '1h', plan } } })
  if (keptWarm) keepWarm(cache, { loaders: [familyLoader(keys.metrics, compute)], idle: '15m' })

  await clock.advance(MINUTE + 30 * SECOND)
  let [reads, waited, old] = [0, 0, 0]
  for (let minute = 0; minute < 120; minute++) {
    if (minute % 20 === 7) {
      paid += 100
      await cache.invalidate({ table: 'payments', operation: 'insert', rows: [{ landlord_id: 1 }] })
    }
    // Half a minute later: what is kept warm has been loaded again by then.
    await clock.advance(30 * SECOND)
    const began = clock.monotonic()
    const reading = cache.get(keys.metrics({ landlordId: 1 }), compute).then((seen) => {
      reads++
      if (clock.monotonic() - began >= COMPUTING) waited++
      if (seen < paid) old++
    })
    await clock.advance(30 * SECOND)
    await reading
  }
  const closing = cache.close()
  await clock.advance(MINUTE)
  await closing
  return { reads, waited, old, computed }
}
