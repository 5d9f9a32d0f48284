import type { ReadWishes } from './request.ts'

/** A value's times in memory, on the monotonic clock. */
export interface Lifetime {
  readonly freshUntil: number
  /** Up to when memory may answer it without asking the store: never after `freshUntil`. */
  readonly memoryUntil: number
}

/**
 * What age allows: to answer, to answer once the store has been asked, to answer while it is loaded anew, to answer if
 * that fails, or nothing.
 */
export type Verdict = 'fresh' | 'unconfirmed' | 'stale' | 'reserve' | 'expired'

/**
 * What a valid value's age allows it to be used for. Validity comes first and elsewhere: nothing that an invalidation
 * made void is ever judged here.
 */
export function judge({ freshUntil, memoryUntil }: Lifetime, now: number, wishes: ReadWishes): Verdict {
  if (now < memoryUntil) return 'fresh'
  if (now < freshUntil) return 'unconfirmed'
  if (now < freshUntil + wishes.staleWhileRevalidateMs) return 'stale'
  return now < freshUntil + wishes.staleIfErrorMs ? 'reserve' : 'expired'
}
