/** A length of time in milliseconds. */
export type DurationMs = number

/**
 * What became of an invalidation.
 *
 * - `'applied'`: the shared tier (or, without one, this process) has rotated everything named.
 * - `'queued'`: the store could not be reached. This process already answers as if it were applied; the change is
 *   replayed before this process trusts the store again.
 * - `'unprotected'`: a transaction that went on without its locks, because `onStoreUnavailable` is `'proceed'`.
 */
export type ReceiptStatus = 'applied' | 'queued' | 'unprotected'

/** The answer of `invalidate`, `clear` and a committed unit of work. */
export interface Receipt {
  readonly status: ReceiptStatus
  /** The stamps that were rotated, by name. */
  readonly stamps: readonly string[]
  /** The keys that were named. */
  readonly keys: readonly string[]
  /** Patterns that no stamp stood for, whose keys were searched for one by one: slower than a rotation. */
  readonly patterns: readonly string[]
  /**
   * Tables that this cache's map does not name: nothing of its own was made void for them. Misspelt, or not in the map
   * because nothing hangs on them here.
   */
  readonly unknownTables: readonly string[]
  readonly durationMs: DurationMs
  /** Opaque and URL-safe: a read that carries it is never older than this change. */
  readonly token: string
}
