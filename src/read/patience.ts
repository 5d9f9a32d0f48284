import type { Clock } from '../core/clock.ts'
import { CacheError } from '../core/errors.ts'
import type { Flight, Landed } from '../loading/flight.ts'
import type { ReadWishes } from './request.ts'

/**
 * Waits for a flight as long as its reader wants to. `reserve` gives a value past its lifetime, if one may still be
 * answered at that moment: after the soft timeout, or when the load fails.
 */
export async function waitFor(
  flight: Flight,
  wishes: ReadWishes,
  clock: Clock,
  reserve: () => Landed | undefined,
): Promise<Landed> {
  flight.join()
  if (wishes.signal === undefined && wishes.softMs === undefined && wishes.hardMs === undefined) {
    return wishes.staleIfErrorMs === 0 ? flight.landed : orReserve(flight, reserve)
  }
  const undo: (() => void)[] = []
  const landed = wishes.staleIfErrorMs === 0 ? flight.landed : orReserve(flight, reserve)
  const impatient = new Promise<Landed>((resolve, reject) => {
    const { signal, softMs, hardMs } = wishes
    if (softMs !== undefined) {
      undo.push(
        clock.after(softMs, () => {
          const held = reserve()
          if (held !== undefined) resolve(held)
        }),
      )
    }
    if (hardMs !== undefined) {
      undo.push(clock.after(hardMs, () => reject(timedOut(flight.plan.key, hardMs))))
    }
    if (signal !== undefined) {
      const abort = () => {
        flight.leave(signal.reason)
        reject(
          new CacheError('ABORTED', 'The reader gave up waiting: its signal was aborted.', {
            key: flight.plan.key,
            cause: signal.reason,
          }),
        )
      }
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort, { once: true })
      undo.push(() => signal.removeEventListener('abort', abort))
    }
  })
  try {
    return await Promise.race([landed, impatient])
  } finally {
    for (const step of undo) step()
  }
}

async function orReserve(flight: Flight, reserve: () => Landed | undefined): Promise<Landed> {
  try {
    return await flight.landed
  } catch (error) {
    const held = reserve()
    if (held === undefined) throw error
    return held
  }
}

function timedOut(key: string, hardMs: number): CacheError {
  return new CacheError(
    'TIMEOUT',
    `Loading ${key} took longer than its hard timeout of ${hardMs} ms. The load goes on and its value will be kept.`,
    { key },
  )
}
