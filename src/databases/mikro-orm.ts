import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { flushedRows } from './mikro-orm-flush.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { watchedKnex } from './postgres/knex-connection.ts'

/** What is used of an entity manager of MikroORM. */
export interface MikroEntityManagerLike {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: the ORM's configuration
  readonly config: any
  // biome-ignore lint/suspicious/noExplicitAny: an entity manager
  fork(options?: any): any
  getEventManager(): { registerSubscriber(subscriber: object): void }
  // biome-ignore lint/suspicious/noExplicitAny: an entity manager
  transactional<T>(body: (em: any) => Promise<T>): Promise<T>
  flush(): Promise<void>
  // biome-ignore lint/suspicious/noExplicitAny: a transaction of its driver
  getTransactionContext<T = any>(): T | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a connection
  getConnection(): any
}

/** What is used of MikroORM, version 6. */
export interface MikroOrmLike<Em extends MikroEntityManagerLike = MikroEntityManagerLike> {
  readonly em: Em
}

/** What a body is given besides the controls of every bound database. */
export interface InsideMikroOrm<Em> {
  /** The transaction's entity manager. What it has gathered is flushed when the body resolves. */
  readonly em: Em
}

/** What a bound MikroORM has besides `transaction`. */
export interface OutsideMikroOrm<Em> {
  /**
   * Inside a transaction its own manager, elsewhere that of the ORM: for functions that are given no handle. What is
   * flushed through it outside a transaction goes unnoticed.
   */
  readonly em: Em
}

/** A MikroORM, its transactions bound to a cache. */
export type BoundMikroOrm<Orm extends MikroOrmLike> = BoundDatabase<
  InsideMikroOrm<Orm['em']>,
  OutsideMikroOrm<Orm['em']>
>

const bind = definePostgresClient<
  MikroOrmLike,
  MikroEntityManagerLike,
  InsideMikroOrm<MikroEntityManagerLike>,
  OutsideMikroOrm<MikroEntityManagerLike>
>({
  name: 'mikro-orm',
  check(orm) {
    if (typeof orm?.em?.transactional !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindMikroOrm: ${show(orm)} is no MikroORM. Pass what MikroORM.init gave.`,
      )
    }
    const dialect: unknown = orm.em.getConnection().getKnex?.().client?.dialect
    if (dialect === 'postgresql') return
    throw new CacheError(
      'UNSUPPORTED',
      `bindMikroOrm: the dialect ${show(dialect)} is not supported, PostgreSQL in MikroORM 6 is. For another database use defineDatabase.`,
    )
  },
  runner: ({ em }) => ({
    begin: (body) => freshManager(em).transactional(body),
    connection: (own) => watchedKnex(own.getTransactionContext()),
    ask: (text) => em.getConnection().execute(text),
  }),
  begun: (transaction) => transaction.own.getEventManager().registerSubscriber(flushedRows(transaction)),
  savepoint: (em, body) => em.transactional(body),
  finish: (em) => em.flush(),
  inside: (em) => ({ em }),
  outside: ({ em }, current) => ({
    get em() {
      return current()?.em ?? em
    },
  }),
})

/**
 * Binds a MikroORM 6 on PostgreSQL to a cache: what a transaction wrote is invalidated once it has committed, and only
 * then.
 *
 * Every statement of the transaction is noticed: of the unit of work, of builders and raw. What the transaction's
 * manager has gathered is flushed when the body resolves, before the transaction is sealed. Tables are found through
 * views, functions, triggers and foreign keys; what a flush inserts is known by its rows, what it updates or deletes by
 * primary keys: other columns were read before, and may have changed since. A flush outside a transaction is not noticed:
 * flush in one.
 *
 * Bind an ORM once. A transaction begins with the entities that the request's manager knows; what it loads or makes stays
 * its own.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for another database
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindMikroOrm } from 'coherent-cache/mikro-orm'
 *
 * const db = bindMikroOrm(orm, cache)
 * await db.transaction(async ({ em, write }) => {
 *   em.create(PaymentEntity, { landlordId: 3, amount: 500 })
 *   write('ledger', { operation: 'insert', rows: [{ id: 1 }] })
 * })
 * ```
 */
export function bindMikroOrm<Orm extends MikroOrmLike>(
  orm: Orm,
  cache: UnitSource,
  options?: PostgresBindOptions,
): BoundMikroOrm<Orm> {
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(orm, cache, options) as unknown as BoundMikroOrm<Orm>
}

/**
 * A manager of the request's, or else the ORM's, outside every transaction: one that was found by its context may be in
 * one of the user's own, or of another ORM of the same name, and would only take a savepoint there.
 */
function freshManager(em: MikroEntityManagerLike): MikroEntityManagerLike {
  const known: MikroEntityManagerLike = em.config.get('context')(em.name) ?? em
  return known.fork({ clear: false, disableContextResolution: true, useContext: false })
}
