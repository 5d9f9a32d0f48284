import type { StampName } from '../core/stamp.ts'

/** A fill under way, which an invalidation of anything it relies on revokes. */
export interface Reservation {
  readonly key: string
  readonly stamps: readonly StampName[]
  /** The log's position when it was made. */
  readonly since: number
}

/** More than this and the log starts afresh, revoking every fill under way. */
const MOST_REMEMBERED = 50_000

/**
 * Remembers what was touched while fills are under way, so that a fill can tell at its end whether anything it relies
 * on was touched since its beginning. Costs one number per touch and nothing while no fill runs.
 */
export class TouchLog {
  #position = 0
  #open = 0
  /** Every reservation made at or before this position is revoked. */
  #floor = -1
  readonly #stamps = new Map<StampName, number>()
  readonly #keys = new Map<string, number>()

  reserve(key: string, stamps: readonly StampName[]): Reservation {
    this.#open++
    return { key, stamps, since: this.#position }
  }

  release(_reservation: Reservation): void {
    if (--this.#open > 0) return
    // A fill that ends may still be asked about: with the log gone, only one that nothing at all has touched is intact.
    this.#floor = this.#position - 1
    this.#stamps.clear()
    this.#keys.clear()
  }

  stamp(name: StampName): void {
    this.#note(this.#stamps, name)
  }

  key(key: string): void {
    this.#note(this.#keys, key)
  }

  everything(): void {
    this.#floor = this.#position++
    this.#stamps.clear()
    this.#keys.clear()
  }

  intact({ key, stamps, since }: Reservation): boolean {
    if (since <= this.#floor) return false
    if (this.#position === since) return true
    if ((this.#keys.get(key) ?? -1) >= since) return false
    for (const name of stamps) if ((this.#stamps.get(name) ?? -1) >= since) return false
    return true
  }

  /** Whether the fill's key or one of its stamps is known to have been touched: not where everything was. */
  touched({ key, stamps, since }: Reservation): boolean {
    if (this.#floor >= since) return false
    if ((this.#keys.get(key) ?? -1) >= since) return true
    return stamps.some((name) => (this.#stamps.get(name) ?? -1) >= since)
  }

  #note(log: Map<string, number>, name: string): void {
    if (this.#open === 0) return
    log.set(name, this.#position++)
    if (log.size > MOST_REMEMBERED) this.everything()
  }
}
