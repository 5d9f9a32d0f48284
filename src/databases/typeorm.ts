import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { type PgConnection, watchedPg } from './postgres/watched-connection.ts'

/** What is used of an entity manager of TypeORM. */
export interface EntityManagerLike {
  readonly queryRunner?: { connect(): Promise<PgConnection> } | undefined
}

/** What is used of a TypeORM data source, from 0.3 on. */
export interface DataSourceLike {
  readonly options: { readonly type: string }
  readonly manager: EntityManagerLike
  // biome-ignore lint/suspicious/noExplicitAny: an entity manager
  transaction<T>(body: (manager: any) => Promise<T>): Promise<T>
  // biome-ignore lint/suspicious/noExplicitAny: rows
  query(text: string): Promise<any>
}

/** What a body is given besides the controls of every bound database. */
export interface InsideTypeorm<Manager> {
  /** The transaction's entity manager. Repositories come from it: those of the data source are outside. */
  readonly manager: Manager
}

/** What a bound data source has besides `transaction`. */
export interface OutsideTypeorm<Manager> {
  /**
   * Inside a transaction its own manager, elsewhere that of the data source: for functions that are given no handle.
   * What is written through it outside a transaction goes unnoticed.
   */
  readonly manager: Manager
}

/** A TypeORM data source, its transactions bound to a cache. */
export type BoundTypeorm<Source extends DataSourceLike> = BoundDatabase<
  InsideTypeorm<Source['manager']>,
  OutsideTypeorm<Source['manager']>
>

const bind = definePostgresClient<
  DataSourceLike,
  EntityManagerLike,
  InsideTypeorm<EntityManagerLike>,
  OutsideTypeorm<EntityManagerLike>
>({
  name: 'typeorm',
  check(source) {
    if (typeof source?.transaction !== 'function' || typeof source.options?.type !== 'string') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindTypeorm: ${show(source)} is no data source. Pass new DataSource({ … }), initialized before its first use.`,
      )
    }
    if (source.options.type === 'postgres') return
    throw new CacheError(
      'UNSUPPORTED',
      `bindTypeorm: the type ${show(source.options.type)} is not supported, 'postgres' is. For another database use defineDatabase.`,
    )
  },
  runner: (source) => ({
    begin: (body) => source.transaction(body),
    connection: async ({ queryRunner }) => {
      if (queryRunner === undefined)
        throw new CacheError('UNSUPPORTED', 'bindTypeorm: a manager without a runner.')
      return watchedPg(await queryRunner.connect())
    },
    ask: (text) => source.query(text),
  }),
  inside: (manager) => ({ manager }),
  outside: (source, current) => ({
    get manager() {
      return current()?.manager ?? source.manager
    },
  }),
})

/**
 * Binds a TypeORM data source on PostgreSQL to a cache: what a transaction wrote is invalidated once it has committed, and
 * only then.
 *
 * Every statement of the transaction is noticed: of repositories, builders, cascades and raw. Tables are found through
 * views, functions, triggers and foreign keys, whatever entities say. Rows are known where a statement returns them:
 * `createQueryBuilder().insert().returning('*')`. `save()` returns generated columns alone, so that its table counts
 * as changed in whole, unless you declare the rows. A statement outside a transaction is not noticed: run it in one.
 *
 * Bind a data source once. `manager.transaction()` is TypeORM's own savepoint: what is written in one that is rolled
 * back counts as written; use the handle's `transaction`.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for another database
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindTypeorm } from 'coherent-cache/typeorm'
 *
 * const db = bindTypeorm(dataSource, cache)
 * await db.transaction(async ({ manager, write }) => {
 *   const payment = await manager.getRepository(Payment).save({ landlordId: 3, amount: 500 })
 *   write('payments', { operation: 'insert', rows: [{ landlord_id: payment.landlordId }] })
 * })
 * ```
 */
export function bindTypeorm<Source extends DataSourceLike>(
  source: Source,
  cache: UnitSource,
  options?: PostgresBindOptions,
): BoundTypeorm<Source> {
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(source, cache, options) as unknown as BoundTypeorm<Source>
}
