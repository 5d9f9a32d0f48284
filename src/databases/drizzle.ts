import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { type PgConnection, watchedPg } from './postgres/watched-connection.ts'

/** What is used of a Drizzle database, from 0.44 on. */
export interface DrizzleLike {
  // biome-ignore lint/suspicious/noExplicitAny: a transaction of the client's own schema
  transaction<T>(body: (tx: any) => Promise<T>): Promise<T>
  // biome-ignore lint/suspicious/noExplicitAny: of the driver
  execute(query: string): any
}

/** The transaction that a Drizzle database hands to its bodies. */
export type DrizzleTransaction<Db extends DrizzleLike> = Parameters<Parameters<Db['transaction']>[0]>[0]

/** What a body is given besides the controls of every bound database. */
export interface InsideDrizzle<Tx> {
  /** The client's own transaction. */
  readonly tx: Tx
}

/** What a bound Drizzle database has besides `transaction`. */
export interface OutsideDrizzle<Db extends DrizzleLike> {
  /**
   * Inside a transaction its own `tx`, elsewhere the database that was bound: for functions that are given no handle.
   * What is written through it outside a transaction goes unnoticed.
   */
  readonly drizzle: Db | DrizzleTransaction<Db>
}

/** A Drizzle database, its transactions bound to a cache. */
export type BoundDrizzle<Db extends DrizzleLike> = BoundDatabase<
  InsideDrizzle<DrizzleTransaction<Db>>,
  OutsideDrizzle<Db>
>

const bind = definePostgresClient<DrizzleLike, unknown, InsideDrizzle<unknown>, OutsideDrizzle<DrizzleLike>>({
  name: 'drizzle',
  check(db) {
    if (typeof db?.transaction !== 'function' || typeof db.execute !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindDrizzle: ${show(db)} is no Drizzle database on PostgreSQL. Pass what drizzle(…) of drizzle-orm/node-postgres or drizzle-orm/pglite gave.`,
      )
    }
    connectionOf(db)
  },
  runner: (db) => ({
    begin: (body) => db.transaction(body),
    connection: (tx) => watchedPg(connectionOf(tx)),
    ask: async (text) => (await db.execute(text)).rows,
  }),
  inside: (tx) => ({ tx }),
  outside: (db, current) => ({
    get drizzle() {
      return current()?.tx ?? db
    },
  }),
})

/**
 * Binds a Drizzle database on PostgreSQL to a cache, with the driver node-postgres or PGlite: what a transaction wrote is
 * invalidated once it has committed, and only then.
 *
 * Every statement of the transaction is noticed, built or raw. Tables are found through views, functions, triggers and
 * foreign keys; rows that `returning()` gives make the invalidation narrower, by their columns of booleans, integers,
 * text and uuid. A statement outside a transaction is not noticed: run it in one. With PGlite, which has one connection,
 * what goes through the database itself while a transaction runs waits for its end: inside it, use `db.drizzle`.
 *
 * Bind a client once. `tx.transaction()` is Drizzle's own savepoint: what is written in one that is rolled back counts
 * as written; use the handle's `transaction`.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for another driver
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindDrizzle } from 'coherent-cache/drizzle'
 *
 * const db = bindDrizzle(drizzle, cache)
 * await db.transaction(async ({ tx, write }) => {
 *   await tx.insert(payments).values({ landlordId: 3, amount: 500 }).returning()
 *   write('ledger', { operation: 'insert', rows: [{ id: 1 }] })
 * })
 * ```
 */
export function bindDrizzle<Db extends DrizzleLike>(
  db: Db,
  cache: UnitSource,
  options?: PostgresBindOptions,
): BoundDrizzle<Db> {
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(db, cache, options) as unknown as BoundDrizzle<Db>
}

/** What Drizzle sends its statements through: hidden by its types, and there since its first version. */
function connectionOf(db: unknown): PgConnection {
  const { session } = db as { readonly session?: { readonly client?: Partial<PgConnection> } }
  const client = session?.client
  if (typeof client?.query === 'function') return client as PgConnection
  throw new CacheError(
    'UNSUPPORTED',
    'bindDrizzle: this driver is not supported; node-postgres and PGlite are. For another one use defineDatabase.',
  )
}
