import type { Clock } from '../core/clock.ts'
import { CacheError } from '../core/errors.ts'
import type { ReadWishes } from './request.ts'

/** What a reader waits for: a flight, or a load of its own. */
export interface Awaited<T> {
  readonly plan: { readonly key: string }
  readonly landed: Promise<T>
  /** Whether its value may be kept, should its reader not wait for it. */
  readonly keeps: boolean
  /** Resolves once there may be a value past its lifetime to answer. */
  whenOffered?(): Promise<void>
  join(): void
  /** The reader has got something else; the load goes on. */
  detach(): void
  /** The reader gives up. */
  leave(reason: unknown): void
}

/** Why a reader would take a value past its lifetime: at once, because the load is slow, or because it has failed. */
export type ReserveWhen = 'stale' | 'slow' | 'failed'

/**
 * Waits for a flight as long as its reader wants to. `reserve` gives a value past its lifetime, if one may still be
 * answered at that moment.
 */
export function waitFor<T>(
  flight: Awaited<T>,
  wishes: ReadWishes,
  clock: Clock,
  reserve: (when: ReserveWhen) => T | undefined,
): Promise<T> {
  flight.join()
  const { signal, softMs, hardMs, staleIfErrorMs, staleWhileRevalidateMs } = wishes
  const landed = staleIfErrorMs === 0 ? flight.landed : orReserve(flight, reserve)
  const offered = staleWhileRevalidateMs === 0 ? undefined : flight.whenOffered?.()
  if (signal === undefined && softMs === undefined && hardMs === undefined && offered === undefined)
    return landed
  return waitAtMost(flight, landed, offered, wishes, clock, reserve)
}

/** Waits until its patience is over, where it has any limit. */
async function waitAtMost<T>(
  flight: Awaited<T>,
  landed: Promise<T>,
  offered: Promise<void> | undefined,
  { signal, softMs, hardMs }: ReadWishes,
  clock: Clock,
  reserve: (when: ReserveWhen) => T | undefined,
): Promise<T> {
  const undo: (() => void)[] = []
  const impatient = new Promise<T>((resolve, reject) => {
    const settle = (when: ReserveWhen) => {
      const held = reserve(when)
      if (held === undefined) return
      flight.detach()
      resolve(held)
    }
    // Rather its value, where that has landed in the same moment.
    let over = false
    undo.push(() => {
      over = true
    })
    offered?.then(() => {
      if (!over) settle('stale')
    })
    if (softMs !== undefined) undo.push(clock.after(softMs, () => settle('slow'), true))
    if (hardMs !== undefined) {
      undo.push(
        clock.after(
          hardMs,
          () => {
            flight.detach()
            reject(timedOut(flight, hardMs))
          },
          true,
        ),
      )
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

async function orReserve<T>(flight: Awaited<T>, reserve: (when: ReserveWhen) => T | undefined): Promise<T> {
  try {
    return await flight.landed
  } catch (error) {
    const held = reserve('failed')
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
