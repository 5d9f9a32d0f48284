import type { Row } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkChoice } from '../core/options.ts'
import type { BoundDatabase, TransactionOptions, UnitSource } from './adapter.ts'
import { defineDatabase } from './define-database.ts'
import {
  type DetectWrites,
  observed,
  PostgresKnowledge,
  type PostgresWork,
  type StatementNote,
} from './postgres/observe.ts'
import { confirmPostgres, sealPostgres } from './postgres/seal.ts'
import { inSavepoint, isRetryable, type SendSql, setTransaction, swallowed } from './postgres/session.ts'

/** What is used of a result of `pg`. */
interface Result {
  readonly command: string
  readonly rows: unknown[]
}

/** What is used of `query` of `pg`: its promise forms, by text or by a configuration object. */
export interface PgQueryable {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(text: any, values?: any): any
}

/** What is used of a connection of a `pg` pool. */
export interface PgClientLike extends PgQueryable {
  release(destroy?: boolean | Error): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** What is used of a `pg` pool, version 8. */
export interface PgPoolLike extends PgQueryable {
  connect(): Promise<PgClientLike>
}

/** Options of `bindPg`. */
export interface PgBindOptions {
  /**
   * How writes that nobody declared are found. `'auto'`: by reading statements, and by the transaction's locks where
   * that is not enough. `'locks'`: by the locks of every transaction that wrote; their cost grows with all the locks on
   * the server. `'declared'`: by reading statements alone; what a function, trigger or cascade writes is then for
   * `write()`. @default 'auto'
   */
  readonly detectWrites?: DetectWrites | undefined
}

type Methods<Client extends PgQueryable> = Pick<Client, 'query'>

/** A `pg` pool, its transactions bound to a cache. */
export type BoundPg<Pool extends PgPoolLike> = BoundDatabase<Methods<Pool>, Methods<Pool>>

const bind = defineDatabase<
  PgPoolLike,
  PgClientLike,
  PgQueryable,
  PgQueryable,
  PgBindOptions,
  PostgresKnowledge,
  StatementNote
>({
  name: 'pg',
  options: ['detectWrites'],
  notices: true,
  open(pool, { detectWrites = 'auto' }) {
    if (typeof pool?.connect !== 'function' || typeof pool.query !== 'function') {
      throw new CacheError('INVALID_ARGUMENT', `bindPg: ${show(pool)} is no pool. Pass new Pool(…) of pg.`)
    }
    if ('release' in pool || 'processID' in pool) {
      throw new CacheError(
        'INVALID_ARGUMENT',
        'bindPg: this is a single client, whose transactions would run into one another. Pass a Pool.',
      )
    }
    const choices: readonly DetectWrites[] = ['auto', 'locks', 'declared']
    return new PostgresKnowledge(checkChoice(detectWrites, choices, 'bindPg: detectWrites'))
  },
  run: inTransaction,
  savepoint: (tx, body, name) =>
    inSavepoint(
      (text) => tx.query(text),
      name,
      () => body(tx),
    ),
  seal: (tx, work) => sealPostgres(sender(tx), work),
  confirm: (tx) => confirmPostgres(sender(tx)),
  retryable: isRetryable,
  inside: noticing,
  outside: (pool, { state, current, transaction }) => ({
    query: async (config: unknown, values?: unknown) => {
      const tx = current()
      if (tx !== undefined) return await tx.query(config, values)
      const text = textOf(config)
      const statements = text === undefined ? [] : state.statements(text)
      const alone = statements.length === 1 && statements[0]?.kind === 'alone'
      if (text !== undefined && (alone || statements.every(({ kind }) => kind === 'read'))) {
        return await pool.query(config, values)
      }
      return await transaction((own) => own.query(config, values))
    },
  }),
})

/**
 * Binds a `pg` pool to a cache: what a transaction wrote is invalidated once it has committed, and only then.
 *
 * Writes are noticed. Tables are found through raw SQL, views, functions, triggers and foreign keys; the rows of a
 * plain statement's RETURNING clause make the invalidation narrower. A statement outside a transaction is one of its
 * own; inside one, `query` of the bound pool joins it. Nothing hangs on the session: it works behind a pooler in
 * transaction mode. A connection that is lost, during COMMIT too, rejects the transaction and ends nothing else;
 * what was written is invalidated then, because the COMMIT may have arrived.
 *
 * What is written through the pool itself, or by other programs, goes unnoticed. Callbacks are not taken: use the
 * promise.
 *
 * @throws CacheError `INVALID_ARGUMENT` or `INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { Pool } from 'pg'
 * import { createCache, defineDependencies } from 'coherent-cache'
 * import { bindPg } from 'coherent-cache/pg'
 *
 * const dependencies = defineDependencies({ tables: { payments: ['payment:{landlordId}:*'] } })
 * const cache = createCache({ name: 'payments', dependencies })
 * const db = bindPg(new Pool(), cache)
 *
 * await db.transaction(
 *   async (tx) => {
 *     await tx.query('INSERT INTO payments (landlord_id, amount) VALUES ($1, $2) RETURNING *', [3, 500])
 *     tx.write('ledger', { operation: 'update' })
 *   },
 *   { isolation: 'serializable', retries: 3 },
 * )
 * await db.query('DELETE FROM payments WHERE id = $1', [7])
 * ```
 */
export function bindPg<Pool extends PgPoolLike>(
  pool: Pool,
  cache: UnitSource,
  options?: PgBindOptions,
): BoundPg<Pool> {
  // The methods hand on what they are given and what the client answers, so they are of the client's own types.
  return bind(pool, cache, options) as BoundDatabase<PgQueryable, PgQueryable> as unknown as BoundPg<Pool>
}

/**
 * A transaction on a connection of its own. The connection goes back to the pool only if it is certain to be out of the
 * transaction; otherwise it is closed.
 */
async function inTransaction<T>(
  pool: PgPoolLike,
  body: (tx: PgClientLike) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const client = await pool.connect()
  // The pool listens to idle connections only: one that is lost while checked out would end the process.
  let lost: Error | undefined
  const onError = (error: Error) => {
    lost = error
  }
  client.on('error', onError)
  try {
    const modes = setTransaction(options)?.replace(/^SET TRANSACTION/, '') ?? ''
    await client.query(`BEGIN${modes}`)
    const value = await body(client)
    const { command } = (await client.query('COMMIT')) as Result
    // An aborted transaction answers COMMIT with success and this tag. The seal finds it first; a proxy may not.
    if (command !== 'COMMIT') throw swallowed(undefined)
    return value
  } catch (error) {
    if (lost === undefined) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        lost = failure instanceof Error ? failure : new Error(String(failure))
      })
    }
    throw error
  } finally {
    client.removeListener('error', onError)
    // Errors that arrive while it is being closed have nobody else to go to.
    if (lost !== undefined) client.on('error', ignore)
    client.release(lost)
  }
}

