import { type Cache, type CacheOptions, createCache, type ErrorCode, isCacheError } from 'coherent-cache'
import { type ManualClock, type MemoryStore, manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { afterEach, expect } from 'vitest'

/** What a test opened, to be closed after it. */
const opened: { cache: Pick<Cache, 'close'>; clock: ManualClock }[] = []
let names = 0

afterEach(async () => {
  for (const { cache, clock } of opened.splice(0)) {
    const closing = cache.close({ timeout: 0 })
    // A close that a test began itself may have a timeout of its own.
    await clock.advance(10_000)
    await closing
  }
})

/** A cache under a clock that stands still, and under a name of its own unless one is given. Closed after the test. */
export function openCache<const Tables extends string = string, const Scopes extends string = string>(
  options: Partial<CacheOptions<Tables, Scopes>> & { readonly clock?: ManualClock } = {},
): { cache: Cache<Tables, Scopes>; clock: ManualClock } {
  const clock = options.clock ?? manualClock()
  // Exact ends of lifetimes, unless a test is about them.
  const cache = createCache<Tables, Scopes>({ name: `test-${++names}`, jitter: 0, ...options, clock })
  opened.push({ cache, clock })
  return { cache, clock }
}

/** Several instances of one application over one in-process store, connected. */
export async function openFleet<const Tables extends string = string, const Scopes extends string = string>(
  size: number,
  options: Partial<CacheOptions<Tables, Scopes>> & {
    readonly schedule?: (step: () => void, what: 'reply' | 'message') => void
  } = {},
): Promise<{ fleet: Cache<Tables, Scopes>[]; clock: ManualClock; store: MemoryStore; name: string }> {
  const { schedule, ...rest } = options
  const clock = manualClock()
  const name = options.name ?? `fleet-${++names}`
  const store = memoryStore({ clock, ...(schedule === undefined ? {} : { schedule }) })
  const fleet = Array.from(
    { length: size },
    (_, at) => openCache<Tables, Scopes>({ ...rest, name, instance: `i${at}`, store, clock }).cache,
  )
  if (schedule === undefined) await Promise.all(fleet.map((cache) => cache.ready()))
  return { fleet, clock, store, name }
}

/** A promise with its ends in hand. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** A loader whose every call waits until the test answers it. */
export function heldLoader<V = unknown>(): {
  readonly load: () => Promise<V>
  readonly calls: readonly Deferred<V>[]
  /** The nth call, once it has come. */
  call(at?: number): Promise<Deferred<V>>
} {
  const calls: Deferred<V>[] = []
  return {
    load: () => {
      const call = deferred<V>()
      calls.push(call)
      return call.promise
    },
    calls,
    async call(at = 0) {
      for (let turn = 0; calls[at] === undefined && turn < 10; turn++) await settle()
      const call = calls[at]
      if (call === undefined) throw new Error(`The loader was called ${calls.length} times, not ${at + 1}.`)
      return call
    },
  }
}

/** A loader that answers 1, 2, 3 … and so shows which load a value came from. */
export function countingLoader(): { readonly load: () => Promise<number>; readonly count: number } {
  let count = 0
  return {
    load: async () => ++count,
    get count() {
      return count
    },
  }
}

/** Matches an error of the library by its code. */
export function errorOf(code: ErrorCode, message?: RegExp): unknown {
  return expect.toSatisfy(
    (error: unknown) =>
      isCacheError(error, code) && (message === undefined || message.test((error as Error).message)),
    `CacheError ${code}${message === undefined ? '' : ` saying ${message}`}`,
  )
}
