/** A table that a transaction has read. */
export interface TableRead {
  /** The name that its writes go by: of a partition, that of the table it is a part of. */
  readonly table: string
  /** Tables that it inherits from. A write of it counts as one of each of them. */
  readonly parents: readonly string[]
  /** The ways to it through views, the outermost view first; empty where it was read directly alone. */
  readonly through: readonly (readonly string[])[]
}

/** What a transaction has read so far: the tables that keep the rows, and the views they were reached by. */
export interface Reads {
  readonly tables: readonly TableRead[]
  readonly views: readonly string[]
}

/**
 * Runs `body` in a read-only transaction that is rolled back, and says what it has read. Not to be called inside another. Inside it the cache answers
 * nothing: every read goes to its loader, in this transaction.
 */
export type RunReading = <T>(
  body: (tx: unknown) => T | Promise<T>,
) => Promise<{ readonly value: T; readonly reads: Reads }>

/** Under this name a bound database has a {@link RunReading}, where its client can tell. Shared by copies of this package. */
export const READING = Symbol.for('coherent-cache.reading')
