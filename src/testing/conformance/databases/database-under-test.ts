import type { Cache } from '../../../core/cache.ts'
import type { Row, WrittenRows } from '../../../core/change.ts'
import type { Dependencies } from '../../../core/dependencies.ts'
import type { Receipt } from '../../../core/receipt.ts'

/** The part of a transaction's handle that every bound database has. `Tx` is the handle itself. */
export interface TransactionUnderTest<Tx> {
  write(table: string, change?: WrittenRows): void
  onCommitted(listener: (receipt: Receipt) => void): void
  rollback(): Promise<void>
  transaction<T>(body: (nested: Tx) => Promise<T>): Promise<T>
}

/** Options of a transaction that the suite uses. */
export interface TransactionChoices {
  readonly isolation?: 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
  readonly retries?: number
}

/** One client of the database, bound to a cache, and the client's own way to send things. */
export interface BoundUnderTest<Tx> {
  transaction<T>(body: (tx: Tx) => Promise<T>, options?: TransactionChoices): Promise<T>
  /** Sends a text of SQL that the client does not build itself. Resolves to its rows, if any. */
  sql(tx: Tx, text: string): Promise<readonly Row[]>
  /** Inserts a row into `items` (columns id, org_id and amount) by the client's own idiom: a builder, a model. */
  insert(
    tx: Tx,
    item: { readonly id: number; readonly orgId: number; readonly amount: number },
  ): Promise<unknown>
  /** Sends a text of SQL outside any transaction. @default the bound database has no means to */
  alone?(text: string): Promise<unknown>
  /** Closes the client, not the cache. */
  close(): Promise<void>
}

/** A network between clients and the server that can be made a bad one. */
export interface NetworkUnderTest {
  readonly port: number
  /** Lets the next request with this text through, and breaks its connection before the answer. Resolves then. */
  cutAfterRequest(text: string): Promise<void>
  /** Breaks every connection and refuses new ones. */
  cut(): void
  /** Accepts new ones. */
  mend(): void
  close(): Promise<void>
}

/** Where an adapter does not keep a case, and why. */
export interface Unsupported {
  /** For the reader of the documentation: what happens instead, and what to do. */
  readonly reason: string
  /** What the suite says when it plays the case all the same. A case that is kept after all fails the suite. */
  readonly fails: RegExp
}

/** A database client as the conformance suite needs it. */
export interface DatabaseUnderTest<Tx, Cases extends string = string> {
  /** What is not kept. Everything else has to be. @default nothing */
  readonly unsupported?: { readonly [Case in Cases]?: Unsupported }
  /** Drops the suite's tables where they are, and makes them anew from `conformanceTables`. */
  reset(): Promise<void>
  /** Rows of a query, sent past every bound database. */
  query(text: string): Promise<readonly Row[]>
  /** A cache with this map. */
  cache(dependencies: Dependencies): Cache
  /** A client of its own with at least two connections, bound to the cache; through `port` where that is given. */
  bind(cache: Cache, port?: number): Promise<BoundUnderTest<Tx>>
  /** A network of its own before the server. @default the client has no connection that could be lost */
  network?(): Promise<NetworkUnderTest>
  /** What the client sends to commit, and nowhere else. @default 'COMMIT' */
  readonly commit?: string
}
