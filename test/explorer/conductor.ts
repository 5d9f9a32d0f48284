import type { Faults } from './faults.ts'
import { Fingerprint } from './fingerprint.ts'
import { type Option, Options, type Passing } from './options.ts'
import { drained, type Step } from './steps.ts'
import type { World } from './world.ts'

/** Chooses what happens next. */
export interface Chooser {
  /** @returns the place of what is chosen; {@link CUT} where going on is not worth it. */
  choose(options: Options): number
}

export const CUT = -1
const MOST_STEPS = 3_000

/** Lets a world go on, one step after the other, as somebody chooses. */
export class Conductor {
  readonly #world: World
  readonly #chooser: Chooser
  /** What happened, for people; kept only where somebody wants to read it. */
  readonly story: string[] | undefined
  /** The places chosen where there was a choice, and what would have been usual. */
  readonly choices: number[] = []
  readonly usual: number[] = []
  /** Whether it was not worth going on. */
  cut = false
  /** Names the schedule. */
  readonly name = new Fingerprint()

  constructor(world: World, chooser: Chooser, story: boolean) {
    this.#world = world
    this.#chooser = chooser
    this.story = story ? [] : undefined
  }

  /** Goes on until `done`. Without faults there is no choice: all goes its usual way. */
  async until(done: () => boolean, faults?: Faults): Promise<void> {
    const world = this.#world
    for (;;) {
      await drained()
      if (done()) return
      const steps: (Step | Passing)[] = world.steps.enabled()
      const { chain } = world.steps
      const usual = Math.max(
        0,
        steps.findIndex((option) => (option as Step).chain === chain),
      )
      if (steps.length === 0 && !this.#onlyTime(steps)) return
      let option: Option | undefined = steps[usual]
      if (faults !== undefined) {
        option = this.#choose(new Options(steps, usual, faults))
        if (option === undefined) return
      }
      this.#take(option as Option)
      if (world.taken < MOST_STEPS) continue
      world.history.troubles.push({ at: world.moment, what: `no end after ${MOST_STEPS} steps` })
      return
    }
  }

  /** Until nothing is left to happen but with time. */
  settle(): Promise<void> {
    const { steps } = this.#world
    return this.until(() => steps.pending.length === 0)
  }

  /** Time goes by, and whatever falls due happens at its time. */
  async pass(milliseconds: number): Promise<void> {
    const { time } = this.#world
    const end = time.now + milliseconds
    while (time.now < end) {
      time.advance(Math.min(time.untilNext() ?? milliseconds, end - time.now))
      await this.settle()
    }
  }

  #onlyTime(options: (Step | Passing)[]): boolean {
    const { time, history, moment } = this.#world
    const by = time.untilNext()
    if (by === undefined) {
      history.troubles.push({ at: moment, what: 'somebody waits for ever' })
      return false
    }
    options.push({
      kind: 'time',
      text: `${by} ms pass, since nothing else can happen`,
      run: () => time.advance(by),
    })
    return true
  }

  /** Undefined where it is not worth going on. */
  #choose(options: Options): Option | undefined {
    const at = this.#chooser.choose(options)
    this.cut = at === CUT
    if (!this.cut && options.open) {
      this.choices.push(at)
      this.usual.push(options.usual)
      this.name.add(at)
    }
    return this.cut ? undefined : options.at(at)
  }

  #take(option: Option): void {
    const { steps, time } = this.#world
    this.#world.taken++
    if (this.story !== undefined) {
      const text = typeof option.text === 'string' ? option.text : option.text()
      this.story.push(`${String(this.#world.taken).padStart(4)}  ${String(time.now).padStart(6)} ms  ${text}`)
    }
    if ('chain' in option) steps.take(option)
    else option.run()
  }
}
