import { CacheError } from '../core/errors.ts'
import { Turns } from '../core/turns.ts'

/** How many loads may run at once, and how many more may wait for their turn. */
export interface LoadLimit {
  readonly concurrency: number
  readonly queue: number
}

/** What may stop waiting for its turn, and begin without. */
export interface Hurried {
  readonly hurried: boolean
  /** Calls back once it is. */
  onHurry(begin: () => void): void
}

/** A limit at work, and whose it is. */
interface Limited {
  readonly whose: string
  readonly turns: Turns
}

/**
 * Keeps loads from overwhelming their source when much is missing at once: after a cold start, a failover, an outage of
 * the store. A load that is part of another one needs no turn of its own, since the two would wait for each other.
 */
export class LoadLimits {
  readonly #all: Limited | undefined
  readonly #families: ReadonlyMap<string, Limited>

  constructor(all: LoadLimit | undefined, families: ReadonlyMap<string, LoadLimit>) {
    this.#all = all && limited(all, 'createCache')
    this.#families = new Map([...families].map(([name, limit]) => [name, limited(limit, name)]))
  }

  /** How many loads wait for a turn. */
  get waiting(): number {
    let waiting = this.#all?.turns.waiting ?? 0
    for (const { turns } of this.#families.values()) waiting += turns.waiting
    return waiting
  }

  /**
   * Loads once it is the turn of every family concerned, and of the cache; without a turn once somebody who has one waits
   * for any of `loads`. Rejects with `OVERLOADED` at once.
   */
  run<T>(
    families: Iterable<string | undefined>,
    load: () => Promise<T>,
    loads: readonly Hurried[] = [],
  ): Promise<T> {
    if (this.#all === undefined && this.#families.size === 0) return load()
    // Always in this order, so that no two loads hold what the other waits for.
    const limits = [...new Set(families)].sort().flatMap((name) => this.#families.get(name ?? '') ?? [])
    if (this.#all !== undefined) limits.push(this.#all)
    return inTurn(limits, load, loads)
  }
}

async function inTurn<T>(
  limits: readonly Limited[],
  load: () => Promise<T>,
  loads: readonly Hurried[],
): Promise<T> {
  const taken: Turns[] = []
  const onHurry = (begin: () => void) => {
    for (const one of loads) one.onHurry(begin)
  }
  try {
    for (const { turns, whose } of limits) {
      if (loads.some(({ hurried }) => hurried)) break
      if (turns.full) throw overloaded(turns, whose)
      if (await turns.takeUnless(onHurry)) taken.push(turns)
    }
    return await load()
  } finally {
    for (const turns of taken) turns.give()
  }
}

function limited({ concurrency, queue }: LoadLimit, whose: string): Limited {
  return { whose, turns: new Turns(concurrency, queue) }
}

function overloaded({ running, waiting }: Turns, whose: string): CacheError {
  return new CacheError(
    'OVERLOADED',
    `${whose}: ${running} loads run and ${waiting} wait, which is all that loads.concurrency and loads.queue allow. Shed load, or raise them if the source can take more.`,
  )
}
