import type { CancelTimer, Clock } from '../../src/core/clock.ts'
import type { Step, Steps } from './steps.ts'

interface Timer {
  readonly at: number
  readonly process: string
  readonly chain: number
  readonly callback: () => void
  step: Step | undefined
}

const WALL_CLOCK_ZERO = Date.UTC(2026, 0, 1)

/**
 * The time of a whole world. It moves only when told to; a timer that falls due then becomes a step, which may come as
 * late as any other, so that a process may be paused for any time.
 */
export class Time {
  readonly #steps: Steps
  readonly #timers = new Set<Timer>()
  readonly #gone = new Set<string>()
  now = 1_000

  constructor(steps: Steps) {
    this.#steps = steps
  }

  clockOf(process: string): Clock {
    return {
      now: () => WALL_CLOCK_ZERO + this.now,
      monotonic: () => this.now,
      after: (milliseconds, callback) => this.#after(process, milliseconds, callback),
    }
  }

  advance(milliseconds: number): void {
    this.now += milliseconds
    const due = [...this.#timers].filter(({ at }) => at <= this.now).sort((one, other) => one.at - other.at)
    for (const timer of due) {
      this.#timers.delete(timer)
      const { process, chain, at, callback } = timer
      timer.step = this.#steps.add({
        kind: 'timer',
        process,
        chain,
        lane: `timers of ${process}`,
        text: () => `a timer of ${process} fires, due at ${at}`,
        run: callback,
      })
    }
  }

  /** How long until the next timer, of one process or of any; undefined where none is set. */
  untilNext(process?: string): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const timer of this.#timers) {
      if (process === undefined || timer.process === process) next = Math.min(next, timer.at)
    }
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(0, next - this.now)
  }

  /** The timers of a process that is no more. */
  forget(process: string): void {
    this.#gone.add(process)
    for (const timer of this.#timers) if (timer.process === process) this.#timers.delete(timer)
  }

  #after(process: string, milliseconds: number, callback: () => void): CancelTimer {
    const timer: Timer = {
      at: this.now + milliseconds,
      process,
      chain: this.#steps.chain,
      callback,
      step: undefined,
    }
    if (!this.#gone.has(process)) this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
      if (timer.step !== undefined) this.#steps.drop(timer.step)
    }
  }
}
