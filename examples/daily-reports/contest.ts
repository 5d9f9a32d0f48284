import { parseArgs } from 'node:util'
import type { PGlite } from '@electric-sql/pglite'
import { type LifetimePolicy, localDate, type StoreDriver } from 'coherent-cache'
import { sharedTier } from '../shared/shared-tier.ts'
import { type ReportId, ReportsDatabase } from './database.ts'
import { compareLifetimes, SIMULATED } from './long-lifetimes.ts'
import { plainReplicas } from './plain-cache.ts'
import { plainStore } from './plain-store.ts'
import { brokenPromises, PROMISED } from './promises.ts'
import { seededRandom } from './random.ts'
import { type Measured, replay } from './replay.ts'
import type { Replica } from './service.ts'
import { Story } from './story.ts'
import { lifetimeTable, resultTable, whole } from './table.ts'
import { makeTraffic, REPLICAS, SLOW_LOAD } from './traffic.ts'

/** The service under test. */
export interface Service {
  readonly timeZone: string
  readonly lifetime: LifetimePolicy
  openReplica(instance: string, client: PGlite, store: StoreDriver): Promise<Replica>
}

/** Plays the same traffic to both caches and prints what came of it. @returns the exit code */
export async function runContest({ timeZone, lifetime, openReplica }: Service): Promise<number> {
  const began = performance.now()
  const { json, seed, eventDelay } = readArguments()
  const story = new Story(json ? undefined : process.stdout)
  const today = localDate(Date.now(), timeZone)
  const traffic = makeTraffic(seed, today)
  const shared = await sharedTier()
  const database = await ReportsDatabase.open()
  const rows = await database.reset(today)

  const play = async (replicas: readonly Replica[]): Promise<Measured> => {
    story.cast(REPLICAS)
    const measured = await replay(traffic, replicas, database, (scene) => story.scene(scene))
    for (const replica of replicas) await replica.close()
    return measured
  }
  const lifetimeMs = ({ orgId, propertyId, date }: ReportId) => {
    const params = { orgId: String(orgId), propertyId: String(propertyId), date }
    return lifetime.lifetime({ key: '', params, value: undefined, now: Date.now() })
  }

  story.title('Daily reports on three replicas, read right after each write')
  story.say(`PostgreSQL runs in this process (PGlite): ${whole(rows)} bookings, one query a report.`)
  story.say(`The shared tier is ${shared.label}.`)
  story.say('Every answer is checked against what the database held at that moment.')

  story.title('1. A plain cache: memory and shared tier, lifetimes by age, one load at a time')
  story.say(
    eventDelay[1] === 0
      ? 'After the commit the writer deletes what changed, everywhere, and waits for it.'
      : `After the commit an event deletes what changed, ${eventDelay.join(' to ')} ms later.`,
  )
  const chance = seededRandom(seed)
  const plain = await play(
    plainReplicas(REPLICAS.length, database, plainStore(shared.client), lifetimeMs, eventDelay, chance),
  )
  story.say(`  * while replica-1 was loading that report (in ${SLOW_LOAD.takesMs} ms); read 300 ms later`)

  story.title('2. coherent-cache: the same tiers, lifetimes and traffic')
  story.say('The transaction itself voids what it changed, before the writer is answered.')
  await database.reset(today)
  const coherent = await play(
    await Promise.all(REPLICAS.map((name) => openReplica(name, database.client, shared.store))),
  )
  await database.close()
  await shared.close()

  story.title('What came of it')
  story.say('Stale: older than a write that was acknowledged before the read began.')
  story.say(...resultTable(plain, coherent))
  if (eventDelay[1] > 0) story.say('A plain cache that deletes at once: npm run demo -- --event-delay 0')

  const lifetimes = await compareLifetimes(seed)
  const { minutes, reports, readEveryMs, changeEveryMs } = SIMULATED
  const mean = `read every ${readEveryMs / 1_000} s and changed every ${changeEveryMs / 1_000} s on average`
  story.title('Why lifetimes can be long')
  story.say(`Simulated, on a manual clock: ${minutes} minutes, ${reports} reports, each`, `${mean}.`)
  story.say(...lifetimeTable(lifetimes))

  const broken = brokenPromises(coherent)
  const seconds = Number(((performance.now() - began) / 1_000).toFixed(1))
  story.say('')
  if (broken.length === 0) story.good(`coherent-cache kept every promise. ${seconds} s in all.`)
  else for (const one of broken) story.bad(`BROKEN PROMISE: ${one}`)
  if (json) {
    const run = { seed, sharedTier: shared.label, rows, eventDelayMs: eventDelay, seconds }
    const result = { ...run, plain, coherent, promised: PROMISED, broken, lifetimes }
    process.stdout.write(`${JSON.stringify(result, rounded)}\n`)
  }
  return broken.length === 0 ? 0 : 1
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(4)) : value
}

/** `--json`; `--seed 7`; `--event-delay 0` for a plain cache whose writers wait until everything is deleted. */
function readArguments() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      'event-delay': { type: 'string', default: '50-100' },
    },
  })
  const [least = 0, most = least] = values['event-delay'].split('-').map(Number)
  return { json: values.json, seed: Number(values.seed), eventDelay: [least, most] as const }
}
