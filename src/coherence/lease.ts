/**
 * The time during which this process may answer from memory: it has heard every invalidation, or hears each in the
 * instant it happens. A memory hit compares one number.
 */
export class MemoryLease {
  /** Monotonic time until which it holds. */
  until = Number.NEGATIVE_INFINITY
  /** Counts losses: work begun under one lease must not rely on the next. */
  term = 0

  grant(until: number): void {
    this.until = until
  }

  lose(): void {
    this.until = Number.NEGATIVE_INFINITY
    this.term++
  }

  held(now: number): boolean {
    return now < this.until
  }
}
