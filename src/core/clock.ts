/** Undoes a timer. Calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void

/**
 * Time, as the library knows it. Everything that waits, expires or measures goes through this port, so that a
 * test can hold time still (`manualClock` in `coherent-cache/testing`).
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. May jump; never used to decide whether a value is valid. */
  now(): number
  /** Milliseconds on a clock that never goes back. Its zero has no meaning. */
  monotonic(): number
  /**
   * Runs `callback` once, after at least `milliseconds`. Keeps the process alive only where it is `awaited`: where a
   * promise that a caller has does not settle without it.
   */
  after(milliseconds: number, callback: () => void, awaited?: boolean): CancelTimer
}

/** Node.js lets a longer one fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: performance.now.bind(performance),
  after(milliseconds, callback, awaited = false) {
    let timer: NodeJS.Timeout
    const wait = (left: number): void => {
      const next = left > LONGEST_TIMER_MS ? () => wait(left - LONGEST_TIMER_MS) : callback
      timer = setTimeout(next, Math.min(left, LONGEST_TIMER_MS))
      if (!awaited) timer.unref()
    }
    wait(milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Resolves after at least `milliseconds` of the given clock; `awaited` as in {@link Clock.after}. */
export function sleep(clock: Clock, milliseconds: number, awaited = false): Promise<void> {
  return new Promise((resolve) => {
    clock.after(milliseconds, resolve, awaited)
  })
}
