/** How an entry's time in memory is to be judged; moments on the monotonic clock. */
export interface Timed {
  /** The end of its lifetime, however often it is read. */
  readonly endsAt: number
  /** Up to when memory may answer it. */
  readonly memoryUntil: number
  /** Without being read for so long it ends. Infinity where its lifetime does not slide. */
  readonly idleMs: number
  /** How often the store must be told that it is being read. Infinity where there is nobody to be told. */
  readonly tellMs: number
  /** From when on a read may have it refreshed ahead of its end. Infinity where none does. */
  readonly aheadFrom: number
}

/** Part of an idle time: uses less far apart than that are not told to the store. */
export const TOLD_EVERY = 0.25

/** The times of an entry in memory for which one end is not enough. */
export class Timing {
  readonly #timed: Timed
  #usedAt: number
  #toldAt: number

  constructor(timed: Timed, now: number) {
    this.#timed = timed
    this.#usedAt = now
    this.#toldAt = now
  }

  /** The end of its lifetime, as far as it has been read until now. */
  get freshUntil(): number {
    return Math.min(this.#timed.endsAt, this.#usedAt + this.#timed.idleMs)
  }

  get memoryUntil(): number {
    return Math.min(this.#timed.memoryUntil, this.freshUntil)
  }

  /** Up to when a hit need not look here. Where every use counts, it has to from the beginning. */
  get unseenUntil(): number {
    const { memoryUntil, aheadFrom, idleMs } = this.#timed
    return Number.isFinite(idleMs) ? Number.NEGATIVE_INFINITY : Math.min(memoryUntil, aheadFrom)
  }

  /** Whether an answer is all there is to do: no refresh is to be thought of, and nobody is to be told. */
  plain(now: number): boolean {
    return now < this.memoryUntil && now < this.#timed.aheadFrom && !this.mustTell(now)
  }

  mustTell(now: number): boolean {
    return now >= this.#toldAt + this.#timed.tellMs
  }

  told(now: number): void {
    this.#toldAt = now
  }

  use(now: number): void {
    this.#usedAt = now
  }
}
