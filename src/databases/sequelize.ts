import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { type PgConnection, watchedPg } from './postgres/watched-connection.ts'

/** What is used of Sequelize, version 6. */
export interface SequelizeLike {
  getDialect(): string
  // biome-ignore lint/suspicious/noExplicitAny: a transaction
  transaction<T>(body: (t: any) => PromiseLike<T>): Promise<T>
  // biome-ignore lint/suspicious/noExplicitAny: rows and metadata
  query(text: string): Promise<any>
}

/** The transaction that a Sequelize hands to its bodies. */
export type SequelizeTransaction<Sequelize extends SequelizeLike> = Awaited<
  ReturnType<Sequelize['transaction']>
>

/** What a body is given besides the controls of every bound database. */
export interface InsideSequelize<T> {
  /** The client's own transaction. Statements belong to it where it is given to them: `{ transaction: t }`. */
  readonly t: T
}

/** What a bound Sequelize has besides `transaction`. */
export interface OutsideSequelize<T> {
  /**
   * Inside a transaction its own `t`, elsewhere undefined: for functions that are given no handle,
   * `{ transaction: db.t }`. What is written outside a transaction goes unnoticed.
   */
  readonly t: T | undefined
}

/** A Sequelize, its transactions bound to a cache. */
export type BoundSequelize<Sequelize extends SequelizeLike> = BoundDatabase<
  InsideSequelize<SequelizeTransaction<Sequelize>>,
  OutsideSequelize<SequelizeTransaction<Sequelize>>
>

const bind = definePostgresClient<
  SequelizeLike,
  unknown,
  InsideSequelize<unknown>,
  OutsideSequelize<unknown>
>({
  name: 'sequelize',
  check(sequelize) {
    if (typeof sequelize?.transaction !== 'function' || typeof sequelize.getDialect !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindSequelize: ${show(sequelize)} is no Sequelize. Pass new Sequelize(…).`,
      )
    }
    if (sequelize.getDialect() === 'postgres') return
    throw new CacheError(
      'UNSUPPORTED',
      `bindSequelize: the dialect ${show(sequelize.getDialect())} is not supported, 'postgres' is. For another database use defineDatabase.`,
    )
  },
  runner: (sequelize) => ({
    begin: (body) => sequelize.transaction(body),
    connection: (t) => watchedPg((t as { readonly connection: PgConnection }).connection),
    ask: async (text) => (await sequelize.query(text))[0],
  }),
  inside: (t) => ({ t }),
  outside: (_, current) => ({
    get t() {
      return current()?.t
    },
  }),
})

/**
 * Binds a Sequelize on PostgreSQL to a cache: what a transaction wrote is invalidated once it has committed, and only then.
 *
 * Every statement of the transaction is noticed: of models, bulk operations and raw, **where it is given the
 * transaction**; one that is not runs on another connection, as ever with Sequelize, and goes unnoticed. Tables are found
 * through views, functions, triggers and foreign keys; the rows that models return make the invalidation narrower.
 *
 * Bind a client once. Do not build on `afterCommit`: it fires where the COMMIT failed, too.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for another database
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindSequelize } from 'coherent-cache/sequelize'
 *
 * const db = bindSequelize(sequelize, cache)
 * await db.transaction(async ({ t, write }) => {
 *   await Payments.create({ landlord_id: 3, amount: 500 }, { transaction: t })
 *   write('ledger', { operation: 'insert', rows: [{ id: 1 }] })
 * })
 * ```
 */
export function bindSequelize<Sequelize extends SequelizeLike>(
  sequelize: Sequelize,
  cache: UnitSource,
  options?: PostgresBindOptions,
): BoundSequelize<Sequelize> {
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(sequelize, cache, options) as unknown as BoundSequelize<Sequelize>
}
