import type { Change, InvalidateRequests, Open, TableChange, WrittenRows } from './change.ts'
import type { Receipt } from './receipt.ts'

/**
 * The writes of one transaction, gathered while it runs and applied when it has committed, and only then.
 *
 * Order: `write` as often as needed, `prepare` before COMMIT, then `commit` after it, or `rollback`. `prepare` may be left
 * out, and called again; so may `rollback`. Anything else after the end throws `UNIT_CLOSED`. `close` of the cache waits for
 * units that have neither been committed nor rolled back.
 */
export interface UnitOfWork<Tables extends string = string, Scopes extends string = string> {
  readonly id: string
  /** `'open'` takes writes; `'prepared'` refuses them; the others are ends. */
  readonly state: 'open' | 'prepared' | 'committed' | 'rolledBack'
  /**
   * Declares a write.
   *
   * @throws CacheError `INVALID_ARGUMENT` for bad input, `UNIT_CLOSED` after `prepare`, `UNKNOWN_TABLE` where the
   *   cache was told to refuse such tables.
   */
  write(table: Open<Tables>, change?: WrittenRows): void
  /**
   * Declares any other invalidation, or several, to be applied at the commit.
   *
   * @throws CacheError as `write` does, and `INVALID_KEY`, `INVALID_PARAMETER`, `INVALID_PATTERN` or `UNKNOWN_SCOPE`.
   *   Nothing is declared then.
   */
  invalidate(request: InvalidateRequests<Tables, Scopes>): void
  /** Declares that everything is to be made void at the commit. */
  clear(): void
  /** The writes declared so far, nested units that were kept included. */
  readonly writes: readonly TableChange[]
  /** All that has been declared so far, {@link writes} included, as one change. */
  readonly change: Change
  /** Whether the cache's map names this table or view. */
  knows(table: string): boolean
  /** Says whether the transaction is certain to have written nothing yet: reads inside may then use the cache. */
  readonly untouched: boolean
  /** An adapter's word on {@link untouched}. A unit whose adapter says nothing counts as touched from the start. */
  setUntouched(untouched: boolean): void
  /** Whether it is of use to know where in the database's log the transaction commits: loads may be from replicas. */
  readonly wantsPosition: boolean
  /**
   * Says, between COMMIT and `commit`, where in the database's log the transaction has committed, or any later place:
   * text of one length whose later places are greater in ASCII order. Without it every load of what was written is from
   * the primary for `replicaLag`.
   *
   * @throws CacheError `INVALID_ARGUMENT` for what is no such text
   */
  setPosition(position: string): void
  /** A savepoint. Its writes join this unit at `release`, and are dropped at `rollback`. */
  savepoint(): Savepoint
  /** Runs `body` with this unit as the ambient one: reads of the same cache inside it know that they are. */
  run<T>(body: () => T): T
  /** Before COMMIT: resolves what will be rotated (`bind` functions may query `tx`), and locks where the mode locks. */
  prepare(tx?: unknown): Promise<void>
  /** After COMMIT, or after a COMMIT whose outcome is unknown: rotates. Never rejects for the cache's own failures. */
  commit(): Promise<Receipt>
  /** After ROLLBACK: nothing is rotated (locks, where taken, are undone by rotating). */
  rollback(): Promise<void>
  /** Called with the receipt once the commit has been applied. Not called after a rollback. */
  onCommitted(listener: (receipt: Receipt) => void): void
}

/** A part of a unit that can be dropped by itself. */
export interface Savepoint {
  /** Keeps its writes. */
  release(): void
  /** Drops its writes. */
  rollback(): void
}
