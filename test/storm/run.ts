/**
 * Storms: processes that read and write over a real Redis and a real PostgreSQL while both are treated badly, and a judge
 * who holds every answer against what was promised.
 *
 *     npm run storm                                        a minute: each mode, every fault
 *     npm run storm -- --mode committed --minutes 8 --faults redis-restart-aof,kill-writer --seed 7
 *     npm run storm -- --mode bounded --journal            what a writer that died has left behind is judged too
 *     npm run storm -- --self-test                         hand-written cache-aside must be found out
 *
 * Exits with 1 where a promise was broken.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Mode } from '../judging/promises.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { weatherOf } from './faults.ts'
import type { Subject } from './messages.ts'
import { asJson, tell } from './report.ts'
import { type StormServer, startStandalone, startWithCluster, startWithSentinel } from './servers.ts'
import { Storm, type StormOptions, type StormResult } from './storm.ts'

const MODES: readonly Mode[] = ['bounded', 'committed', 'strict']
const SELF_TEST_SECONDS = 12
/** Numbers of processes of different storms of a run never meet. */
const PROCESSES_EACH = 2_000

const { values } = parseArgs({
  options: {
    mode: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    faults: { type: 'string', default: 'all' },
    seed: { type: 'string' },
    readers: { type: 'string', default: '3' },
    writers: { type: 'string', default: '2' },
    keys: { type: 'string', default: '64' },
    rate: { type: 'string', default: '6000' },
    subject: { type: 'string', default: 'coherent-cache' },
    journal: { type: 'boolean', default: false },
    json: { type: 'string' },
    'no-self-test': { type: 'boolean', default: false },
    'self-test': { type: 'boolean', default: false },
  },
})

const modes = values.mode === undefined ? MODES : (values.mode.split(',') as Mode[])
for (const mode of modes)
  if (!MODES.includes(mode)) throw new Error(`--mode: ${mode} is none; ${MODES.join(', ')}`)
const weathers = weatherOf(values.faults)
const startServers = { standalone: startStandalone, sentinel: startWithSentinel, cluster: startWithCluster }
const seed = values.seed === undefined ? Math.floor(Math.random() * 1e6) : number('seed')
const shared = {
  seed,
  readers: number('readers'),
  writers: number('writers'),
  items: number('keys'),
  rate: number('rate'),
  journal: values.journal,
}

let running: Storm | undefined
let storms = 0
const postgres = await startPostgres({ config: { max_connections: '200' } })
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    running?.killNow()
    process.exit(1)
  })
}
process.on('exit', () => running?.killNow())

try {
  process.exitCode = (await weather()) ? 0 : 1
} finally {
  await postgres.stop()
}

/** @returns whether every promise was kept */
async function weather(): Promise<boolean> {
  if (!values['no-self-test']) await selfTest()
  if (values['self-test']) return true
  const results: StormResult[] = []
  for (const mode of modes) {
    for (const { on, faults, share } of weathers) {
      const seconds = (60 * share * number('minutes')) / modes.length
      const options = { ...shared, mode, seconds, faults, subject: values.subject as Subject }
      const result = await storm(options, startServers[on])
      results.push(result)
      const list = faults.map(({ name }) => name).join(',') || 'none'
      const again = `npm run storm -- --mode ${mode} --minutes ${(seconds / 60).toFixed(2)} --faults ${list} --seed ${seed}${values.journal ? ' --journal' : ''}`
      console.log(`\n${tell(result, again)}`)
    }
  }
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(results.map(asJson), null, 2))
  return results.every(({ judge }) => judge.violations.length === 0)
}

/** Plain cache-aside must be found out, or whatever is found here proves nothing. */
async function selfTest(): Promise<void> {
  const { judge, seconds } = await storm(
    {
      ...shared,
      ...{
        journal: false,
        mode: 'bounded',
        seconds: SELF_TEST_SECONDS,
        faults: [],
        subject: 'cache-aside',
        rate: 2_000,
      },
      enough: ({ all }) => all.violations > 2,
    },
    startStandalone,
  )
  const first = judge.violations.find(({ promise }) => promise !== 'nothing fails')
  if (first === undefined) throw new Error('Plain cache-aside was not found out: the judge proves nothing.')
  console.log(
    `self-test: plain cache-aside gave an answer older than promised within ${seconds.toFixed(1)} s and ${judge.all.reads} reads (${first.promise}: ${first.what})`,
  )
}

async function storm(options: StormOptions, start: () => Promise<StormServer>): Promise<StormResult> {
  const server = await start()
  try {
    const storm = new Storm(options, server, await database(postgres), ++storms * PROCESSES_EACH)
    running = storm
    return await storm.run()
  } finally {
    running = undefined
    await server.stop()
  }
}

function database(server: PostgresServer): Promise<string> {
  return server.createDatabase(`storm_${storms + 1}`)
}

function number(name: 'minutes' | 'seed' | 'readers' | 'writers' | 'keys' | 'rate'): number {
  const given = Number(values[name])
  if (!Number.isFinite(given) || given < 0) throw new Error(`--${name}: ${values[name]} is no number`)
  return given
}
