/** The keys of the highest counts among those offered, a limited number of them: a heap with the lowest on top. */
export class TopKeys {
  readonly #limit: number
  readonly #keys: string[] = []
  readonly #counts: number[] = []
  readonly #places = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#keys.length
  }

  /** A key and its count, which is not lower than when it was last offered, but for {@link age}. */
  offer(key: string, count: number): void {
    const at = this.#places.get(key)
    if (at !== undefined) {
      this.#counts[at] = count
      this.#down(at)
    } else if (this.#keys.length < this.#limit) {
      this.#put(this.#keys.length, key, count)
      this.#up(this.#keys.length - 1)
    } else if (count > (this.#counts[0] as number)) {
      this.#places.delete(this.#keys[0] as string)
      this.#put(0, key, count)
      this.#down(0)
    }
  }

  /** Halves every count: their order stays. */
  age(): void {
    for (let at = 0; at < this.#counts.length; at++) this.#counts[at] = (this.#counts[at] as number) >>> 1
  }

  clear(): void {
    this.#keys.length = 0
    this.#counts.length = 0
    this.#places.clear()
  }

  /** Highest counts first. */
  list(): { readonly key: string; readonly count: number }[] {
    return this.#keys
      .map((key, at) => ({ key, count: this.#counts[at] as number }))
      .sort((one, other) => other.count - one.count)
  }

  #up(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if ((this.#counts[parent] as number) <= (this.#counts[at] as number)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      if (left >= this.#counts.length) return
      const right = left + 1
      const lower =
        right < this.#counts.length && (this.#counts[right] as number) < (this.#counts[left] as number)
          ? right
          : left
      if ((this.#counts[at] as number) <= (this.#counts[lower] as number)) return
      this.#swap(at, lower)
      at = lower
    }
  }

  #swap(one: number, other: number): void {
    const [key, count] = [this.#keys[one] as string, this.#counts[one] as number]
    this.#put(one, this.#keys[other] as string, this.#counts[other] as number)
    this.#put(other, key, count)
  }

  #put(at: number, key: string, count: number): void {
    this.#keys[at] = key
    this.#counts[at] = count
    this.#places.set(key, at)
  }
}
