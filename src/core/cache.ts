import type { InvalidateRequests } from './change.ts'
import type { ChangeEvent, Consumed, Consumer } from './consumer.ts'
import type { Duration } from './duration.ts'
import type { Parameter } from './encoding.ts'
import type { CacheEvents, EventName } from './events.ts'
import type { Explanation } from './explanation.ts'
import type { Health } from './health.ts'
import type { AnyFamily, Coherence, KeyOf, Loaded, ParamsOf } from './key.ts'
import type { BatchLoaderOf, CheckedWrap, Entry, LoaderOf, Mark, ReadOptions, WrapConfig } from './loader.ts'
import type { PolicyOptions } from './policy.ts'
import type { Receipt } from './receipt.ts'
import type { CacheStats } from './stats.ts'
import type { UnitOfWork } from './unit.ts'

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
    load: LoaderOf<K, L>,
    options?: ReadOptions,
  ): Promise<Loaded<K, L>>
  /** As {@link get}, with where the value came from, its age, its end and an ETag. */
  getEntry<K extends string, L = unknown>(
    key: K,
    load: LoaderOf<K, L>,
    options?: ReadOptions,
  ): Promise<Entry<Loaded<K, L>>>
  /**
   * Many keys: one trip to the store, one `loadMissing` for what is missing; the answer keeps the order asked.
   * Rejects with `BATCH_SHAPE` where `loadMissing` returns neither an array as long as it was asked nor a Map.
   */
  getMany<K extends string, L = unknown>(
    keys: readonly K[],
    loadMissing: BatchLoaderOf<K, K, L>,
    options?: ReadOptions,
  ): Promise<Loaded<K, L>[]>
  /** As above, by a family and its parameters, of which `loadMissing` is handed the very ones that are missing. */
  getMany<F extends AnyFamily, const P extends ParamsOf<F>, L = unknown>(
    family: F,
    params: readonly P[],
    loadMissing: BatchLoaderOf<KeyOf<F>, P, L>,
    options?: ReadOptions,
  ): Promise<Loaded<KeyOf<F>, L>[]>
  /**
   * The repository with the configured methods read through the cache: calls of them on what this returns, not those
   * that the repository makes of its own. Of the same type, so a configured method is one that returns a promise:
   * the compiler asks for `methodReturnsNoPromise` where it is not. Make it `async`.
   * `this` inside every method is the repository itself; other members pass through. A session's `wrap` reads as the
   * session does.
   *
   * A configured method rejects as {@link get} does, and with what its `key` or `options` throws.
   *
   * @throws CacheError `INVALID_ARGUMENT` for a method the repository has not, or one without a `key`;
   *   `INVALID_OPTION` or `INVALID_DURATION` for a bad option.
   *
   * @example
   * ```ts
   * import { createCache, defineKeys, type } from 'coherent-cache'
   *
   * class Reports {
   *   async daily(orgId: number, date: string, source: 'primary' | 'any' = 'any') {
   *     return { orgId, date, source, revenue: 100 }
   *   }
   * }
   * const keys = defineKeys({
   *   daily: { key: 'report:{orgId}:{date}', value: type<Awaited<ReturnType<Reports['daily']>>>() },
   * })
   * const cache = createCache({ name: 'shop', keys })
   * const reports = cache.wrap(new Reports(), {
   *   daily: {
   *     key: (orgId, date) => keys.daily({ orgId, date }),
   *     load: ({ source }, reports, [orgId, date]) => reports.daily(orgId, date, source),
   *     options: (_, date) => ({ ttl: date < '2026-11-20' ? '1h' : '10s' }),
   *     staleIfError: '1h',
   *   },
   * })
   * const report = await reports.daily(7, '2026-11-20')
   * ```
   */
  wrap<R extends object, const M extends WrapConfig<R> = WrapConfig<R>>(
    repository: R,
    methods: M & CheckedWrap<R, M>,
  ): R
}

