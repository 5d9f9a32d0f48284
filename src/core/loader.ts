import type { Duration } from './duration.ts'
import type { Key, Loaded } from './key.ts'
import type { Ttl } from './lifetime.ts'
import type { LogPosition } from './load-source.ts'

/** What a loader is told, and may say, about its load. */
export interface LoaderContext {
  readonly key: string
  /** The key's parameters as text; empty for a key of no family. */
  readonly params: Readonly<Record<string, string>>
  /** Aborted when nobody waits for this load any more. */
  readonly signal: AbortSignal
  /**
   * `'primary'`: a replica may lag behind what voided this value, or behind what nobody can tell; read from the primary.
   * `'any'`: a replica that lags no more than the cache's `replicaLag` will do.
   */
  readonly source: 'primary' | 'any'
  /**
   * Where `source` is `'primary'`: the place in the database's log that a replica must have reached to do as well, where
   * it is known. On PostgreSQL an LSN, such as `'00000016/B374D848'`.
   */
  readonly position?: LogPosition | undefined
  /** Sets this value's lifetime, over every other rule. */
  setTtl(ttl: Duration): void
  /** Returns the value to those who wait, and keeps it nowhere. */
  skip(): void
}

/** Loads the value of one key from its source. What it throws reaches every waiter as thrown, and is not cached. */
export type Loader<V> = (context: LoaderContext) => V | Promise<V>

/**
 * The loader of a key: of the family's value type where the key has one, else of any type, which the read then has.
 * One type or the other as a whole, so that what a loader returns is inferred as it is: `() => 7` loads a number.
 */
export type LoaderOf<K, L> = [K] extends [Key<infer V>] ? Loader<V> : Loader<L>

/**
 * How new an answer must be. `'bounded'`: within the staleness bound of the cache's mode. `'committed'`: asks the
 * store. `'reload'`: loads anew and replaces the cached value; where the new one is not kept, the cached one is made void, so
 * that no later read goes back behind it.
 */
export type Freshness = 'bounded' | 'committed' | 'reload'

/**
 * Options of one read. Each stands over the key family's, which stands over the cache's; one that is `undefined` is
 * not given.
 */
export interface ReadOptions {
  /** Lifetime of the value if this read loads it. 0: neither read nor store. */
  readonly ttl?: Ttl | undefined
  /** @default 'bounded' */
  readonly freshness?: Freshness | undefined
  /**
   * How long past its lifetime a value may still be answered while it is loaded anew in the background. Never
   * serves what an invalidation made void. @default 0
   */
  readonly staleWhileRevalidate?: Duration | undefined
  /** How long past its lifetime a value may be answered when the loader fails. Never a void one. @default 0 */
  readonly staleIfError?: Duration | undefined
  /** `soft`: after it, answer an expired (not void) value if there is one. `hard`: reject with `TIMEOUT`; the load goes on and fills. */
  readonly timeout?:
    | { readonly soft?: Duration | undefined; readonly hard?: Duration | undefined }
    | undefined
  /** A receipt's token: the answer is never older than that change. */
  readonly token?: string | undefined
  /** Gives up waiting. The load is aborted once nobody waits for it. */
  readonly signal?: AbortSignal | undefined
}

/** A value with where it came from. */
export interface Entry<V> {
  readonly value: V
  /** `'bypass'`: the cache was neither read nor filled. */
  readonly status: 'hit' | 'stale' | 'miss' | 'bypass'
  readonly tier: 'memory' | 'store' | 'loader'
  /** Milliseconds since the value was loaded. */
  readonly age: number
  /** When its lifetime ends, in milliseconds since 1970; undefined for a value that is not kept. */
  readonly expiresAt: number | undefined
  /** Names this very fill of the key; undefined for a value that is not kept. */
  readonly etag: string | undefined
}

/** Loads what is missing of many keys in one go. What it throws reaches every waiter as thrown, and is not cached. */
export type BatchLoader<Asked, V> = (
  missing: readonly Asked[],
  context: BatchContext,
) => BatchResult<Asked, V> | Promise<BatchResult<Asked, V>>

/** The batch loader of keys: as {@link LoaderOf}, for many at once. */
export type BatchLoaderOf<K, Asked, L> = [K] extends [Key<infer V>]
  ? BatchLoader<Asked, V>
  : BatchLoader<Asked, L>