function ignore(): void {}

function sender(tx: PgClientLike): SendSql {
  return async (text, parameters = []) => ((await tx.query(text, [...parameters])) as { rows: Row[] }).rows
}

/** The client's `query` inside a transaction, each statement noticed. */
function noticing(tx: PgClientLike, work: PostgresWork): PgQueryable {
  return {
    query: async (config: unknown, values?: unknown) => {
      const text = textOf(config)
      // A cursor or a stream: what it sends cannot be read, so it counts as a write of anything.
      if (text === undefined)
        return await observed(
          work,
          'opaque()',
          () => tx.query(config, values),
          () => undefined,
        )
      const rowsAsObjects = typeof config === 'string' || !('rowMode' in (config as object))
      const parsed = typeof config === 'object' && config !== null && 'types' in config
      return await observed(
        work,
        text,
        () => tx.query(config, values) as Promise<Result | Result[]>,
        (result) =>
          rowsAsObjects && !parsed ? (Array.isArray(result) ? result[0]?.rows : result.rows) : undefined,
      )
    },
  }
}

/** The SQL of a query given as text or as a configuration object; undefined for a cursor, a stream or the like. */
function textOf(config: unknown): string | undefined {
  if (typeof config === 'string') return config
  const { text, submit } = (config ?? {}) as { text?: unknown; submit?: unknown }
  return typeof text === 'string' && typeof submit !== 'function' ? text : undefined
}