/** A cache that stays coherent with its database. Made by `createCache`. */
export interface Cache<Tables extends string = string, Scopes extends string = string> extends CacheReader {
  readonly name: string
  readonly namespace: string
  /**
   * Resolves when the store is connected and memory may answer; with memory alone, at once. Reads work before it,
   * from their loaders. Rejects with `TIMEOUT` after `timeout`, its `cause` what the store's trouble was last, and with
   * `SETTINGS_MISMATCH` where the namespace's settings differ; the cache can be used all the same after a timeout.
   * Without `timeout` it waits for as long as the store is away, which may be for ever: name one, so that a process
   * starts without its store. Of a closed cache it rejects with `CACHE_CLOSED`.
   */
  ready(options?: { readonly timeout?: Duration | undefined }): Promise<void>
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
   * Makes void what the request names, or all that several do, in one step and with one receipt. Resolves when it is
   * applied, or queued for a store that is away. Rejects only on bad input, an empty list included, and then nothing
   * is applied, whichever of several requests was bad.
   */
  invalidate(request: InvalidateRequests<Tables, Scopes>): Promise<Receipt>
  /** Makes every value of the namespace void. */
  clear(): Promise<Receipt>
  /**
   * Applies a change that arrived from a message broker, once for each id: resolves when the message may be
   * acknowledged, rejects when it should be delivered again. Retries, deadline and parking are those of
   * {@link Cache.consumer}; `createConsumer` of `coherent-cache/sources` makes one with options.
   *
   * @example
   * ```ts
   * import { createCache } from 'coherent-cache'
   *
   * const cache = createCache({ name: 'finance' })
   * await cache.consume({ id: '7f9c', change: { keys: ['report:7'] } }) // { status: 'applied', … }
   * ```
   */
  consume(event: ChangeEvent<Tables, Scopes>): Promise<Consumed>
  /** Events that {@link Cache.consume} has parked, and their replay. */
  readonly consumer: Consumer<ChangeEvent<Tables, Scopes>>
  /** A transaction's writes, to be invalidated once it has committed. */
  unitOfWork(options?: {
    readonly name?: string | undefined
    readonly trace?: string | undefined
  }): UnitOfWork<Tables, Scopes>
  /** The ambient unit of work, if this runs inside one of this cache. */
  currentUnit(): UnitOfWork<Tables, Scopes> | undefined
  /**
   * A reader that is never behind the receipts it has gathered, nor behind `token`, which may come as it does from a
   * request: null, undefined and an empty text are none, and text that is no token is met by asking for the most, until
   * the store has answered once.
   *
   * @throws CacheError `INVALID_ARGUMENT` for anything but text, null or undefined
   */
  session(token?: string | null): Session

  /**
   * A view of this cache that reaches one tenant's keys and no others, by the parameter that `partitionBy` names.
   *
   * @throws CacheError `INVALID_OPTION` where the cache has no `partitionBy`; `INVALID_PARAMETER` for anything but one
   *   value of it.
   *
   * @example
   * ```ts
   * import { createCache, defineKeys } from 'coherent-cache'
   *
   * const keys = defineKeys({ report: 'report:{orgId}:{day}' })
   * const cache = createCache({ name: 'finance', keys, partitionBy: 'orgId' })
   * const own = cache.scope({ orgId: 7 })
   * await own.get(keys.report({ orgId: 7, day: '2026-11-20' }), async () => 100)
   * await own.get(keys.report({ orgId: 8, day: '2026-11-20' }), async () => 100).catch(() => 'OUT_OF_SCOPE')
   * ```
   */
  scope(tenant: Readonly<Record<string, Parameter>>, options?: ScopeOptions): ScopedCache<Tables, Scopes>
  /**
   * Runs `body` in a tenant's scope: inside it, and in all that it begins and leaves behind, this cache is what
   * {@link scope} gives. Units of work and bound databases are not confined: what a transaction wrote is void for
   * everybody whom it concerns. What it has confined stays so when the cache is closed. Costs nothing before its first use;
   * from then on the process tracks async contexts.
   *
   * @throws CacheError as {@link scope} does, and `OUT_OF_SCOPE` inside the scope of another tenant.
   */
  runInScope<T>(tenant: Readonly<Record<string, Parameter>>, body: () => T, options?: ScopeOptions): T

