import type { FillReply } from '../core/store.ts'

/** How many fills of one process are under way at once. More would wait for one another in the store, timed. */
const MOST_FILLS = 256

interface Waiting {
  begin(): void
  reject(error: unknown): void
}

/**
 * Where the fills of large batches wait for one another. The time of one that waits here does not run; when one fails
 * those that wait fail with it, since the store counts as away.
 */
export class FillLine {
  #running = 0
  #waiting: Waiting[] = []

  /** @param fill calls `onEnd` once it is answered, or given up, with what it failed with */
  run(fill: (onEnd: (error?: unknown) => void) => Promise<FillReply>): Promise<FillReply> {
    if (this.#running < MOST_FILLS) return this.#begin(fill)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ begin: () => this.#begin(fill).then(resolve, reject), reject })
    })
  }

  #begin(fill: (onEnd: (error?: unknown) => void) => Promise<FillReply>): Promise<FillReply> {
    this.#running++
    return fill(this.#onEnd)
  }

  readonly #onEnd = (error?: unknown): void => {
    this.#running--
    if (error !== undefined) for (const { reject } of this.#waiting.splice(0)) reject(error)
    else this.#waiting.shift()?.begin()
  }
}
