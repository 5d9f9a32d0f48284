import type { Mode } from '../judging/promises.ts'
import { randomChooser } from './choosers.ts'
import { Exhaustive } from './exhaustive.ts'
import { FingerprintSet } from './fingerprint.ts'
import { type Played, play } from './play.ts'
import { randomScenario } from './random-scenario.ts'
import type { Scenario } from './scenario.ts'
import type { ShapeName } from './shapes.ts'

export const MODES: readonly Mode[] = ['bounded', 'committed', 'strict']

const TELL_EVERY = 50_000

/** A schedule that broke a promise. */
export interface Failure {
  readonly scenario: Scenario
  readonly played: Played
  /** What plays it again, as arguments of `npm run explore`. */
  readonly again: string
}

/** What has been explored so far. */
export class Explored {
  schedules = 0
  steps = 0
  reads = 0
  readonly failures: Failure[] = []
  readonly #seen = new FingerprintSet()
  readonly #started = performance.now()

  note(scenario: Scenario, played: Played, again: string): void {
    this.schedules++
    this.steps += played.steps
    this.reads += played.reads
    this.#seen.add(played.name)
    if (played.violations.length > 0) this.failures.push({ scenario, played, again })
  }

  /** How many of them are distinct. */
  get distinct(): number {
    return this.#seen.size
  }

  get progress(): string {
    const { schedules, distinct, seconds } = this
    return `${Math.round(seconds)} s: ${schedules} schedules, ${distinct} of them distinct`
  }

  /** Those seen, to be put together with what other processes have seen. */
  fingerprints(): Uint8Array {
    return this.#seen.bytes()
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

/** Which walks to take. */
export interface Walks {
  readonly from: number
  /** From one seed to the next. */
  readonly step: number
  readonly mode: Mode | undefined
  readonly shape: ShapeName | undefined
}

/** Random walks, seed by seed. @returns the first seed that was not tried */
export async function walk(
  explored: Explored,
  { from, step, mode, shape }: Walks,
  { runs = Number.POSITIVE_INFINITY, until, failures }: Limits,
): Promise<number> {
  const asked = `${mode === undefined ? '' : ` --mode ${mode}`}${shape === undefined ? '' : ` --shape ${shape}`}`
  let seed = from
  for (let left = runs; left > 0 && performance.now() < until; left--, seed += step) {
    if (explored.failures.length >= failures) break
    const scenario = randomScenario(seed, mode ?? modeOf(seed), shape)
    const played = await play(scenario, randomChooser(seed))
    explored.note(scenario, played, `--seed ${seed}${asked}`)
    // No timer fires while schedules are played: nothing is left to the event loop.
    if (explored.schedules % TELL_EVERY === 0) console.log(`${explored.progress}; seed ${seed}`)
  }
  return seed
}

/** How a search for every schedule ended. */
export interface Swept {
  readonly complete: boolean
  readonly schedules: number
  readonly progress: number
  readonly seconds: number
}

/** Every schedule of a small scenario, or all that turn from the usual way at most so often. */
export async function sweep(
  explored: Explored,
  scenario: Scenario,
  mostTurns: number | undefined,
  { until, failures }: Limits,
): Promise<Swept> {
  const every = new Exhaustive(mostTurns)
  const started = performance.now()
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
  const seconds = (performance.now() - started) / 1_000
  return { complete, schedules, progress: complete ? 1 : every.progress, seconds }
}
