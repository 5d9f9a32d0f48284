import type { Row } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { OPAQUE_SQL } from './postgres/observe.ts'
import type { WatchedConnection } from './postgres/watched-connection.ts'

interface Compiled {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** What is used of a connection of Kysely's. */
interface Connection {
  executeQuery(query: Compiled): Promise<{ readonly rows: readonly unknown[] }>
  // biome-ignore lint/suspicious/noExplicitAny: handed on
  streamQuery(...parameters: any[]): any
}

/** What is used of a Kysely's way to a connection. */
interface Executor {
  readonly adapter: { readonly supportsTransactionalDdl: boolean; readonly supportsReturning: boolean }
  provideConnection<T>(consumer: (connection: Connection) => Promise<T>): Promise<T>
}

/** What is used of Kysely, from 0.28 on. */
export interface KyselyLike {
  transaction(): {
    // biome-ignore lint/suspicious/noExplicitAny: a transaction of the client's own schema
    execute<T>(body: (trx: any) => Promise<T>): Promise<T>
  }
  // biome-ignore lint/suspicious/noExplicitAny: an Executor, in terms of Kysely's own nodes
  getExecutor(): any
}

/** The transaction that a Kysely hands to its bodies. */
export type KyselyTransaction<Kysely extends KyselyLike> = Parameters<
  Parameters<ReturnType<Kysely['transaction']>['execute']>[0]
>[0]

/** What a body is given besides the controls of every bound database. */
export interface InsideKysely<Trx> {
  /** The client's own transaction. */
  readonly trx: Trx
}

/** What a bound Kysely has besides `transaction`. */
export interface OutsideKysely<Kysely> {
  /**
   * Inside a transaction its own `trx`, elsewhere the Kysely that was bound: for functions that are given no handle.
   * What is written through it outside a transaction goes unnoticed.
   */
  readonly kysely: Kysely
}

/** A Kysely, its transactions bound to a cache. */
export type BoundKysely<Kysely extends KyselyLike> = BoundDatabase<
  InsideKysely<KyselyTransaction<Kysely>>,
  OutsideKysely<Kysely>
>

const bind = definePostgresClient<
  KyselyLike,
  KyselyLike,
  InsideKysely<KyselyLike>,
  OutsideKysely<KyselyLike>
>({
  name: 'kysely',
  check(kysely) {
    if (typeof kysely?.transaction !== 'function' || typeof kysely.getExecutor !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindKysely: ${show(kysely)} is no Kysely. Pass new Kysely({ … }).`,
      )
    }
    // Of the dialects that come with Kysely these two are PostgreSQL's alone.
    const { adapter } = kysely.getExecutor() as Executor
    if (adapter.supportsTransactionalDdl && adapter.supportsReturning) return
    throw new CacheError(
      'UNSUPPORTED',
      'bindKysely: this is not the dialect of PostgreSQL. For another database use defineDatabase.',
    )
  },
  runner: (kysely) => ({
    begin: (body) => kysely.transaction().execute(body),
    connection: (trx) => (trx.getExecutor() as Executor).provideConnection(async (one) => watched(one)),
    ask: (text) =>
      (kysely.getExecutor() as Executor).provideConnection((connection) => watched(connection).send(text)),
  }),
  inside: (trx) => ({ trx }),
  outside: (kysely, current) => ({
    get kysely() {
      return current()?.trx ?? kysely
    },
  }),
})

/**
 * Binds a Kysely on PostgreSQL to a cache: what a transaction wrote is invalidated once it has committed, and only then.
 *
 * Every statement of the transaction is noticed, built or raw, before plugins change its rows. Tables are found through
 * views, functions, triggers and foreign keys; rows that `returning` gives make the invalidation narrower. A statement
 * outside a transaction is not noticed: run it in one.
 *
 * Bind a client once. Kysely's pool does not listen to connections that are checked out, so that one which is lost ends
 * the process: `pool.on('connect', (client) => client.on('error', () => {}))`.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for a Kysely on another database
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindKysely } from 'coherent-cache/kysely'
 *
 * const db = bindKysely(kysely, cache)
 * await db.transaction(async ({ trx, write }) => {
 *   await trx.insertInto('payments').values({ landlord_id: 3, amount: 500 }).returningAll().execute()
 *   write('ledger', { operation: 'insert', rows: [{ id: 1 }] })
 * })
 * ```
 */
export function bindKysely<Kysely extends KyselyLike>(
  kysely: Kysely,
  cache: UnitSource,
  options?: PostgresBindOptions,
): BoundKysely<Kysely> {
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(kysely, cache, options) as unknown as BoundKysely<Kysely>
}

/** Watches a connection as Kysely's own log does: by methods in place of its own. */
function watched(connection: Connection): WatchedConnection {
  const [executeQuery, streamQuery] = [connection.executeQuery, connection.streamQuery]
  return {
    async send(sql, parameters = []) {
      const query: Compiled & object = {
        sql,
        parameters,
        ...{
          query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
          queryId: { queryId: 'coherent-cache' },
        },
      }
      return (await executeQuery.call(connection, query)).rows as readonly Row[]
    },
    watch(announce) {
      connection.executeQuery = async (query) => {
        const answered = announce(query.sql)
        const result = await executeQuery.call(connection, query)
        answered(result.rows)
        return result
      }
      connection.streamQuery = (...parameters) => {
        announce(OPAQUE_SQL)
        return streamQuery.call(connection, ...parameters)
      }
      return () => Object.assign(connection, { executeQuery, streamQuery })
    },
  }
}
