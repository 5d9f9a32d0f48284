/** How an entry's time in memory is to be judged; moments on the monotonic clock. */
export interface Timed {
  /** The end of its lifetime, however often it is read. */
  readonly endsAt: number
  /** Up to when memory may answer it. */
  readonly memoryUntil: number
  /** Without being read for so long it ends. Undefined where its lifetime does not slide. */
  readonly idleMs: number | undefined
  /** How often the store must be told that it is being read. Undefined where there is nobody to be told. */
  readonly tellMs: number | undefined
  /** From when on a read may have it refreshed ahead of its end. Undefined where none does. */
  readonly aheadFrom: number | undefined
}

/** Part of an idle time: uses less far apart than that are not told to the store. */
export const TOLD_EVERY = 0.25

/**
 * The times of an entry in memory for which one end is not enough. Moments are whole milliseconds and never later, and
 * what there is not is undefined: numbers that are neither would be objects of their own, in every entry.
 */
export class Timing {
  readonly #endsAt: number
  readonly #memoryUntil: number
  readonly #idleMs: number | undefined
  readonly #tellMs: number | undefined
  readonly #aheadFrom: number | undefined
  #usedAt: number
  #toldAt: number

  constructor({ endsAt, memoryUntil, idleMs, tellMs, aheadFrom }: Timed, now: number) {
    this.#endsAt = Math.floor(endsAt)
    this.#memoryUntil = Math.floor(memoryUntil)
    this.#idleMs = idleMs
    this.#tellMs = tellMs
    this.#aheadFrom = aheadFrom === undefined ? undefined : Math.floor(aheadFrom)
    this.#usedAt = Math.floor(now)
    this.#toldAt = this.#usedAt
  }

  /** The end of its lifetime, as far as it has been read until now. */
  get freshUntil(): number {
    return this.#idleMs === undefined ? this.#endsAt : Math.min(this.#endsAt, this.#usedAt + this.#idleMs)
  }

  get memoryUntil(): number {
    return Math.min(this.#memoryUntil, this.freshUntil)
  }

  /** Up to when a hit need not look here. Where every use counts, it has to from the beginning. */
  get unseenUntil(): number {
    if (this.#idleMs !== undefined) return this.#usedAt
    return Math.min(this.#memoryUntil, this.#aheadFrom ?? this.#memoryUntil)
  }

  /** Whether an answer is all there is to do: no refresh is to be thought of, and nobody is to be told. */
  plain(now: number): boolean {
    if (now >= this.memoryUntil || this.mustTell(now)) return false
    return this.#aheadFrom === undefined || now < this.#aheadFrom
  }

  mustTell(now: number): boolean {
    return this.#tellMs !== undefined && now >= this.#toldAt + this.#tellMs
  }

  told(now: number): void {
    this.#toldAt = Math.floor(now)
  }

  use(now: number): void {
    this.#usedAt = Math.floor(now)
  }
}
