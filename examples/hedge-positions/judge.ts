import type { ReceiptStatus } from 'coherent-cache'

/** Times of the machine's monotonic clock, which all its processes share, in nanoseconds. */
export interface Seen {
  readonly place: string
  readonly beganAt: bigint
  readonly hedged: number
  readonly tier: string
}
export interface Booked {
  readonly place: string
  /** When the booking had committed, as its desk knew it: not before the COMMIT. */
  readonly committedAt: bigint
  readonly hedged: number
  readonly status: ReceiptStatus
}

/**
 * Reads that show what was hedged before a booking that had committed when they began. Of a booking that had to go on
 * without Redis nothing is promised; its receipt says so.
 */
export function olderThanPromised(seen: readonly Seen[], booked: readonly Booked[]): Seen[] {
  return seen.filter(({ place, beganAt, hedged }) =>
    booked.some(
      (one) =>
        one.place === place && one.status === 'applied' && one.committedAt < beganAt && one.hedged > hedged,
    ),
  )
}
