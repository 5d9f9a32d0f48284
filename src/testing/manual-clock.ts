import type { Clock } from '../core/clock.ts'

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /**
   * Moves both clocks on and runs the timers that fall due, in order of their times, letting promises settle after
   * each. Resolves when all that follows from them without further time has run.
   */
  advance(milliseconds: number): Promise<void>
  /** Sets the wall clock alone, as an administrator or a suspended machine does. */
  setWallClock(time: number): void
  /** Timers not yet due. */
  readonly pending: number
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

/**
 * A clock for tests: time moves only by `advance`, so that nothing sleeps and every run is alike.
 *
 * @example
 * ```ts
 * import { createCache } from 'coherent-cache'
 * import { manualClock } from 'coherent-cache/testing'
 *
 * const clock = manualClock()
 * const cache = createCache({ name: 'shop', ttl: '5s', clock })
 * await cache.get('user:7', () => 'Asha')
 * await clock.advance(5_000)
 * cache.peek('user:7') // undefined: its lifetime is over
 * ```
 */
export function manualClock(start: number | string | Date = '2026-01-01T00:00:00Z'): ManualClock {
  let wall = new Date(start).getTime()
  let monotonic = 1_000
  const timers = new Set<Timer>()
  const next = (until: number): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers)
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer
    return first
  }
  const moveTo = (time: number) => {
    wall += time - monotonic
    monotonic = time
  }
  return {
    now: () => wall,
    monotonic: () => monotonic,
    after(milliseconds, run) {
      const timer: Timer = { at: monotonic + milliseconds, run }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    async advance(milliseconds) {
      const until = monotonic + milliseconds
      await settle()
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        timers.delete(timer)
        moveTo(Math.max(monotonic, timer.at))
        timer.run()
        await settle()
      }
      moveTo(until)
      await settle()
    },
    setWallClock(time) {
      wall = time
    },
    get pending() {
      return timers.size
    },
  }
}

/** Lets everything run that waits for no time: promises, and what they schedule. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}
