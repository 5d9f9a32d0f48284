/** Counts since the cache was created, and what it holds now. */
export interface CacheStats {
  readonly hits: { readonly memory: number; readonly store: number; readonly stale: number }
  readonly misses: number
  /** Reads that neither asked nor filled the cache: inside units, with `ttl: 0`, while it was closed. */
  readonly bypasses: number
  readonly loads: number
  /** Loads that wait for their turn now, where `loads` limits how many run at once. */
  readonly loadsWaiting: number
  readonly loadErrors: number
  /** Hits over hits and misses, from 0 to 1; 0 before the first read. */
  readonly hitRate: number
  readonly fills: number
  /** Loaded values that were not kept, by reason. */
  readonly fillsRefused: Readonly<Record<string, number>>
  readonly invalidations: number
  readonly stampsRotated: number
  readonly keysInvalidated: number
  readonly tablesProcessed: number
  /** Invalidations per table, most first, at most 100 tables. */
  readonly tables: Readonly<Record<string, number>>
  readonly evictions: number
  /** Entries in memory now. */
  readonly entries: number
  /** Their size in bytes, where `maxBytes` makes it known. */
  readonly bytes: number | undefined
  /** Stamps known in this process now. */
  readonly stamps: number
  /** How long loads took, in milliseconds, over the last 1,024 of them. */
  readonly loadMs: { readonly p50: number; readonly p99: number; readonly max: number }
}
