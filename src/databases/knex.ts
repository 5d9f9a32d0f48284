import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { watchedKnex } from './postgres/knex-connection.ts'

/** What is used of Knex, version 3. */
export interface KnexLike<Trx = unknown> {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the body of the client's own overloads gives
  transaction(body: (trx: Trx) => Promise<any>): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: a builder that is awaited
  raw(sql: string): any
  // biome-ignore lint/suspicious/noExplicitAny: Knex leaves it untyped
  readonly client: any
}

/** The transaction that a Knex hands to its bodies. */
export type KnexTransaction<Knex extends KnexLike> = Parameters<Parameters<Knex['transaction']>[0]>[0]

/** What a body is given besides the controls of every bound database. */
export interface InsideKnex<Trx> {
  /** The client's own transaction. Leave its end to the bound database. */
  readonly trx: Trx
}

/** What a bound Knex has besides `transaction`. */
export interface OutsideKnex<Knex, Trx> {
  /**
   * Inside a transaction its own `trx`, elsewhere the Knex that was bound: for functions that are given no handle. What
   * is written through it outside a transaction goes unnoticed.
   */
  readonly knex: Knex | Trx
}

/** A Knex, its transactions bound to a cache. */
export type BoundKnex<Knex extends KnexLike> = BoundDatabase<
  InsideKnex<KnexTransaction<Knex>>,
  OutsideKnex<Knex, KnexTransaction<Knex>>
>

const bind = definePostgresClient<KnexLike, unknown, InsideKnex<unknown>, OutsideKnex<unknown, unknown>>({
  name: 'knex',
  check(knex) {
    if (typeof knex?.transaction !== 'function' || typeof knex.raw !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindKnex: ${show(knex)} is no Knex. Pass what knex({ … }) gave.`,
      )
    }
    const dialect: unknown = knex.client?.dialect
    if (dialect === 'postgresql') return
    throw new CacheError(
      'UNSUPPORTED',
      `bindKnex: the dialect ${show(dialect)} is not supported, PostgreSQL is. For another database use defineDatabase.`,
    )
  },
  runner: (knex) => ({
    begin: (body) => knex.transaction(body),
    connection: (trx) => watchedKnex(trx),
    ask: async (text) => (await knex.raw(text)).rows,
  }),
  inside: (trx) => ({ trx }),
  outside: (knex, current) => ({
    get knex() {
      return current()?.trx ?? knex
    },
  }),
})

/**
 * Binds a Knex on PostgreSQL to a cache: what a transaction wrote is invalidated once it has committed, and only then.
 *
 * Every statement of the transaction is noticed, built or raw. Tables are found through views, functions, triggers and
 * foreign keys; rows that `returning` gives make the invalidation narrower. A statement outside a transaction is not
 * noticed: run it in one.
 *
 * Bind a client once. `trx.transaction()` is Knex's own savepoint: what is written in one that is rolled back counts as
 * written; use the handle's `transaction`.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for a Knex on another database
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindKnex } from 'coherent-cache/knex'
 *
 * const db = bindKnex(knex, cache)
 * await db.transaction(async ({ trx, write, onCommitted }) => {
 *   await trx('payments').insert({ landlord_id: 3, amount: 500 }).returning('*')
 *   write('ledger', { operation: 'insert', rows: [{ id: 1 }] })
 *   onCommitted((receipt) => console.log(receipt.stamps))
 * })
 * ```
 */
export function bindKnex<Knex extends KnexLike>(
  knex: Knex,
  cache: UnitSource,
  options?: PostgresBindOptions,
): BoundKnex<Knex> {
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(knex, cache, options) as unknown as BoundKnex<Knex>
}
