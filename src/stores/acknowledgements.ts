import type { Clock } from '../core/clock.ts'

/** One invalidation whose makers wait for those who may be answering from memory. */
interface Waiting {
  readonly acknowledged: Set<string>
  missing: Set<string> | undefined
  resolve: () => void
}

/**
 * Gathers the acknowledgements of invalidations: who has heard, and whether all have whose memory lease was live. A
 * holder that stays silent is waited for until its lease has run out, by T and 2 % for the drift of clocks.
 */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #waiting = new Map<string, Waiting>()

  constructor(clock: Clock, maxStalenessMs: number) {
    this.#clock = clock
    this.#patienceMs = maxStalenessMs * 1.02
  }

  /** To be called before the invalidation is sent: an acknowledgement may be faster than the reply. */
  expect(id: string): void {
    this.#waiting.set(id, { acknowledged: new Set(), missing: undefined, resolve: () => {} })
  }

  /** A process has applied the invalidation. Of one that nobody waits for it tells nothing. */
  note(id: string, process: string): void {
    const waiting = this.#waiting.get(id)
    waiting?.acknowledged.add(process)
    waiting?.missing?.delete(process)
    if (waiting?.missing?.size === 0) waiting.resolve()
  }

  /** Resolves when all of these have acknowledged, or their leases have run out. */
  wait(id: string, holders: readonly string[]): Promise<void> {
    const waiting = this.#waiting.get(id)
    const missing = new Set(holders.filter((holder) => !waiting?.acknowledged.has(holder)))
    if (waiting === undefined || missing.size === 0) {
      this.#waiting.delete(id)
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#patienceMs, () => waiting.resolve())
      waiting.missing = missing
      waiting.resolve = () => {
        cancel()
        this.#waiting.delete(id)
        resolve()
      }
    })
  }

  /** The invalidation failed, or was none. */
  forget(id: string): void {
    this.#waiting.delete(id)
  }
}
