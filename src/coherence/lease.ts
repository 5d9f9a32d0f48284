/**
 * The time during which this process may answer from memory: it can prove that it has heard every invalidation up to
 * T ago. A memory hit compares one number.
 */
export class MemoryLease {
  /** Monotonic time until which it holds. */
  until = Number.NEGATIVE_INFINITY
  /** Counts losses of the subscription: work begun before one must not rely on what was heard after. */
  term = 0
  /** Whether memory was asked since the last heartbeat. */
  used = false
  /** Called by a read that found no lease. */
  onWanted: (() => void) | undefined

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

  /** Memory would have been asked, had there been a lease. */
  want(): void {
    this.used = true
    this.onWanted?.()
  }
}