/**
 * What a batch loader returns: an array as long as it was asked, in that order, or a Map by key (or by the very
 * parameters it was asked with).
 *
 * One that was asked for and is absent from the Map has the value `undefined`. That is a value like any other: it is
 * kept, for as long as `negativeTtl` says, and the caller gets it. Where nothing may be absent, return an array.
 */
export type BatchResult<Asked, V> = readonly V[] | ReadonlyMap<Asked | string, V>

/** What a batch loader is told. */
export interface BatchContext {
  /**
   * The keys of what is missing, in the order of `missing`. What the loader's Map has under none of them (nor under
   * its parameters) is kept as `undefined`; see {@link BatchResult}.
   */
  readonly keys: readonly string[]
  /** Aborted when nobody waits for this load any more. */
  readonly signal: AbortSignal
  /** As {@link LoaderContext.source}, for all of these values. */
  readonly source: 'primary' | 'any'
  /** As {@link LoaderContext.position}. */
  readonly position?: LogPosition | undefined
}

/**
 * How `wrap` caches one method of a repository. Options stand for every call of the method.
 *
 * @typeParam Args The method's arguments.
 * @typeParam R The repository.
 * @typeParam Out What the method returns.
 */
export interface WrappedMethod<Args extends readonly unknown[], R = unknown, Out = unknown>
  extends ReadOptions {
  /** The key of a call; undefined passes the call through, uncached, to the method itself. */
  readonly key: (...args: Args) => string | undefined
  /**
   * Options of one call, each over the same one that stands for every call. What it leaves out or undefined is as it
   * stands there. @default none
   */
  readonly options?: ((...args: Args) => ReadOptions | undefined) | undefined
  /**
   * Loads what is missing in the method's place, where a load needs to be told something: `context.source` keeps a
   * lagging replica out, `context.signal` ends a query nobody waits for. `repository` is the repository itself.
   *
   * @default the method, with the arguments of the call
   */
  readonly load?: ((context: LoaderContext, repository: R, args: Args) => Out) | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of any method
type AnyMethod = (...args: any[]) => unknown

/** Which methods of a repository to cache, and under which keys. A method that is left out or undefined is not. */
export type WrapConfig<R> = {
  readonly [Name in keyof R as R[Name] extends AnyMethod ? Name : never]?: R[Name] extends (
    ...args: infer Args
  ) => infer Out
    ? (WrappedMethod<Args, R, Out> & OnlyPromises<Out>) | undefined
    : never
}

/** What is read through the cache comes as a promise: a method that never returns one would have the wrong type. */
type OnlyPromises<Out> = unknown extends Out
  ? unknown
  : [Extract<Out, PromiseLike<unknown>>] extends [never]
    ? { readonly methodReturnsNoPromise: Out }
    : unknown

type KeyGiven<M> = M extends { readonly key: (...args: never[]) => infer K } ? Exclude<K, undefined> : never
type ValueOf<F> = F extends (...args: never[]) => infer Out ? Awaited<Out> : never

/**
 * A configuration that the compiler has found right: no method that the repository has not, no option that is none,
 * and no method whose values are not of the type that its key's family declares.
 */
export type CheckedWrap<R, M> = {
  readonly [Name in keyof M]: Name extends keyof R
    ? CheckedMethod<NonNullable<M[Name]>, ValueOf<R[Name]>> | Extract<M[Name], undefined>
    : never
}
type CheckedMethod<M, Value> = {
  readonly [Option in Exclude<keyof M, keyof WrappedMethod<never> | 'methodReturnsNoPromise'>]: never
} & (KeyGiven<M> extends Key<infer V>
  ? Value extends V
    ? unknown
    : { readonly keyIsOfAnotherType: V }
  : unknown)

/** Where a fill by hand begins: made by `mark` before the data is read, given back with `set`. */
export interface Mark<K extends string = string> {
  readonly key: K
  readonly nonce: string
  /** From where the data may be read, as {@link LoaderContext.source} says it. */
  readonly source: 'primary' | 'any'
  /** As {@link LoaderContext.position}. */
  readonly position?: LogPosition | undefined
}

export type { Loaded }
