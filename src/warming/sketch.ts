/** Rows of counters; a key has one in each. */
const DEPTH = 4

/**
 * Counts of how often keys were added, in memory that does not grow: a count-min sketch (Cormode and Muthukrishnan, 2005)
 * with conservative update (Estan and Varghese, 2002), aged as TinyLFU does it (Einziger, Friedman and Manes, 2017): after
 * `window` additions every counter is halved, so that what was counted long ago fades.
 *
 * **Error.** An aged count is the sum of additions, each halved by every ageing since. An estimate is below it by less
 * than 1, from rounding. It is above it by more than `e / width × N` with a probability of at most `e⁻⁴`, under 2 %, where
 * N, the sum of all aged counts, is at most `window`. Conservative update only makes it smaller.
 */
export class FrequencySketch {
  readonly #counters: Uint32Array
  readonly #mask: number
  readonly #window: number
  #added = 0
  #h1 = 0
  #h2 = 0

  /** @param width counters in a row, a power of two */
  constructor(width: number, window: number) {
    this.#counters = new Uint32Array(DEPTH * width)
    this.#mask = width - 1
    this.#window = window
  }

  /** Counts one addition. @returns the estimate after it, or before the ageing that it brings about */
  add(key: string): number {
    this.#hash(key)
    const counters = this.#counters
    const least = this.#least() + 1
    for (let row = 0; row < DEPTH; row++) {
      const at = this.#place(row)
      if ((counters[at] as number) < least) counters[at] = least
    }
    this.#added++
    return least
  }

  estimate(key: string): number {
    this.#hash(key)
    return this.#least()
  }

  /** Whether it is time to {@link age}. */
  get full(): boolean {
    return this.#added >= this.#window
  }

  /** Halves every count. */
  age(): void {
    const counters = this.#counters
    for (let at = 0; at < counters.length; at++) counters[at] = (counters[at] as number) >>> 1
    this.#added >>>= 1
  }

  clear(): void {
    this.#counters.fill(0)
    this.#added = 0
  }

  #least(): number {
    let least = 0xffffffff
    for (let row = 0; row < DEPTH; row++) {
      const count = this.#counters[this.#place(row)] as number
      if (count < least) least = count
    }
    return least
  }

  /** A place in each row from two hashes (Kirsch and Mitzenmacher, 2006). */
  #place(row: number): number {
    return row * (this.#mask + 1) + ((this.#h1 + Math.imul(row, this.#h2)) & this.#mask)
  }

  /** Two multiplicative hashes in one pass over the text, mixed at the end so that every bit counts. */
  #hash(key: string): void {
    let one = 0x811c9dc5
    let two = 0x9e3779b9
    for (let at = 0; at < key.length; at++) {
      const code = key.charCodeAt(at)
      one = Math.imul(one ^ code, 0x01000193)
      two = Math.imul(two ^ code, 0x85ebca6b)
      two = (two << 13) | (two >>> 19)
    }
    this.#h1 = mixed(one)
    // Odd, so that it reaches every place of a row.
    this.#h2 = mixed(two ^ one) | 1
  }
}

function mixed(hash: number): number {
  const one = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  const two = Math.imul(one ^ (one >>> 15), 0x846ca68b)
  return two ^ (two >>> 16)
}
