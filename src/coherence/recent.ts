/**
 * Remembers what was used last, by name, and nothing else: between half of `most` and `most` of them. It takes no room for
 * what it does not hold, and forgets many at a time, so that remembering costs no more than a Map does.
 */
export class Recent<Value> {
  readonly #most: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  get(name: string): Value | undefined {
    const young = this.#young.get(name)
    if (young !== undefined) return young
    const old = this.#old.get(name)
    if (old !== undefined) this.set(name, old)
    return old
  }

  set(name: string, value: Value): void {
    this.#old.delete(name)
    this.#young.set(name, value)
    if (this.#young.size < this.#most / 2) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(name: string): void {
    this.#young.delete(name)
    this.#old.delete(name)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
