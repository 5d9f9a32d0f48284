import { promiseHooks } from 'node:v8'

/**
 * Takes the place of `node:async_hooks` under the explorer. It does the same for promises, which is all that surrounds
 * anybody here, and at a fraction of the price: Node.js 20 keeps every storage that has ever run something and asks
 * each of them at every promise, and a world has some, and there are millions of worlds.
 */
type Surroundings = ReadonlyMap<object, unknown>
type Carrier = Promise<unknown> & { [SURROUNDINGS]?: Surroundings }

const SURROUNDINGS = Symbol('surroundings')
const outer: (Surroundings | undefined)[] = []
let current: Surroundings | undefined

promiseHooks.createHook({
  init: (promise: Carrier) => {
    if (current !== undefined) promise[SURROUNDINGS] = current
  },
  before: (promise: Carrier) => {
    outer.push(current)
    current = promise[SURROUNDINGS]
  },
  after: () => {
    current = outer.pop()
  },
})

export class AsyncLocalStorage<T> {
  #enabled = false

  getStore(): T | undefined {
    return this.#enabled ? (current?.get(this) as T | undefined) : undefined
  }

  run<R>(store: T, body: () => R): R {
    const around = current
    this.#enabled = true
    current = new Map(around).set(this, store)
    try {
      return body()
    } finally {
      current = around
    }
  }

  disable(): void {
    this.#enabled = false
  }
}
