import type { Clock } from '../core/clock.ts'
import { CacheError } from '../core/errors.ts'
import type { ReadWishes } from './request.ts'

/** What a reader waits for: a flight, or a load of its own. */
export interface Awaited<T> {
  readonly plan: { readonly key: string }
  readonly landed: Promise<T>
  /** Whether its value may be kept, should its reader not wait for it. */
  readonly keeps: boolean
  join(): void
  /** The reader gives up. */
  leave(reason: unknown): void
}

/**
 * Waits for a flight as long as its reader wants to. `reserve` gives a value past its lifetime, if one may still be
 * answered at that moment: after the soft timeout, or when the load fails.
 */
export async function waitFor<T>(
  flight: Awaited<T>,
  wishes: ReadWishes,
  clock: Clock,
  reserve: () => T | undefined,
): Promise<T> {
  flight.join()
  if (wishes.signal === undefined && wishes.softMs === undefined && wishes.hardMs === undefined) {
    return wishes.staleIfErrorMs === 0 ? flight.landed : orReserve(flight, reserve)
  }
  const undo: (() => void)[] = []
  const landed = wishes.staleIfErrorMs === 0 ? flight.landed : orReserve(flight, reserve)
  const impatient = new Promise<T>((resolve, reject) => {
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
      undo.push(clock.after(hardMs, () => reject(timedOut(flight, hardMs))))
    }
    if (signal !== undefined) {
      const abort = () => {
        flight.leave(signal.reason)
        reject(gaveUp(flight.plan.key, signal))
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

async function orReserve<T>(flight: Awaited<T>, reserve: () => T | undefined): Promise<T> {
  try {
    return await flight.landed
  } catch (error) {
    const held = reserve()
    if (held === undefined) throw error
    return held
  }
}

/** The error of a reader whose signal was aborted. */
export function gaveUp(key: string, { reason }: AbortSignal): CacheError {
  return new CacheError('ABORTED', 'The reader gave up waiting: its signal was aborted.', {
    key,
    cause: reason,
  })
}

function timedOut({ plan: { key }, keeps }: Awaited<unknown>, hardMs: number): CacheError {
  return new CacheError(
    'TIMEOUT',
    `Loading ${key} took longer than its hard timeout of ${hardMs} ms. The load goes on${keeps ? ' and its value will be kept' : ''}.`,
    { key },
  )
}
