import { setTimeout as sleep } from 'node:timers/promises'

/** A database with a few connections: what finds none free waits for its turn, first come, first served. */
export class ScarceSource {
  readonly #waiting: (() => void)[] = []
  #free: number
  #asked = 0
  /** How many queries there were, and how many at most were running or waiting at once. */
  queries = 0
  peak = 0

  constructor(connections: number) {
    this.#free = connections
  }

  async query(milliseconds: number): Promise<void> {
    this.queries++
    this.peak = Math.max(this.peak, ++this.#asked)
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await sleep(milliseconds)
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
    this.#asked--
  }
}
