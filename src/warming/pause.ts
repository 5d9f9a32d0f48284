import type { Clock } from '../core/clock.ts'

/** Resolves after so many milliseconds, or when the signal is aborted. */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(milliseconds, end, true)
    signal.addEventListener('abort', end)
  })
}

/** What `asked` resolves to, or undefined as soon as the signal is aborted. Leaves nothing behind on the signal. */
export function unlessAborted<T>(asked: T | Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      resolve(undefined)
      return
    }
    const leave = () => resolve(undefined)
    signal.addEventListener('abort', leave)
    Promise.resolve(asked)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', leave))
  })
}
