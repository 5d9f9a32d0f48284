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
  /** Runs `callback` once, after at least `milliseconds`. Does not keep the process alive. */
  after(milliseconds: number, callback: () => void): CancelTimer
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: performance.now.bind(performance),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after at least `milliseconds` of the given clock. */
export function sleep(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(milliseconds, resolve)
  })
}
