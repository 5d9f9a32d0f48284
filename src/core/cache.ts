import type { InvalidateRequest } from './change.ts'
import type { Duration } from './duration.ts'
import type { CacheEvents, EventName } from './events.ts'
import type { Explanation } from './explanation.ts'
import type { Health } from './health.ts'
import type { Coherence, KeyFamily, Loaded } from './key.ts'
import type { BatchLoader, Entry, Loader, Mark, ReadOptions, WrapConfig } from './loader.ts'
import type { Receipt } from './receipt.ts'
import type { CacheStats } from './stats.ts'
import type { UnitOfWork } from './unit.ts'

/** A parameters object of a key family. */
type ParamsOf<F> = F extends (...args: infer Args) => string ? NonNullable<Args[0]> : never
/** The key of a key family. */
type KeyOf<F> = F extends (...args: never[]) => infer K ? K : never

/** Reads through the cache: what a session offers too. */
export interface CacheReader {
  /**
   * The cached value of `key`, or what `load` returns, which is then kept. One load per key runs at a time.
   *
   * Never rejects because of the cache: where it cannot answer, the loader does. Rejects with what the loader throws,
   * and with `INVALID_KEY`, `INVALID_ARGUMENT`, `INVALID_OPTION`, `CIRCULAR_LOAD`, `TIMEOUT` or `ABORTED`.
   *
   * @example
   * ```ts
   * import { createCache, defineKeys, type } from 'coherent-cache'
   *
   * const keys = defineKeys({ user: { key: 'user:{id}', value: type<{ name: string }>() } })
   * const cache = createCache({ name: 'shop', keys })
   * const user = await cache.get(keys.user({ id: 7 }), async () => ({ name: 'Asha' }))
   * ```
   */
  get<K extends string, L = unknown>(
    key: K,
    load: Loader<Loaded<K, L>>,
    options?: ReadOptions,
  ): Promise<Loaded<K, L>>
  /** As {@link get}, with where the value came from, its age, its end and an ETag. */
  getEntry<K extends string, L = unknown>(
    key: K,
    load: Loader<Loaded<K, L>>,
    options?: ReadOptions,
  ): Promise<Entry<Loaded<K, L>>>
  /**
   * Many keys: one trip to the store, one `loadMissing` for what is missing; the answer keeps the order asked.
   * Rejects with `BATCH_SHAPE` where `loadMissing` returns neither an array as long as it was asked nor a Map.
   */
  getMany<K extends string, L = unknown>(
    keys: readonly K[],
    loadMissing: BatchLoader<K, Loaded<K, L>>,
    options?: ReadOptions,
  ): Promise<Loaded<K, L>[]>
  /** As above, by a family and its parameters. */
  // biome-ignore lint/suspicious/noExplicitAny: any family
  getMany<F extends KeyFamily<any, any>, L = unknown>(
    family: F,
    params: readonly ParamsOf<F>[],
    loadMissing: BatchLoader<ParamsOf<F>, Loaded<KeyOf<F>, L>>,
    options?: ReadOptions,
  ): Promise<Loaded<KeyOf<F>, L>[]>
}

/** A cache that stays coherent with its database. Made by `createCache`. */
export interface Cache<Tables extends string = string, Scopes extends string = string> extends CacheReader {
  readonly name: string
  readonly namespace: string
  /**
   * Resolves when the store is connected and memory may answer; with memory alone, at once. Reads work before it,
   * from their loaders. Rejects with `TIMEOUT` after `timeout` and with `SETTINGS_MISMATCH` where the namespace's
   * settings differ; the cache can be used all the same after a timeout.
   */
  ready(options?: { readonly timeout?: Duration }): Promise<void>
  /** What memory may answer at this moment, without I/O; undefined for anything else. */
  peek<K extends string, L = unknown>(key: K): Loaded<K, L> | undefined
  /** Opens a fill by hand. Take the mark before reading the data, so that what is invalidated meanwhile is not kept. */
  mark<K extends string>(key: K): Promise<Mark<K>>
  /**
   * Ends a fill by hand. Resolves to whether the value was kept: it is not if anything it hangs on was invalidated
   * since the mark. Rejects with `INVALID_MARK` for a mark of another key or one already used.
   */
  set<K extends string, L = unknown>(
    key: K,
    value: Loaded<K, L>,
    options: { readonly mark: Mark<K>; readonly ttl?: ReadOptions['ttl'] },
  ): Promise<boolean>
  /**
   * The repository with the configured methods cached. Of the same type; `this` inside it is the repository itself;
   * every other member passes through.
   */
  wrap<R extends object>(repository: R, methods: WrapConfig<R>): R

  /**
   * Makes void what the request names. Resolves when it is applied, or queued for a store that is away. Rejects only
   * on bad input, and then nothing is applied.
   */
  invalidate(request: InvalidateRequest<Tables, Scopes>): Promise<Receipt>
  /** Makes every value of the namespace void. */
  clear(): Promise<Receipt>
  /** A transaction's writes, to be invalidated once it has committed. */
  unitOfWork(options?: { readonly name?: string; readonly trace?: string }): UnitOfWork
  /** The ambient unit of work, if this runs inside one of this cache. */
  currentUnit(): UnitOfWork | undefined
  /** A reader that is never behind the receipts it has gathered, nor behind `token`. */
  session(token?: string): Session

  /** Switches coherence for the whole cache or one family: `'off'` is plain lifetimes, the way back out. */
  setCoherence(coherence: Coherence, family?: { readonly family: string }): void
  stats(): CacheStats
  health(): Health
  explain(key: string): Promise<Explanation>
  /** Adds a listener. @returns what removes it. */
  on<Name extends EventName>(name: Name, listener: (event: CacheEvents[Name]) => void): () => void
  /**
   * Ends the cache: waits for running loads and queued changes up to `timeout` (default 5 s), then says what was left
   * undone. Reads afterwards go to their loaders; writes are refused with `CACHE_CLOSED`. Closing twice is harmless.
   */
  close(options?: { readonly timeout?: Duration }): Promise<CloseReport>
  [Symbol.asyncDispose](): Promise<void>
}

/** What `close` left undone. */
export interface CloseReport {
  /** Loads that still ran. */
  readonly loads: number
  /** Changes that no store was told of. */
  readonly queued: number
}

/** Read-your-writes across requests: hand its token on in a cookie or header. */
export interface Session extends CacheReader {
  /** Gathers a receipt (or its token). */
  observe(receipt: Receipt | string): void
  /** What this session must not fall behind. */
  readonly token: string
}
