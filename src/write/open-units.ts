/** Counts the writes that are under way, so that a cache that closes can wait for them. */
export class OpenUnits {
  #count = 0
  #idle: (() => void)[] = []
  /** A rollback may be left out: a unit that nobody holds any more can neither commit nor be ended. */
  readonly #dropped = new FinalizationRegistry(() => this.#ended())

  /** How many have begun and not ended. */
  get count(): number {
    return this.#count
  }

  begin(unit: object): void {
    this.#count++
    this.#dropped.register(unit, undefined, unit)
  }

  /** A second end of the same unit is none. */
  end(unit: object): void {
    if (this.#dropped.unregister(unit)) this.#ended()
  }

  /** Counts one for as long as `work` takes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#count++
    try {
      return await work()
    } finally {
      this.#ended()
    }
  }

  /** Resolves when none is under way. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #ended(): void {
    if (--this.#count > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
