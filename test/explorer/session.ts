/** One process that explores: what `explore.ts` starts, as often as it is asked to. */
import { writeFileSync } from 'node:fs'
import type { Mode } from '../judging/promises.ts'
import { randomChooser, turning } from './choosers.ts'
import { play } from './play.ts'
import { randomScenario } from './random-scenario.ts'
import { minimise, readTurns, tell, writeTurns } from './report.ts'
import { SHAPES, type ShapeName } from './shapes.ts'
import { scenarioOf, smallScenarios } from './small-scenarios.ts'
import { Explored, MODES, modeOf, sweep, walk } from './walk.ts'

/** What a process has explored. */
export interface Summary {
  readonly schedules: number
  readonly steps: number
  readonly reads: number
  readonly seconds: number
  readonly failures: number
  /** The file of the schedules' fingerprints. */
  readonly seen: string
}

type Given = Readonly<
  Partial<Record<'seed' | 'runs' | 'minutes' | 'mode' | 'shape' | 'scenario' | 'turns', string>>
> & {
  readonly exhaustive?: boolean
  readonly failures: string
  /** This is the `job`-th of `jobs` processes. */
  readonly job: number
  readonly jobs: number
  readonly result: string
}

Error.stackTraceLimit = 0
const given = JSON.parse(process.argv[2] ?? '{}') as Given
const { job, jobs, result } = given
const seed = given.seed === undefined ? undefined : Number(given.seed)
const mode = given.mode as Mode | undefined
const shape = given.shape as ShapeName | undefined
if (mode !== undefined && !MODES.includes(mode)) throw new Error(`--mode: one of ${MODES.join(', ')}`)
if (shape !== undefined && !SHAPES.includes(shape)) throw new Error(`--shape: one of ${SHAPES.join(', ')}`)
const soon = (minutes: number) => performance.now() + minutes * 60_000
const failures = Number(given.failures)

if (given.scenario !== undefined) await tellScenario(given.scenario)
else if (seed !== undefined && given.runs === undefined && given.minutes === undefined) await tellSeed(seed)
else process.exitCode = await explore()

async function tellSeed(one: number): Promise<void> {
  const scenario = randomScenario(one, mode ?? modeOf(one), shape)
  const chooser = given.turns === undefined ? randomChooser(one) : turning(readTurns(given.turns))
  console.log(await tell(scenario, chooser))
}

async function tellScenario(name: string): Promise<void> {
  console.log(await tell(scenarioOf(name), turning(readTurns(given.turns ?? ''))))
}

async function explore(): Promise<number> {
  const explored = new Explored()
  if (job === 0) await selfTest()
  if (given.exhaustive === true)
    await exhaust(explored, Number(given.minutes ?? 10), Number(given.turns ?? 2))
  else await walkAtRandom(explored)
  const { schedules, steps, reads, seconds } = explored
  const seen = `${result}-seen`
  writeFileSync(seen, explored.fingerprints())
  const summary: Summary = { schedules, steps, reads, seconds, failures: explored.failures.length, seen }
  writeFileSync(result, JSON.stringify(summary))
  for (const { scenario, played, again } of explored.failures) {
    const turns = await minimise(scenario, played)
    console.log(`\n${await tell(scenario, turning(turns))}`)
    console.log(`\nAgain: npm run explore -- ${again} --turns ${writeTurns(turns)}`)
  }
  return explored.failures.length === 0 ? 0 : 1
}

async function walkAtRandom(explored: Explored): Promise<void> {
  const runs = given.runs === undefined ? undefined : Math.ceil(Number(given.runs) / jobs)
  const until = soon(Number(given.minutes ?? (runs === undefined ? 1 : 1_440)))
  const from = (seed ?? 1) + job
  const next = await walk(explored, { from, step: jobs, mode, shape }, { runs, until, failures })
  console.log(`seeds ${from} to ${next - jobs}${jobs === 1 ? '' : `, every ${jobs}.`}`)
}

/** Each small scenario in turn, with a time to each. */
async function exhaust(explored: Explored, minutesEach: number, mostTurns: number): Promise<void> {
  const mine = smallScenarios(mode).filter((_, at) => at % jobs === job)
  for (const { scenario, complete } of mine) {
    const turns = complete ? undefined : mostTurns
    const swept = await sweep(explored, scenario, turns, { until: soon(minutesEach), failures })
    const how = turns === undefined ? 'every schedule' : `every schedule with at most ${turns} turns`
    const state = swept.complete ? 'all' : `${(100 * swept.progress).toFixed(1)} % gone through`
    const seconds = Math.round(swept.seconds)
    console.log(`${scenario.name.padEnd(24)} ${how}: ${swept.schedules}, ${state}, in ${seconds} s`)
  }
}

/** Plain cache-aside must be caught with an old answer, or whatever is found here proves nothing. */
async function selfTest(): Promise<void> {
  for (let one = 1; one <= 5_000; one++) {
    const scenario = { ...randomScenario(one, 'bounded'), plain: true }
    const { violations } = await play(scenario, randomChooser(one))
    const old = violations.find(({ promise }) => promise.startsWith('after its acknowledgement'))
    if (old === undefined) continue
    console.log(`self-test: plain cache-aside gives an old answer in schedule ${one}: ${old.promise}`)
    return
  }
  throw new Error('Plain cache-aside was not caught: the judge proves nothing.')
}
