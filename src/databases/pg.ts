import type { Row } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import type { UnitOfWork } from '../core/unit.ts'
import type { BoundDatabase, TransactionOptions, UnitSource } from './adapter.ts'
import { defineDatabase } from './define-database.ts'
import { COMMIT_AND_TELL, positionOf } from './postgres/log-position.ts'
import { settleLost } from './postgres/lost-transaction.ts'
import {
  OPAQUE_SQL,
  observed,
  PostgresKnowledge,
  type PostgresOptions,
  type PostgresWork,
  type StatementNote,
} from './postgres/observe.ts'
import { isSubmittable, textOf } from './postgres/query-config.ts'
import { checkFrom, type ReadFrom, Replicas } from './postgres/reader.ts'
import { readsOfPostgres } from './postgres/reads.ts'
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
  query(text: any, ...values: any[]): any
}

/** What is used of a connection of a `pg` pool. */
export interface PgClientLike extends PgQueryable {
  /** In newer versions: `'I'` outside a transaction, `'T'` in one, `'E'` in one that failed. */
  getTransactionStatus?(): string | null
  release(destroy?: boolean | Error): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** What is used of a `pg` pool, version 8. */
export interface PgPoolLike extends PgQueryable {
  connect(): Promise<PgClientLike>
}

/** A primary and its replicas. */
export interface PgPools<Pool extends PgPoolLike = PgPoolLike> {
  /** Where everything is written, and read unless a replica is asked for. */
  readonly primary: Pool
  /** A pool for each replica: not one for several behind a balancer. */
  readonly replicas: readonly Pool[]
}

/** Options of `bindPg`. */
export type PgBindOptions = PostgresOptions

type Methods<Client extends PgQueryable> = Pick<Client, 'query'>

/** A connection in a transaction of ours. */
interface Session {
  readonly client: PgClientLike
  /** Set once the transaction has sent a cursor or a stream, which holds the connection until it is read or closed. */
  streaming: boolean
  /** The transaction's id, known from its seal on where it wrote. */
  xid: string | undefined
  /** Who wants to know, from the seal on, where in the log the transaction commits. */
  unit: Pick<UnitOfWork, 'setPosition'> | undefined
}

/** A `pg` pool, its transactions bound to a cache. */
export type BoundPg<Pool extends PgPoolLike> = BoundDatabase<Methods<Pool>, Methods<Pool> & PgReplicas<Pool>>

/** How loaders read from replicas. */
export interface PgReplicas<Pool extends PgPoolLike> {
  /**
   * The pool's `query`, for a loader that only reads. What it sends goes to a replica where the loader's context allows
   * it: to any, or to one that has reached the context's position, which is asked of it first, on the same connection.
   * Otherwise, and where no replica can be reached or recovery interrupts it, it goes to the primary, as it does where
   * there are no replicas. Inside a transaction of this bound database it joins that.
   *
   * @throws CacheError `INVALID_ARGUMENT` for what says nothing of a source
   */
  reader(from: ReadFrom): Methods<Pool>
}

const bind = defineDatabase<
  PgPools,
  Session,
  PgQueryable,
  PgQueryable & PgReplicas<PgPoolLike>,
  PgBindOptions,
  PostgresKnowledge,
  StatementNote
>({
  name: 'pg',
  options: ['detectWrites', 'journal'],
  notices: true,
  identity: ({ primary }) => primary,
  open({ primary, replicas }, options) {
    for (const pool of [primary, ...replicas]) checkPool(pool)
    return new PostgresKnowledge(options, (text) => primary.query(text), 'bindPg')
  },
  run: ({ primary }, body, options, knowledge) => inTransaction(primary, body, options, knowledge),
  savepoint: (session, body, name) =>
    inSavepoint(
      (text) => session.client.query(text),
      name,
      () => body(session),
    ),
  async seal(session, work) {
    if (work.unit.wantsPosition) session.unit = work.unit
    await sealPostgres(sender(session), work)
  },
  confirm: (session) => confirmPostgres(sender(session)),
  reads: (session) => readsOfPostgres(sender(session)),
  retryable: isRetryable,
  inside: noticing,
  outside({ primary: pool, replicas }, { state, current, transaction }) {
    const readable = new Replicas(replicas)
    const send = async (config: unknown, values: unknown) => {
      const tx = current()
      if (tx !== undefined) return await tx.query(config, values)
      const text = textOf(config)
      const statements = text === undefined ? [] : state.statements(text)
      const alone = statements.length === 1 && statements[0]?.kind === 'alone'
      if (text !== undefined && (alone || statements.every(({ kind }) => kind === 'read'))) {
        return await pool.query(config, values)
      }
      return await transaction((own) => own.query(config, values))
    }
    const query = (config: unknown, ...rest: unknown[]) => {
      if (!isSubmittable(config)) return withoutCallback(config, rest) ?? send(config, rest[0])
      const tx = current()
      if (tx !== undefined) return tx.query(config, ...rest)
      throw new CacheError(
        'UNSUPPORTED',
        'bindPg: a cursor or stream outside a transaction. Its connection has to stay its own until it is closed: send it with tx.query() inside db.transaction(…), or through the pool itself.',
      )
    }
    const read = async (from: ReadFrom, config: unknown, values: unknown) => {
      const answer = await readable.read(from, (client) => client.query(config, values) as Promise<unknown>)
      return answer === undefined ? send(config, values) : answer.result
    }
    return {
      query,
      reader(from) {
        checkFrom(from)
        return {
          query(config: unknown, ...rest: unknown[]) {
            if (current() !== undefined || isSubmittable(config)) return query(config, ...rest)
            return withoutCallback(config, rest) ?? read(from, config, rest[0])
          },
        }
      },
    }
  },
})

/**
 * Binds a `pg` pool to a cache: what a transaction wrote is invalidated once it has committed, and only then.
 *
 * Writes are noticed. Tables are found through raw SQL, views, functions, triggers and foreign keys; the rows of a
 * plain statement's RETURNING clause make the invalidation narrower. A statement outside a transaction is one of its
 * own; inside one, `query` of the bound pool joins it. Nothing hangs on the session: it works behind a pooler in
 * transaction mode.
 *
 * A connection that is lost rejects its transaction and ends nothing else. (Idle ones are the pool's: listen to its
 * 'error' event, as ever.) Where it is lost during COMMIT, which may have arrived, what was written is invalidated: once
 * the server, asked through another connection, says that it is decided. A session that is still at it is ended for
 * that. Where there is no such answer within a second, it is invalidated then.
 *
 * A cursor or stream is sent with `tx.query()` and counts as a write of anything; close it before the body ends. What is
 * written through the pool itself, or by other programs, goes unnoticed. Callbacks are refused: use the promise.
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
  pool: Pool | PgPools<Pool>,
  cache: UnitSource,
  options?: PgBindOptions,
): BoundPg<Pool> {
  // The methods hand on what they are given and what the client answers, so they are of the client's own types.
  const pools = poolsOf(pool)
  if (pools.replicas.length > 0 && cache?.unitOfWork?.().wantsPosition === false) throw lagUnknown()
  return bind(pools, cache, options) as BoundDatabase<PgQueryable, PgQueryable> as unknown as BoundPg<Pool>
}

/**
 * A transaction on a connection of its own. The connection goes back to the pool only if it is certain to be out of the
 * transaction; otherwise it is closed. Where it is lost during COMMIT, rejects only when that can no longer take effect
 * or has, as far as the server can be asked: what is invalidated before would be read again as it was.
 */
async function inTransaction<T>(
  pool: PgPoolLike,
  body: (session: Session) => Promise<T>,
  options: TransactionOptions,
  { mark }: Pick<PostgresKnowledge, 'mark'>,
): Promise<T> {
  const client = await checkOut(pool)
  const session: Session = { client, streaming: false, xid: undefined, unit: undefined }
  // The pool listens to idle connections only: one that is lost while checked out would end the process.
  let lost: Error | undefined
  /** From the sending of COMMIT until an answer says what it came to. */
  let undecided = false
  const onError = (error: Error) => {
    lost = error
  }
  client.on('error', onError)
  try {
    const modes = setTransaction(options)?.replace(/^SET TRANSACTION/, '') ?? ''
    await client.query(mark === undefined ? `BEGIN${modes}` : `BEGIN${modes}; ${mark}`)
    const value = await body(session)
    undecided = true
    const command = await commit(session)
    undecided = false
    // An aborted transaction answers COMMIT with success and this tag. The seal finds it first, where there is one.
    if (command !== 'COMMIT') throw swallowed(undefined)
    return value
  } catch (error) {
    // Behind a cursor that was left open, ROLLBACK would wait for ever.
    if (session.streaming) lost ??= new Error('A cursor or stream may still hold the connection.')
    if (lost === undefined) {
      try {
        await client.query('ROLLBACK')
        // It was behind COMMIT, so that has been decided too.
        undecided = false
      } catch (failure) {
        lost = failure instanceof Error ? failure : new Error(String(failure))
      }
    }
    throw error
  } finally {
    client.removeListener('error', onError)
    client.release(lost)
    if (undecided && session.xid !== undefined) {
      await settleLost((text, values) => pool.query(text, values), session.xid)
    }
  }
}

/** Commits, and says where in the log to whom wants to know. @returns the tag of the answer */
async function commit({ client, unit }: Session): Promise<string> {
  if (unit === undefined) return ((await client.query('COMMIT')) as Result).command
  const [committed, told] = (await client.query(COMMIT_AND_TELL)) as [Result, Result]
  const position = positionOf((told.rows[0] as Row | undefined)?.lsn)
  if (position !== undefined) unit.setPosition(position)
  return committed.command
}

/** A connection outside any transaction. One that others have released inside theirs is closed: it would join ours. */
async function checkOut(pool: PgPoolLike): Promise<PgClientLike> {
  for (;;) {
    const client = await pool.connect()
    const status = client.getTransactionStatus?.()
    if (status !== 'T' && status !== 'E') return client
    client.release(true)
  }
}

function sender(session: Session): SendSql {
  return async (text, parameters = []) => {
    const { rows } = (await session.client.query(text, [...parameters])) as { rows: Row[] }
    if (typeof rows[0]?.xid === 'string') session.xid = rows[0].xid
    return rows
  }
}

/** The client's `query` inside a transaction, each statement noticed. */
function noticing(session: Session, work: PostgresWork): PgQueryable {
  const { client } = session
  const send = (config: unknown, values: unknown): Promise<unknown> => {
    const given = typeof config === 'object' && config !== null ? config : {}
    // Values of another form than those that keys are made of.
    const unusual = 'types' in given || 'binary' in given
    return observed(
      work,
      textOf(config) ?? OPAQUE_SQL,
      () => client.query(config, values) as Promise<Result | Result[]>,
      (result) => (unusual ? undefined : Array.isArray(result) ? result[0]?.rows : result.rows),
    )
  }
  return {
    query(config: unknown, ...rest: unknown[]) {
      if (!isSubmittable(config)) return withoutCallback(config, rest) ?? send(config, rest[0])
      // What it sends cannot be read. The client hands it back at once, as its type says.
      work.issue('write')
      work.note({ write: undefined, rows: undefined })
      session.streaming = true
      return client.query(config, ...rest)
    },
  }
}

/** Rejects where a callback was given: it would be called before what was written has been invalidated. */
function withoutCallback(config: unknown, rest: readonly unknown[]): Promise<never> | undefined {
  const { callback } = (config ?? {}) as { callback?: unknown }
  if (![callback, ...rest].some((one) => typeof one === 'function')) return undefined
  return Promise.reject(
    new CacheError('INVALID_ARGUMENT', 'bindPg: query takes no callback. Await the promise that it returns.'),
  )
}

function poolsOf<Pool extends PgPoolLike>(pools: Pool | PgPools<Pool>): PgPools<Pool> {
  if (typeof pools !== 'object' || pools === null || !('primary' in pools)) {
    return { primary: pools as Pool, replicas: [] }
  }
  checkOptions(pools, ['primary', 'replicas'], 'bindPg')
  if (Array.isArray(pools.replicas)) return pools
  throw new CacheError(
    'INVALID_ARGUMENT',
    `bindPg: replicas: ${show(pools.replicas)} is no array. Pass a pool for each replica.`,
  )
}

function checkPool(pool: PgPoolLike): void {
  if (typeof pool?.connect !== 'function' || typeof pool.query !== 'function') {
    throw new CacheError('INVALID_ARGUMENT', `bindPg: ${show(pool)} is no pool. Pass new Pool(…) of pg.`)
  }
  if ('release' in pool || 'processID' in pool) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      'bindPg: this is a single client, whose transactions would run into one another. Pass a Pool.',
    )
  }
}

function lagUnknown(): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    "bindPg: replicas: the cache does not know how far they may lag, so that it would keep old values that they give. Pass replicaLag to createCache, such as '10s'.",
  )
}
