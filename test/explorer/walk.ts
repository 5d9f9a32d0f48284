import type { Mode } from '../judging/promises.ts'
import { randomChooser } from './choosers.ts'
import { Exhaustive } from './exhaustive.ts'
import { type Played, play } from './play.ts'
import { randomScenario } from './random-scenario.ts'
import type { Scenario } from './scenario.ts'

export const MODES: readonly Mode[] = ['bounded', 'committed', 'strict']

/** A schedule that broke a promise. */
export interface Failure {
  readonly scenario: Scenario
  readonly played: Played
  /** What plays it again, as arguments of `npm run explore`. */
  readonly again: string
}

const BUCKETS = 64

/** What has been explored so far. */
export class Explored {
  schedules = 0
  steps = 0
  reads = 0
  readonly failures: Failure[] = []
  /** By parts, since a Set has an upper limit. */
  readonly #seen = Array.from({ length: BUCKETS }, () => new Set<number>())
  readonly #started = performance.now()

  note(scenario: Scenario, played: Played, again: string): void {
    this.schedules++
    this.steps += played.steps
    this.reads += played.reads
    this.#seen[played.hash % BUCKETS]?.add(played.hash)
    if (played.violations.length > 0) this.failures.push({ scenario, played, again })
  }

  get distinct(): number {
    return this.#seen.reduce((sum, { size }) => sum + size, 0)
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1_000
  }
}

/** How long to go on. */
export interface Limits {
  readonly runs?: number | undefined
  readonly until: number
  readonly failures: number
}

/** The mode that a seed explores unless one is asked for. */
export function modeOf(seed: number): Mode {
  return MODES[seed % MODES.length] as Mode
}

/** Random walks, seed by seed. @returns the first seed that was not tried */
export async function walk(
  explored: Explored,
  from: number,
  mode: Mode | undefined,
  { runs = Number.POSITIVE_INFINITY, until, failures }: Limits,
): Promise<number> {
  let seed = from
  for (; seed < from + runs && performance.now() < until && explored.failures.length < failures; seed++) {
    const scenario = randomScenario(seed, mode ?? modeOf(seed))
    const played = await play(scenario, randomChooser(seed))
    explored.note(scenario, played, `--seed ${seed}${mode === undefined ? '' : ` --mode ${mode}`}`)
  }
  return seed
}

/** How a search for every schedule ended. */
export interface Swept {
  readonly complete: boolean
  readonly schedules: number
  readonly progress: number
}

/** Every schedule of a small scenario, or all that turn from the usual way at most so often. */
export async function sweep(
  explored: Explored,
  scenario: Scenario,
  mostTurns: number | undefined,
  { until, failures }: Limits,
): Promise<Swept> {
  const every = new Exhaustive(mostTurns)
  let schedules = 0
  let complete = false
  while (!complete && performance.now() < until && explored.failures.length < failures) {
    const played = await play(scenario, every)
    if (!played.cut) {
      schedules++
      explored.note(scenario, played, `--scenario ${scenario.name}`)
    }
    complete = !every.next()
  }
  return { complete, schedules, progress: complete ? 1 : every.progress }
}
