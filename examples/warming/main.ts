/**
 * A night of dashboards: three replicas, twenty tenants whose bundles take 800 ms to compute and live five minutes. The
 * fleet warms them at midnight; one of the replicas is replaced in the middle of that. Three tenants work through the
 * night, all look at eight in the morning.
 *
 * `npx tsx --import ./scripts/text-loader.mjs examples/warming/main.ts` needs no server: the replicas share a store in
 * memory, and time is a clock that is turned, so that a night takes seconds. It is spent three times: without warming,
 * warmed at midnight alone, and kept warm. Where the outcome is not as told, the exit code is 1.
 *
 * What to look for: each run loads every tenant once, whichever replicas it took; what is warmed at midnight and lives
 * five minutes is cold by morning, unless it is kept warm; and only what somebody wants is kept warm, at a load each
 * four minutes, which is the price of a short lifetime.
 */
import { type Cache, createCache, defineKeys, type } from 'coherent-cache'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import {
  createWarming,
  familyLoader,
  keepWarm,
  type ScheduleStatus,
  type Warming,
} from 'coherent-cache/warming'
import { Cron } from 'croner'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const COMPUTING = 800
const TENANTS = Array.from({ length: 20 }, (_, at) => at + 1)
const NIGHT_SHIFT = [3, 7, 12]
const EVERY_MORNING = 1

type How = 'not warmed' | 'warmed at midnight' | 'kept warm'

/** What one night came to. */
interface Night {
  readonly how: How
  readonly run: ScheduleStatus | undefined
  /** Loads, in the replicas together. */
  readonly loads: number
  /** The longest that anybody of the night shift waited, and how many of all waited in the morning. */
  readonly nightWait: number
  readonly morningWaits: number
  readonly morningTenantWait: number
}

async function spend(how: How): Promise<Night> {
  const clock = manualClock('2026-11-19T23:50:00Z')
  const store = memoryStore({ clock })
  let loads = 0
  const keys = defineKeys({
    bundle: { key: 'bundle:{tenantId}', value: type<{ deals: number }>(), ttl: '5m' },
  })
  const compute = async (tenantId: number) => {
    loads++
    await new Promise<void>((resolve) => {
      clock.after(COMPUTING, resolve)
    })
    return { deals: tenantId }
  }
  const bundles = familyLoader(keys.bundle, ({ tenantId }) => compute(Number(tenantId)))
  const item = (tenantId: number) => ({ key: keys.bundle({ tenantId }), load: () => compute(tenantId) })

  async function start(instance: string): Promise<{ cache: Cache; warming: Warming | undefined }> {
    const cache: Cache = createCache({ name: 'dashboards', instance, keys, store, clock })
    await cache.ready()
    if (how === 'not warmed') return { cache, warming: undefined }
    const schedule = { cron: '0 0 * * *', timeZone: 'UTC', concurrency: 2, plan: () => TENANTS.map(item) }
    const warming = createWarming(cache, { Cron, term: '1m', schedules: { bundles: schedule } })
    if (how === 'kept warm') {
      keepWarm(cache, {
        loaders: [bundles],
        idle: '20m',
        // One tenant's bundle is wanted whoever reads it; one replica sees to it.
        listed: () => [item(EVERY_MORNING)],
        while: () => warming.leads,
      })
      keepWarm(cache, { loaders: [bundles], idle: '20m' })
    }
    return { cache, warming }
  }

  const replicas = await Promise.all(['one', 'two', 'three'].map(start))
  let readers = 0
  /** Reads at one of the replicas. @returns how long that took */
  const read = async (tenantId: number): Promise<number> => {
    const began = clock.monotonic()
    const { cache } = replicas[readers++ % replicas.length] as (typeof replicas)[0]
    await cache.get(keys.bundle({ tenantId }), () => compute(tenantId))
    return clock.monotonic() - began
  }
  const together = async (tenants: readonly number[]): Promise<number[]> => {
    const reading = Promise.all(tenants.map(read))
    await clock.advance(2 * SECOND)
    return reading
  }

  await clock.advance(10 * MINUTE + 3 * SECOND)
  // A deploy, in the middle of the run: whoever leads is replaced.
  const leader = Math.max(
    0,
    replicas.findIndex(({ warming }) => warming?.leads),
  )
  const leaving = replicas[leader]?.cache.close()
  await clock.advance(SECOND)
  await leaving
  replicas[leader] = await start('four')
  await clock.advance(5 * MINUTE)

  let nightWait = 0
  while (clock.now() < Date.parse('2026-11-20T07:55:00Z')) {
    const waits = await together(NIGHT_SHIFT)
    // The first round finds what the run has left; from then on they are at work.
    if (clock.now() > Date.parse('2026-11-20T00:30:00Z')) nightWait = Math.max(nightWait, ...waits)
    await clock.advance(5 * MINUTE)
  }
  const morning = await together(TENANTS)
  const morningWaits = morning.filter((wait) => wait >= COMPUTING).length
  const status = await replicas[leader]?.warming?.status()
  const closing = replicas.map(({ cache }) => cache.close())
  await clock.advance(SECOND)
  await Promise.all(closing)
  return {
    how,
    run: status?.schedules[0],
    loads,
    nightWait,
    morningWaits,
    morningTenantWait: morning[EVERY_MORNING - 1] ?? Number.NaN,
  }
}

const nights: Night[] = []
for (const how of ['not warmed', 'warmed at midnight', 'kept warm'] as const) nights.push(await spend(how))

const columns = [20, 26, 30, 30, 8]
const line = (cells: readonly unknown[]) =>
  cells.map((cell, at) => String(cell).padEnd(columns[at] ?? 0)).join('')
console.log(
  line([
    '',
    'night shift waits',
    'tenants that wait at 8:00',
    `tenant ${EVERY_MORNING}, listed, waits`,
    'loads',
  ]),
)
for (const { how, nightWait, morningWaits, morningTenantWait, loads } of nights)
  console.log(
    line([
      how,
      `${nightWait} ms at most`,
      `${morningWaits} of ${TENANTS.length}`,
      `${morningTenantWait} ms`,
      loads,
    ]),
  )

const [plain, midnight, kept] = nights as [Night, Night, Night]
const { last, next } = kept.run ?? {}
console.log(
  `\nThe run at midnight: ${last?.status}, ${last?.reason} by the next replica after the first was replaced; ${last?.fresh} tenants had been warmed, ${last?.warmed} were left. The next is at ${next?.toISOString()}.`,
)

const asTold =
  plain.morningWaits === TENANTS.length &&
  midnight.morningWaits === TENANTS.length &&
  kept.nightWait === 0 &&
  kept.morningTenantWait === 0 &&
  kept.morningWaits === TENANTS.length - NIGHT_SHIFT.length - 1 &&
  last?.status === 'done' &&
  last.reason === 'resumed' &&
  (last.fresh ?? 0) + (last.warmed ?? 0) === TENANTS.length
console.log(asTold ? 'What is wanted is warm; what nobody wanted was let go.' : 'That is not what was told.')
process.exitCode = asTold ? 0 : 1
