import type { CancelTimer, Clock } from './clock.ts'
import { CacheError } from './errors.ts'

/** In how many parts the time is waited for. */
const PARTS = 4

/**
 * What a step of the store answers, if it does in time. A step that is given up may still happen.
 *
 * The time is waited for in parts, each a turn of the event loop at least: while this process was busy with something
 * else, the answer may have been waiting for it rather than the other way round.
 *
 * @param onEnd is called once, just before the promise settles, with what it rejects with
 * @throws CacheError `STORE_UNAVAILABLE` after `milliseconds`; else what the step throws.
 */
export function within<T>(
  clock: Clock,
  milliseconds: number,
  step: () => Promise<T>,
  onEnd: (error?: unknown) => void = nothing,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let cancel: CancelTimer = () => {}
    let over = false
    const end = (settle: () => void, error?: unknown): void => {
      if (over) return
      over = true
      cancel()
      onEnd(error)
      settle()
    }
    const fail = (error: unknown) => end(() => reject(error as Error), error)
    const wait = (parts: number): void => {
      cancel = clock.after(milliseconds / PARTS, () => {
        if (parts > 1) wait(parts - 1)
        else fail(unanswered(milliseconds))
      })
    }
    wait(PARTS)
    step().then((value) => end(() => resolve(value)), fail)
  })
}

function nothing(): void {}

function unanswered(milliseconds: number): CacheError {
  return new CacheError(
    'STORE_UNAVAILABLE',
    `The store did not answer within ${milliseconds} ms (storeTimeout).`,
  )
}
