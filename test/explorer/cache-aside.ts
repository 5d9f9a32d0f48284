import type { Cache } from 'coherent-cache'
import type { Rows } from './database.ts'
import type { Steps } from './steps.ts'

type Load = () => Promise<Rows>

/** A shared store as plain cache-aside uses one: it gets, sets and deletes, each in a step. */
export class PlainStore {
  readonly #steps: Steps
  readonly #values = new Map<string, Rows>()

  constructor(steps: Steps) {
    this.#steps = steps
  }

  ask<T>(process: string, text: string, run: (values: Map<string, Rows>) => T): Promise<T> {
    return new Promise((resolve) => {
      const carryOut = () => {
        const result = run(this.#values)
        const answered = () => `${process}: the store has answered ${text}`
        this.#steps.add({ kind: 'reply', process, text: answered, run: () => resolve(result) })
      }
      const carried = () => `store: carries out ${text} for ${process}`
      this.#steps.add({ kind: 'ask', process, outlives: true, text: carried, run: carryOut })
    })
  }
}

/**
 * What most services do: read the store, load on a miss and set what was loaded; after a commit, delete. Nothing is
 * wrong with it but the order in which things can happen, which the judge must notice.
 */
export function cacheAside(
  store: PlainStore,
  process: string,
  keys: readonly string[],
): Cache<string, string> {
  const get = async (key: string, load: Load) => {
    const held = await store.ask(process, `GET ${key}`, (values) => values.get(key))
    if (held !== undefined) return held
    const value = await load()
    await store.ask(process, `SET ${key}`, (values) => values.set(key, value))
    return value
  }
  const getMany = async (asked: readonly string[], load: (missing: readonly string[]) => Promise<Rows[]>) =>
    Promise.all(asked.map((key) => get(key, async () => (await load([key]))[0] as Rows)))
  const invalidate = async () => {
    await store.ask(process, 'DEL', (values) => {
      for (const key of keys) values.delete(key)
    })
    return { status: 'applied', token: '1' }
  }
  const unitOfWork = () => ({
    setUntouched() {},
    write() {},
    invalidate() {},
    run: (body: () => unknown) => body(),
    async prepare() {},
    commit: invalidate,
    async rollback() {},
  })
  return {
    get,
    getEntry: async (key: string, load: Load) => ({ value: await get(key, load) }),
    getMany,
    peek: () => undefined,
    mark: async () => ({}),
    set: async () => false,
    invalidate,
    clear: invalidate,
    unitOfWork,
    on() {},
    async ready() {},
    async close() {},
  } as unknown as Cache<string, string>
}
