import type { Clock } from './clock.ts'
import { CacheError } from './errors.ts'

/**
 * What a step of the store answers, if it does in time. A step that is given up may still happen.
 *
 * @throws CacheError `STORE_UNAVAILABLE` after `milliseconds`; else what the step throws.
 */
export function within<T>(clock: Clock, milliseconds: number, step: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () =>
      reject(
        new CacheError(
          'STORE_UNAVAILABLE',
          `The store did not answer within ${milliseconds} ms (storeTimeout).`,
        ),
      ),
    )
    step().then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error) => {
        cancel()
        reject(error as Error)
      },
    )
  })
}
