import type { Fault, Faults } from './faults.ts'
import { drained, type Step } from './steps.ts'
import type { World } from './world.ts'

/** What could happen next: a step, trouble, or nothing but time. */
export type Option = Step | Fault | { readonly kind: 'time'; readonly text: string; readonly run: () => void }

/** Chooses what happens next. */
export interface Chooser {
  /**
   * @param usual the place of what would happen if nobody interfered: what happens now goes on.
   * @returns the place of the chosen one; {@link CUT} where going on is not worth it.
   */
  choose(options: readonly Option[], usual: number, world: World): number
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
  #hash = 0x811c_9dc5
  #hashed = 0

  constructor(world: World, chooser: Chooser, story: boolean) {
    this.#world = world
    this.#chooser = chooser
    this.story = story ? [] : undefined
  }

  /** Names the schedule among those of its scenario. */
  get hash(): number {
    return (this.#hash >>> 0) * 0x20_0000 + (this.#hashed & 0x1f_ffff)
  }

  /** Goes on until `done`. Without faults there is no choice: all goes its usual way. */
  async until(done: () => boolean, faults?: Faults): Promise<void> {
    const world = this.#world
    for (;;) {
      await drained()
      if (done()) return
      const options: Option[] = world.steps.enabled()
      const { chain } = world.steps
      const usual = Math.max(
        0,
        options.findIndex((option) => (option as Step).chain === chain),
      )
      if (options.length === 0 && !this.#onlyTime(options)) return
      let at = usual
      if (faults !== undefined) {
        if (faults.any) options.push(...faults.possible())
        at = this.#choose(options, usual)
        if (at === CUT) return
      }
      this.#take(options[at] as Option)
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

  #onlyTime(options: Option[]): boolean {
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

  #choose(options: readonly Option[], usual: number): number {
    const at = this.#chooser.choose(options, usual, this.#world)
    this.cut = at === CUT
    if (this.cut || options.length === 1) return at
    this.choices.push(at)
    this.usual.push(usual)
    this.#hash = Math.imul(this.#hash ^ at, 0x0100_0193)
    this.#hashed = Math.imul(this.#hashed + at + 1, 0x9e37_79b1) ^ (this.#hashed >>> 15)
    return at
  }

  #take(option: Option): void {
    const { steps, time } = this.#world
    this.#world.taken++
    if (this.story !== undefined) {
      const text = typeof option.text === 'string' ? option.text : option.text()
      this.story.push(`${String(this.#world.taken).padStart(4)}  ${String(time.now).padStart(6)} ms  ${text}`)
    }
    if ('id' in option) steps.take(option)
    else option.run()
  }
}
