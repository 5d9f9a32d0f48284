import { CacheError } from '../core/errors.ts'

/** How many loads may run at once, and how many more may wait for their turn. */
export interface LoadLimit {
  readonly concurrency: number
  readonly queue: number
}

/** The turns of one limit, in the order in which they were asked for. */
class Turns {
  readonly #limit: LoadLimit
  readonly #whose: string
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: LoadLimit, whose: string) {
    this.#limit = limit
    this.#whose = whose
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** @throws CacheError `OVERLOADED` where too many wait already. */
  async take(): Promise<void> {
    if (this.#running < this.#limit.concurrency) {
      this.#running++
      return
    }
    if (this.#waiting.length >= this.#limit.queue) {
      throw new CacheError(
        'OVERLOADED',
        `${this.#whose}: ${this.#running} loads run and ${this.#waiting.length} wait, which is all that loads.concurrency and loads.queue allow. Shed load, or raise them if the source can take more.`,
      )
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** Hands the turn on. */
  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

/**
 * Keeps loads from overwhelming their source when much is missing at once: after a cold start, a failover, an outage of
 * the store. A load that is part of another one needs no turn of its own, since the two would wait for each other.
 */
export class LoadLimits {
  readonly #all: Turns | undefined
  readonly #families: ReadonlyMap<string, Turns>

  constructor(all: LoadLimit | undefined, families: ReadonlyMap<string, LoadLimit>) {
    this.#all = all && new Turns(all, 'createCache')
    this.#families = new Map([...families].map(([name, limit]) => [name, new Turns(limit, name)]))
  }

  /** How many loads wait for a turn. */
  get waiting(): number {
    let waiting = this.#all?.waiting ?? 0
    for (const turns of this.#families.values()) waiting += turns.waiting
    return waiting
  }

  /** Loads once it is the turn of every family concerned, and of the cache. Rejects with `OVERLOADED` at once. */
  run<T>(families: Iterable<string | undefined>, load: () => Promise<T>): Promise<T> {
    if (this.#all === undefined && this.#families.size === 0) return load()
    // Always in this order, so that no two loads hold what the other waits for.
    const turns = [...new Set(families)].sort().flatMap((name) => this.#families.get(name ?? '') ?? [])
    if (this.#all !== undefined) turns.push(this.#all)
    return inTurn(turns, load)
  }
}

async function inTurn<T>(turns: readonly Turns[], load: () => Promise<T>): Promise<T> {
  const taken: Turns[] = []
  try {
    for (const one of turns) {
      await one.take()
      taken.push(one)
    }
    return await load()
  } finally {
    for (const one of taken) one.give()
  }
}
