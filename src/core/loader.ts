import type { Duration } from './duration.ts'
import type { Loaded } from './key.ts'
import type { Ttl } from './lifetime.ts'

/** What a loader is told, and may say, about its load. */
export interface LoaderContext {
  readonly key: string
  /** The key's parameters as text; empty for a key of no family. */
  readonly params: Readonly<Record<string, string>>
  /** Aborted when nobody waits for this load any more. */
  readonly signal: AbortSignal
  /** `'primary'`: a replica may lag behind what voided this value; read from the primary. */
  readonly source: 'primary' | 'any'
  /** The database position that a replica must have reached to be read instead, where one is known. */
  readonly position?: string | undefined
  /** Sets this value's lifetime, over every other rule. */
  setTtl(ttl: Duration): void
  /** Returns the value to those who wait, and keeps it nowhere. */
  skip(): void
}

/** Loads the value of one key from its source. What it throws reaches every waiter as thrown, and is not cached. */
export type Loader<V> = (context: LoaderContext) => V | Promise<V>

/**
 * How new an answer must be. `'bounded'`: within the staleness bound of the cache's mode. `'committed'`: asks the
 * store. `'reload'`: loads anew and replaces the cached value.
 */
export type Freshness = 'bounded' | 'committed' | 'reload'

/** Options of one read. Each stands over the key family's, which stands over the cache's. */
export interface ReadOptions {
  /** Lifetime of the value if this read loads it. 0: neither read nor store. */
  readonly ttl?: Ttl
  /** @default 'bounded' */
  readonly freshness?: Freshness
  /**
   * How long past its lifetime a value may still be answered while it is loaded anew in the background. Never
   * serves what an invalidation made void. @default 0
   */
  readonly staleWhileRevalidate?: Duration
  /** How long past its lifetime a value may be answered when the loader fails. Never a void one. @default 0 */
  readonly staleIfError?: Duration
  /** `soft`: after it, answer an expired (not void) value if there is one. `hard`: reject with `TIMEOUT`; the load goes on and fills. */
  readonly timeout?: { readonly soft?: Duration; readonly hard?: Duration }
  /** A receipt's token: the answer is never older than that change. */
  readonly token?: string
  /** Gives up waiting. The load is aborted once nobody waits for it. */
  readonly signal?: AbortSignal
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

/** Loads many keys at once: an array in the order asked, or a Map by key (or by the parameters asked with). */
export type BatchLoader<Asked, V> = (
  missing: readonly Asked[],
  context: BatchContext,
) => BatchResult<Asked, V> | Promise<BatchResult<Asked, V>>

export type BatchResult<Asked, V> = readonly V[] | ReadonlyMap<Asked | string, V>

/** What a batch loader is told. */
export interface BatchContext {
  readonly keys: readonly string[]
  readonly signal: AbortSignal
  readonly source: 'primary' | 'any'
}

/** How `wrap` caches one method of a repository. */
export interface WrappedMethod<Args extends readonly unknown[]> extends ReadOptions {
  /** The key of a call; undefined passes the call through uncached. */
  readonly key: (...args: Args) => string | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of any method
type AnyMethod = (...args: any[]) => unknown

/** Which methods of a repository to cache, and under which keys. */
export type WrapConfig<R> = {
  readonly [Name in keyof R as R[Name] extends AnyMethod ? Name : never]?: R[Name] extends (
    ...args: infer Args
  ) => unknown
    ? WrappedMethod<Args>
    : never
}

/** Where a fill by hand begins: made by `mark` before the data is read, given back with `set`. */
export interface Mark<K extends string = string> {
  readonly key: K
  readonly nonce: string
}

export type { Loaded }