  /** Switches coherence for the whole cache or one family: `'off'` is plain lifetimes, the way back out. */
  setCoherence(coherence: Coherence, family?: { readonly family: string }): void
  /**
   * Sets how values live from now on in this process, for one family or for every key whose family says nothing, over what
   * was declared. Takes the place of what was set before; `{}` goes back to what was declared. Values that are cached
   * keep the lifetimes they were filled with, so clear what must not live on.
   *
   * @throws CacheError `UNKNOWN_FAMILY`, `INVALID_OPTION`, `INVALID_DURATION` or `INVALID_KEY`; nothing is changed then.
   *
   * @example
   * ```ts
   * import { createCache, defineKeys } from 'coherent-cache'
   *
   * const keys = defineKeys({ report: { key: 'report:{id}', ttl: '15m' } })
   * const cache = createCache({ name: 'shop', keys })
   * cache.setPolicy({ ttl: '30s', staleIfError: '1h' }, keys.report) // while the database is in trouble
   * cache.setPolicy({}, keys.report) // as declared
   * ```
   */
  setPolicy(policy: PolicyOptions, family?: { readonly family: string }): void
  stats(): CacheStats
  health(): Health
  /** What this process knows of a key: where its value is (asking the store), what it hangs on, what made it void last. */
  explain(key: string): Promise<Explanation>
  /**
   * Adds a listener. @returns what removes it.
   * @throws CacheError `INVALID_ARGUMENT` for an event that there is not, or a listener that is no function.
   */
  on<Name extends EventName>(name: Name, listener: (event: CacheEvents[Name]) => void): () => void
  /**
   * Ends the cache: waits for units of work under way, running loads and queued changes up to `timeout` (default 5 s), then
   * says what was left undone. From the call on reads go to their loaders, and new units and other writes are refused with
   * `CACHE_CLOSED`. A unit that has begun may go on and commit; one that commits only after `close` has resolved is told to
   * no other process, and its receipt says `queued`. Closing twice is harmless.
   */
  close(options?: { readonly timeout?: Duration | undefined }): Promise<CloseReport>
  [Symbol.asyncDispose](): Promise<void>
}

/** One tenant's view of a cache. Whatever is not certain to be the tenant's is refused with `OUT_OF_SCOPE`, before anything is done. */
export interface ScopedCache<Tables extends string = string, Scopes extends string = string>
  extends CacheReader,
    Pick<Cache<Tables, Scopes>, 'peek' | 'mark' | 'set' | 'session'> {
  /** The tenant, as it stands in keys. */
  readonly scope: Readonly<Record<string, string>>
  /**
   * As {@link Cache.invalidate}, for this tenant alone. By table it says that the rows written are the tenant's: what is
   * void are the tenant's keys, and keys that name no tenant. Rejects with `OUT_OF_SCOPE` for rows that bind another one,
   * for keys, patterns and scopes that are not the tenant's, and then nothing is applied.
   */
  invalidate(request: InvalidateRequests<Tables, Scopes>): Promise<Receipt>
  /** Makes all of the tenant's keys void: those of every family that has its parameter. */
  clear(): Promise<Receipt>
}

/** Options of `cache.scope` and `cache.runInScope`. */
export interface ScopeOptions {
  /** Key families without the tenant's parameter that may be read too: what belongs to everybody. @default none */
  readonly shared?: readonly AnyFamily[] | undefined
}

/** What `close` left undone. */
export interface CloseReport {
  /** Loads that still ran. */
  readonly loads: number
  /** Units of work, and invalidations under way, that had not ended: what they change later, no store is told of. */
  readonly units: number
  /** Changes that no store was told of. */
  readonly queued: number
}

/**
 * Read-your-writes across requests: hand its token on in a cookie or header, after the reads.
 *
 * A token can outlive what it names: the store was restarted, or what came back is no token. A read behind it asks the
 * store; once the store has answered, the session's token is as far as the store was then, so that whoever comes back
 * with it is answered from memory again. A change that no store was told of is never forgotten so.
 */
export interface Session extends CacheReader {
  /**
   * Gathers a receipt (or its token).
   *
   * @throws CacheError `INVALID_ARGUMENT` for anything else
   */
  observe(receipt: Receipt | string): void
  /** What this session must not fall behind. It changes with reads: send it when they are done. */
  readonly token: string
}
