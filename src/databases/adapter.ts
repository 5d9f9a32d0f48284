import type { Cache } from '../core/cache.ts'
import type { InvalidateRequest, Operation, Row, RowChange } from '../core/change.ts'
import type { Reads } from '../core/reads.ts'
import type { Receipt } from '../core/receipt.ts'
import type { UnitOfWork } from '../core/unit.ts'

/** The part of a cache that a database is bound to. */
export type UnitSource = Pick<Cache, 'unitOfWork' | 'currentUnit'>

/** How serializable a transaction is. */
export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable'

/**
 * Options of `transaction`. A transaction begun inside another one of the same bound database is a savepoint of it:
 * the outermost one's options hold, and an isolation level that differs from its level is refused.
 */
export interface TransactionOptions {
  /** @default the database's own default */
  readonly isolation?: IsolationLevel | undefined
  /** Has the database refuse writes. @default false */
  readonly readOnly?: boolean | undefined
  /**
   * How often the whole body is run again, each time in a new transaction, after a failure that the database says may
   * be tried again: on PostgreSQL a serialization failure (40001) or a deadlock (40P01). @default 0
   */
  readonly retries?: number | undefined
  /** Begins the unit's id, in events and explanations. @default the adapter's name */
  readonly name?: string | undefined
  /** A trace id, carried to every process that hears of the invalidation. */
  readonly trace?: string | undefined
}

/** What user code is given besides the client's own methods. Every method throws `UNIT_CLOSED` after the end. */
export interface TransactionControls<Inside> {
  /** The unit of work of the outermost transaction. */
  readonly unit: UnitOfWork
  /** Declares a write. Rows make its invalidation narrower; a write that is noticed needs no declaration. */
  write(
    table: string,
    change?: { readonly operation?: Operation; readonly rows?: readonly RowChange<Row>[] },
  ): void
  /** Declares any other invalidation, applied once the transaction has committed. */
  invalidate(request: InvalidateRequest): void
  /**
   * Called with the receipt once the outermost transaction has committed and its writes have been invalidated. Not
   * called after a rollback, nor when it is unknown whether the COMMIT arrived.
   */
  onCommitted(listener: (receipt: Receipt) => void): void
  /**
   * Has the transaction, or the savepoint whose handle this is, rolled back when its body returns. From now on the
   * handle takes no more statements. The transaction still resolves to what its body returns.
   */
  rollback(): Promise<void>
  /** A savepoint: kept with the rest where `body` resolves, rolled back alone, and rethrown, where it rejects. */
  transaction<T>(body: (nested: TransactionHandle<Inside>) => T | Promise<T>): Promise<T>
}

/** A transaction, as its body sees it. */
export type TransactionHandle<Inside> = Inside & TransactionControls<Inside>

/**
 * A transaction, as its adapter sees it.
 *
 * @typeParam State What the binding keeps, from the adapter's `open`.
 * @typeParam Note What the adapter notes of the statements it sees, for its own `seal`.
 */
export interface Work<State = unknown, Note = unknown> {
  readonly unit: UnitOfWork
  readonly state: State
  readonly options: TransactionOptions
  /**
   * To be called before anything is sent. `'read'` where it is certain that nothing is written; from the first
   * `'write'` on, reads of the cache inside the transaction go past it.
   *
   * @throws CacheError `UNIT_CLOSED` after the transaction's end
   */
  issue(effect: 'read' | 'write'): void
  /**
   * Says that part of the transaction may be committed already, whatever becomes of the rest: from now on everything
   * written is invalidated, after a failure too.
   */
  unsure(): void
  /** Keeps a note for `seal`. Those made in a savepoint that is rolled back are dropped. */
  note(note: Note): void
  readonly notes: readonly Note[]
  /**
   * Called with the receipt once the COMMIT has been answered and everything written has been invalidated. Not called
   * after a rollback, nor when it is unknown whether the COMMIT arrived.
   */
  onCommitted(listener: (receipt: Receipt) => void): void
}

/** How the methods of a bound database reach its transactions. */
export interface Door<Inside, State = unknown> {
  readonly state: State
  /**
   * The handle of the transaction that the caller runs in, if any.
   *
   * @throws CacheError `UNIT_CLOSED` where that transaction has been rolled back
   */
  current(): TransactionHandle<Inside> | undefined
  /** A transaction, or a savepoint of the current one. */
  transaction<T>(
    body: (tx: TransactionHandle<Inside>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>
}

/** How one database client commits. What `defineDatabase` makes a binder of. */
export interface DatabaseAdapter<
  Client,
  Tx,
  Inside extends object,
  Outside extends object = Record<never, never>,
  Options extends object = Record<never, never>,
  State = unknown,
  Note = unknown,
> {
  /** The client's name, in messages and unit ids. */
  readonly name: string
  /** The names of the binding's own options; any other is refused. @default none */
  readonly options?: readonly (keyof Options & string)[]
  /** What is bound once, where the client is an object that holds it. @default the client */
  identity?(client: Client): object
  /** Makes what one binding keeps. */
  open?(client: Client, options: Options): State
  /**
   * Says that every statement goes through `inside`, which calls {@link Work.issue} before each. The cache may then
   * answer reads inside a transaction until its first write. @default false: a transaction counts as writing at once
   */
  readonly notices?: boolean
  /**
   * The client's own managed transaction: begins, runs `body`, commits where it resolves, rolls back and rethrows
   * where it rejects. Resolves to what `body` resolved to, and only once the COMMIT has been answered.
   */
  run<T>(client: Client, body: (tx: Tx) => Promise<T>, options: TransactionOptions, state: State): Promise<T>
  /** The same for a savepoint. `name` is fresh and needs no quoting. @default savepoints are refused */
  savepoint?<T>(tx: Tx, body: (tx: Tx) => Promise<T>, name: string): Promise<T>
  /**
   * Called when a body, or a savepoint's, has resolved, while statements may still be sent: for a client that writes
   * late what it has gathered. @default nothing
   */
  finish?(tx: Tx): Promise<void>
  /**
   * Issues the last statement of a transaction that may have written, and rejects if the transaction can no longer
   * commit: a COMMIT that resolves is no proof. May declare, with `work.unit.write`, writes that nobody declared.
   */
  seal(tx: Tx, work: Work<State, Note>): Promise<void>
  /** Rejects if the transaction can no longer commit. Called where a `bind` function has used it after the seal. */
  confirm?(tx: Tx): Promise<void>
  /**
   * What the transaction has read so far, for the dependency audit. Rejects if it can no longer tell.
   *
   * @default the audit refuses this database
   */
  reads?(tx: Tx, work: Work<State, Note>): Promise<Reads>
  /** Whether a transaction that failed with this error may be run again. @default never */
  retryable?(error: unknown): boolean
  /** The client's methods inside a transaction: a new object each time. */
  inside(tx: Tx, work: Work<State, Note>): Inside
  /** The methods of the bound database besides `transaction`. @default none */
  outside?(client: Client, door: Door<Inside, State>): Outside
}

/** A database client whose transactions invalidate the cache once they have committed. */
export type BoundDatabase<Inside, Outside = Record<never, never>> = Outside & {
  /** The adapter's name. */
  readonly name: string
  /**
   * Runs `body` in a transaction and resolves to what it returned, once the transaction has committed and what it
   * wrote has been invalidated. Inside another transaction of this bound database it is a savepoint of that one.
   *
   * Rejects with what `body` or the database threw. Nothing is invalidated then, unless the failure came after the
   * COMMIT was sent: whether it arrived is unknown, so everything written is invalidated.
   */
  transaction<T>(
    body: (tx: TransactionHandle<Inside>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>
}
