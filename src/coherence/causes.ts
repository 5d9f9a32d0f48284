import type { Cause } from '../core/events.ts'
import { ROOT } from '../core/stamp.ts'

/** An invalidation this process made or heard of. */
export interface HeardCause {
  /** Wall-clock milliseconds since 1970. */
  readonly at: number
  readonly stamps: readonly string[]
  readonly keys: readonly string[]
  readonly everyKey: boolean
  readonly cause: Cause | undefined
}

const REMEMBERED = 512

/** The last invalidations heard, for `explain`. Bounded; the oldest is forgotten first. */
export class Causes {
  readonly #ring: HeardCause[] = []
  #next = 0

  note(heard: HeardCause): void {
    this.#ring[this.#next] = heard
    this.#next = (this.#next + 1) % REMEMBERED
  }

  /** The latest one that concerned this key or one of these stamps. */
  last(key: string, stamps: readonly string[]): HeardCause | undefined {
    const names = new Set(stamps)
    for (let back = 1; back <= this.#ring.length; back++) {
      const heard = this.#ring.at((this.#next - back + REMEMBERED) % REMEMBERED) as HeardCause | undefined
      if (heard === undefined) continue
      if (heard.everyKey || heard.keys.includes(key)) return heard
      if (heard.stamps.some((name) => name === ROOT || names.has(name))) return heard
    }
    return undefined
  }
}
