/**
 * Explores the orders in which things can happen.
 *
 *     npm run explore                              a minute of everything
 *     npm run explore -- --minutes 60 --seed 1000  random walks for an hour, from that seed on
 *     npm run explore -- --seed 7                  one schedule, step by step
 *     npm run explore -- --exhaustive              every schedule of the small scenarios
 */
import { parseArgs } from 'node:util'
import type { Mode } from '../judging/promises.ts'
import { randomChooser, turning } from './choosers.ts'
import { type Played, play } from './play.ts'
import { randomScenario } from './random-scenario.ts'
import { minimise, readTurns, tell, writeTurns } from './report.ts'
import { scenarioOf, smallScenarios } from './small-scenarios.ts'
import { Explored, MODES, modeOf, sweep, walk } from './walk.ts'

Error.stackTraceLimit = 0
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    mode: { type: 'string' },
    exhaustive: { type: 'boolean' },
    scenario: { type: 'string' },
    turns: { type: 'string' },
    failures: { type: 'string', default: '1' },
  },
})

const seed = values.seed === undefined ? undefined : Number(values.seed)
const mode = values.mode as Mode | undefined
if (mode !== undefined && !MODES.includes(mode)) throw new Error(`--mode: one of ${MODES.join(', ')}`)
const soon = (minutes: number) => performance.now() + minutes * 60_000
const failures = Number(values.failures)

if (values.scenario !== undefined) await tellScenario(values.scenario)
else if (seed !== undefined && values.runs === undefined && values.minutes === undefined) await tellSeed(seed)
else process.exitCode = await explore()

async function tellSeed(one: number): Promise<void> {
  const scenario = randomScenario(one, mode ?? modeOf(one))
  const chooser = values.turns === undefined ? randomChooser(one) : turning(readTurns(values.turns))
  console.log(await tell(scenario, chooser))
}

async function tellScenario(name: string): Promise<void> {
  console.log(await tell(scenarioOf(name), turning(readTurns(values.turns ?? ''))))
}

async function explore(): Promise<number> {
  const explored = new Explored()
  await selfTest()
  if (values.exhaustive === true) await exhaust(explored, Number(values.minutes ?? 5), 3)
  else {
    const minutes = Number(values.minutes ?? (values.runs === undefined ? 1 : 1_440))
    if (values.runs === undefined) await exhaust(explored, minutes / 300, 2)
    const runs = values.runs === undefined ? undefined : Number(values.runs)
    const until = soon(minutes) - explored.seconds * 1_000
    const next = await walk(explored, seed ?? 1, mode, { runs, until, failures })
    console.log(`random walks: seeds ${seed ?? 1} to ${next - 1}`)
  }
  const { schedules, distinct, reads, steps, seconds } = explored
  console.log(
    `${schedules} schedules, ${distinct} of them distinct; ${reads} reads judged, ${steps} steps; ${Math.round(schedules / seconds)} schedules a second`,
  )
  for (const { scenario, played, again } of explored.failures) {
    const turns = await minimise(scenario, played)
    console.log(`\n${await tell(scenario, turning(turns))}`)
    console.log(`\nAgain: npm run explore -- ${again} --turns ${writeTurns(turns)}`)
  }
  return explored.failures.length === 0 ? 0 : 1
}

/** Each small scenario in turn, with a time to each. */
async function exhaust(explored: Explored, minutesEach: number, mostTurns: number): Promise<void> {
  for (const { scenario, complete } of smallScenarios(mode)) {
    const turns = complete ? undefined : mostTurns
    const swept = await sweep(explored, scenario, turns, { until: soon(minutesEach), failures })
    const how = turns === undefined ? 'every schedule' : `every schedule with at most ${turns} turns`
    const state = swept.complete ? 'all' : `${(100 * swept.progress).toFixed(1)} % gone through`
    console.log(`${scenario.name}: ${how}: ${swept.schedules}, ${state}`)
  }
}

/** Plain cache-aside must be caught, or whatever is found here proves nothing. */
async function selfTest(): Promise<void> {
  const explored = new Explored()
  let played: Played | undefined
  for (let one = 1; one <= 5_000 && played === undefined; one++) {
    const scenario = { ...randomScenario(one, 'bounded'), plain: true }
    const tried = await play(scenario, randomChooser(one))
    explored.note(scenario, tried, '')
    if (tried.violations.length > 0) played = tried
  }
  if (played === undefined) throw new Error('Plain cache-aside was not caught: the judge proves nothing.')
  console.log(
    `self-test: plain cache-aside gave an old answer in schedule ${explored.schedules}: ${played.violations[0]?.promise}`,
  )
}
