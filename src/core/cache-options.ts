import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import type { Dependencies } from './dependencies.ts'
import type { Duration } from './duration.ts'
import type { Logger, LogLevel } from './events.ts'
import type { Coherence } from './key.ts'
import type { LoadOptions } from './options.ts'
import type { PolicyOptions } from './policy.ts'
import type { Randomness } from './random.ts'
import type { StoreDriver } from './store.ts'

/** How values are kept apart from those who read them. */
export type Isolation = 'freeze' | 'clone' | 'none'

/** The memory tier. An option that is `undefined` is not given. */
export interface MemoryOptions {
  /** The most entries it holds, least recently used out first. @default 10_000 unless `maxBytes` is given */
  readonly maxEntries?: number | undefined
  /** The most bytes it holds, by an estimate of each entry's size. @default no limit */
  readonly maxBytes?: number | undefined
  /**
   * The most bytes of one entry in memory, by the same estimate. A larger one is kept in the store alone, and told by the
   * event `skipped`. @default `maxBytes`
   */
  readonly maxEntryBytes?: number | undefined
  /**
   * The most entries of one tenant (of one value of `partitionBy`), least recently used out first. Where memory is full,
   * tenants that have read nothing for a minute give way first, then whoever holds most: no tenant displaces the entries of
   * others in use that hold less. In the room of a
   * key family with `maxEntries` of its own, a quota of its own. @default no quota
   */
  readonly perTenant?: number | undefined
  /**
   * How callers are kept from changing what others will read. `'freeze'`: plain objects and arrays are deeply frozen;
   * values that freezing cannot protect (Date, Map, Set, typed arrays) are cloned as with `'clone'`. `'clone'`: each
   * read gets a structured clone. `'none'`: the very object. @default 'freeze'
   */
  readonly isolate?: Isolation | undefined
}

/** Options of `createCache`, among them how values live where no family says otherwise. One that is `undefined` is not given. */
export interface CacheOptions<Tables extends string = string, Scopes extends string = string>
  extends PolicyOptions {
  /** This application's values in the store. */
  readonly name: string
  /** Whose stamps it shares: every application that writes the same tables names the same. @default name */
  readonly namespace?: string | undefined
  /** Tells several open caches of one name in a process apart, where that is meant (tests, demonstrations). */
  readonly instance?: string | undefined
  /** What `defineKeys` returned. Keys of no family work too, with the cache's own lifetime. */
  readonly keys?: Readonly<Record<string, unknown>> | undefined
  /** What `defineDependencies` returned. @default none: only keys, patterns and `clear()` invalidate */
  readonly dependencies?: Dependencies<Tables, Scopes> | undefined
  /** The memory tier; false switches it off. @default 10 000 entries, frozen */
  readonly memory?: MemoryOptions | false | undefined
  /** The shared tier, such as `redisStore({ client })`. @default none: memory alone, with the same semantics */
  readonly store?: StoreDriver | undefined
  /**
   * Turns values into bytes for the store. Families may have codecs of their own. Processes with other codecs may run
   * side by side: what one cannot read is a miss. @default JSON that keeps Date, Map, Set, bigints and binary data exactly
   */
  readonly codec?: Codec | undefined
  /**
   * The most bytes of one entry: encoded, stamps included, where there is a store; by the estimate of `memory.maxBytes` in
   * memory alone. A larger value is given to its readers and kept nowhere (`refused`, reason `too-large`). Families may have
   * limits of their own. @default no limit
   */
  readonly maxEntryBytes?: number | undefined
  /** The mode of the namespace. @default 'bounded' */
  readonly consistency?: 'bounded' | 'committed' | 'strict' | undefined
  /**
   * What becomes of a transaction when its soft locks cannot be taken because the store is away: `'abort'` rejects its
   * `prepare()` with `STORE_UNAVAILABLE`, so that it is rolled back; `'proceed'` lets it commit, and its receipt says
   * `'unprotected'`. In mode `'bounded'` there are no locks, and transactions always proceed. @default 'abort'
   */
  readonly onStoreUnavailable?: 'abort' | 'proceed' | undefined
  /**
   * How long a soft lock lives when its process no longer renews it; also how long nothing is cached after a restart of
   * the store. A COMMIT must be answered within half of it, or be renewed meanwhile.
   *
   * @default '5s', or two and a half times `maxStaleness` if that is more
   */
  readonly softLockLifetime?: Duration | undefined
  /**
   * How far behind the primary a replica of the database is at most, where loaders read from replicas. Something was
   * invalidated less than that ago: `context.source` then says `'primary'`, and `context.position`, where it is known,
   * what a replica must have reached to do as well. Longer costs reads of the primary; a replica that lags more than
   * this may bring back what was invalidated. Shared by the processes of a namespace. @default 0: loaders read where
   * they write
   */
  readonly replicaLag?: Duration | undefined
  /**
   * For how long this process keeps its changes, to tell them again to a store that was restarted or failed over: an old
   * primary may have accepted them after its replica was promoted. 0 keeps none. @default '60s'
   */
  readonly failoverWindow?: Duration | undefined
  /**
   * What is believed of a store that was restarted, or failed over, with data. `'distrust'`: nothing; everything cached
   * before is void. `'trust'`: everything, so that a restart with data kept stays warm; what the store had forgotten (the
   * last second with `appendfsync everysec`, what a replica had not received) may bring old values back until their
   * lifetime ends, in every mode. Shared by the processes of a namespace. @default 'distrust'
   */
  readonly onStoreRestart?: 'distrust' | 'trust' | undefined
  /** T, the staleness bound. @default '1s' */
  readonly maxStaleness?: Duration | undefined
  /** Writes to tables that the map does not name: an event, or an error. @default 'event' */
  readonly unknownTables?: 'event' | 'error' | undefined
  /** `'off'`: plain lifetimes, no stamps. @default 'on' */
  readonly coherence?: Coherence | undefined
  /** The parameter that names the tenant; keys of one tenant then live in one partition. */
  readonly partitionBy?: string | undefined
  /** How long one call to the store may take before the cache goes on without it. @default '200ms' */
  readonly storeTimeout?: Duration | undefined
  /** How long a read waits for another process's load before it loads by itself. @default '5s' */
  readonly loadWait?: Duration | undefined
  /**
   * A limit on the loads that run at once in this process, to spare their source when the cache is cold; those beyond
   * wait for their turn. Families may have limits of their own. @default none
   */
  readonly loads?: LoadOptions | undefined
  /** Told of what happens: hits and misses at debug, trouble at warn. @default none */
  readonly logger?: Logger | undefined
  /**
   * The least that the logger is told of, for loggers without a level of their own such as `console`. `'debug'` is a line
   * for each read. @default 'debug': the logger's own level decides
   */
  readonly logLevel?: LogLevel | undefined
  /** Replaced by tests. @default the machine's clock */
  readonly clock?: Clock | undefined
  /** Replaced by tests. @default the machine's cryptographic randomness */
  readonly randomness?: Randomness | undefined
}
