import type { ReadWishes } from './request.ts'

/** A value's times, on the monotonic clock. */
export interface Lifetime {
  readonly freshUntil: number
}

/** What age allows: to answer, to answer while it is loaded anew, to answer if that fails, or nothing. */
export type Verdict = 'fresh' | 'stale' | 'reserve' | 'expired'

/**
 * What a valid value's age allows it to be used for. Validity comes first and elsewhere: nothing that an invalidation
 * made void is ever judged here.
 */
export function judge({ freshUntil }: Lifetime, now: number, wishes: ReadWishes): Verdict {
  if (now < freshUntil) return 'fresh'
  if (now < freshUntil + wishes.staleWhileRevalidateMs) return 'stale'
  return now < freshUntil + wishes.staleIfErrorMs ? 'reserve' : 'expired'
}
