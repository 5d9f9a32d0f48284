import type { Row } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import type { Journal, OpenJournal } from '../core/journal.ts'
import { pooledTransaction } from '../core/pooled-transaction.ts'
import type { BoundDatabase, UnitSource, Work } from './adapter.ts'
import { defineDatabase } from './define-database.ts'
import { readMysql } from './mysql/statement.ts'
import { inSavepoint } from './postgres/session.ts'

/** What is used of `query` and `execute` of mysql2's promises. */
export interface Mysql2Queryable {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(sql: any, values?: any): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  execute(sql: any, values?: any): Promise<any>
}

/** What is used of a connection of a mysql2 pool. */
export interface Mysql2ConnectionLike extends Mysql2Queryable {
  release(): void
  destroy(): void
}

/** What is used of a pool of `mysql2/promise`, version 3. */
export interface Mysql2PoolLike extends Mysql2Queryable {
  getConnection(): Promise<Mysql2ConnectionLike>
}

type Methods<Client extends Mysql2Queryable> = Pick<Client, 'query' | 'execute'>

/** A mysql2 pool, its transactions bound to a cache. */
export type BoundMysql2<Pool extends Mysql2PoolLike> = BoundDatabase<Methods<Pool>, Methods<Pool>>

/** A connection in a transaction of ours. */
interface Session {
  readonly connection: Mysql2ConnectionLike
  /** Why the transaction is over, where the server has ended it: what follows would be committed by itself. */
  ended: string | undefined
}

/** Options of `bindMysql2`. */
export interface Mysql2BindOptions {
  /**
   * Records in the transaction what it makes void, for a relay to see to if this process dies between COMMIT and
   * invalidation: from `defineJournal` of `coherent-cache/journal`, with the dialect `'mysql'`. @default none
   */
  readonly journal?: Journal | undefined
}

/** What one binding keeps. */
interface State {
  readonly journal: OpenJournal | undefined
  /** Whether the process has been warned of a statement that could not be read. */
  warned: boolean
}

type MysqlWork = Work<State, string>

/** What begins with these writes, most likely. */
const UNREAD = ['CALL', 'EXECUTE', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'LOAD', 'IMPORT']
const IN_TRANSACTION = 1
const DEADLOCK = 1213
/** A deadlock, a lock that was waited for too long, a row that changed since the snapshot. */
const RETRYABLE = [DEADLOCK, 1205, 1020]

const bind = defineDatabase<
  Mysql2PoolLike,
  Session,
  Mysql2Queryable,
  Mysql2Queryable,
  Mysql2BindOptions,
  State,
  string
>({
  name: 'mysql2',
  options: ['journal'],
  notices: true,
  open(pool, { journal }) {
    if (typeof pool?.getConnection !== 'function' || typeof pool.execute !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindMysql2: ${show(pool)} is no pool of promises. Pass createPool(…) of mysql2/promise.`,
      )
    }
    if (journal !== undefined && journal?.dialect !== 'mysql') {
      throw new CacheError(
        'INVALID_OPTION',
        `bindMysql2: journal: ${show(journal)} is no journal on MySQL. Pass defineJournal({ dialect: 'mysql', … }).`,
      )
    }
    return { journal: journal?.open((text) => pool.query(text)), warned: false }
  },
  run(pool, body, { isolation, readOnly }) {
    const begin = `START TRANSACTION${readOnly === true ? ' READ ONLY' : ''}`
    const level = isolation && `SET TRANSACTION ISOLATION LEVEL ${isolation.toUpperCase()}`
    return pooledTransaction(pool, level === undefined ? [begin] : [level, begin], (connection) =>
      body({ connection, ended: undefined }),
    )
  },
  savepoint: (session, body, name) =>
    inSavepoint(
      (text) => session.connection.query(text),
      name,
      () => body(session),
    ),
  async seal(session, work) {
    declare(work)
    await record(session, work)
    await confirm(session, work)
  },
  retryable: (error) => RETRYABLE.includes(errnoOf(error)),
  inside: noticing,
  outside(pool, { current, transaction }) {
    const through = (method: keyof Mysql2Queryable) => async (sql: unknown, values?: unknown) => {
      const tx = current()
      if (tx !== undefined) return await tx[method](sql, values)
      if (readMysql(textOf(sql)).kind === 'read') return await pool[method](sql, values)
      return await transaction((own) => own[method](sql, values))
    }
    return { query: through('query'), execute: through('execute') }
  },
})

/**
 * Binds a pool of `mysql2/promise` to a cache, on MySQL or MariaDB: what a transaction wrote is invalidated once it has
 * committed, and only then.
 *
 * These servers do not say what a transaction wrote. The tables that an INSERT, REPLACE, UPDATE, DELETE or LOAD DATA names
 * as its targets are noticed, in whole, by their own name where the map has none with their database's; **declare everything
 * else with `write()`**: what views, triggers, cascades, procedures and functions write, and the rows. The first CALL,
 * EXECUTE, or write that was not understood is a warning of the process. A statement outside a transaction is one of its own; inside one, `query`
 * and `execute` of the bound pool join it.
 *
 * The server ends a transaction by itself after a deadlock, and what came next would be committed statement by statement.
 * So the rest of such a transaction is refused with `SEAL_FAILED`, and so is a statement that commits implicitly
 * (CREATE, ALTER, TRUNCATE and their kind), with `UNSUPPORTED`, before it is sent. Where a procedure commits, everything
 * written is invalidated, whatever becomes of the rest.
 *
 * Bind a pool once. What is written through the pool itself goes unnoticed.
 *
 * @throws CacheError `INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindMysql2 } from 'coherent-cache/mysql2'
 *
 * const db = bindMysql2(mysqlPool, cache)
 * await db.transaction(
 *   async (tx) => {
 *     await tx.execute('INSERT INTO payments (landlord_id, amount) VALUES (?, ?)', [3, 500])
 *     tx.write('payments', { operation: 'insert', rows: [{ landlord_id: 3 }] })
 *     tx.write('audit') // its trigger
 *   },
 *   { retries: 3 },
 * )
 * ```
 */
export function bindMysql2<Pool extends Mysql2PoolLike>(
  pool: Pool,
  cache: UnitSource,
  options?: Mysql2BindOptions,
): BoundMysql2<Pool> {
  // The methods hand on what they are given and what the client answers, so they are of the client's own types.
  return bind(pool, cache, options) as BoundDatabase<
    Mysql2Queryable,
    Mysql2Queryable
  > as unknown as BoundMysql2<Pool>
}

/** The client's methods inside a transaction, each statement noticed. */
function noticing(session: Session, work: MysqlWork): Mysql2Queryable {
  const through = (method: keyof Mysql2Queryable) => async (sql: unknown, values?: unknown) => {
    const statement = readMysql(textOf(sql))
    if (statement.kind === 'control') {
      throw new CacheError(
        'UNSUPPORTED',
        `${statement.word} in a statement begins or ends a transaction, or commits it implicitly. Use db.transaction(…), tx.rollback() and tx.transaction(…); what changes tables runs on the pool itself.`,
      )
    }
    work.issue(statement.kind === 'read' ? 'read' : 'write')
    if (session.ended !== undefined) throw over(session.ended)
    if (statement.kind === 'write' || statement.kind === 'opaque') {
      for (const table of statement.tables) if (!work.notes.includes(table)) work.note(table)
    }
    if (statement.kind === 'opaque' && UNREAD.includes(statement.word)) warn(work, statement.word)
    try {
      const answer = await session.connection[method](sql, values)
      check(session, work, answer)
      return answer
    } catch (error) {
      if ((error as { errno?: number }).errno === DEADLOCK) session.ended = 'rolled back after a deadlock'
      throw error
    }
  }
  return { query: through('query'), execute: through('execute') }
}

/** Records what the transaction makes void, where there is a journal. */
async function record({ connection, ended }: Session, work: MysqlWork): Promise<void> {
  const { state, unit, notes, options } = work
  // What was declared without a write leaves nothing behind, and the transaction may be forbidden to write.
  const wrote = notes.length > 0 || unit.writes.length > 0
  if (state.journal === undefined || ended !== undefined || !wrote || options.readOnly === true) return
  const send = async (text: string): Promise<readonly Row[]> => {
    const [result] = (await connection.query(text)) as [{ readonly insertId: unknown }]
    return [{ id: String(result.insertId) }]
  }
  const settle = await state.journal.write(send, unit.change)
  if (settle === undefined) return
  work.onCommitted(({ status }) => {
    // Queued, or without its locks: the relay is to see to it.
    if (status === 'applied') settle()
  })
}

/** Rejects where the server says that no transaction is open any more. */
async function confirm(session: Session, work: MysqlWork): Promise<void> {
  if (session.ended === undefined) check(session, work, await session.connection.query('DO 0'))
  if (session.ended !== undefined) throw over(session.ended)
}

/** Looks at the in-transaction bit of an answer. Without it, what was written until now is committed. */
function check(session: Session, work: MysqlWork, answer: unknown): void {
  const results = Array.isArray(answer) ? [answer[0]].flat() : []
  const status = (results.at(-1) as { serverStatus?: unknown } | undefined)?.serverStatus
  if (typeof status !== 'number' || (status & IN_TRANSACTION) !== 0) return
  session.ended = 'committed or rolled back by a statement inside it'
  declare(work)
  work.unsure()
}

/** Declares the tables that were noticed. Rows that the user declared for a table are all of its writes. */
function declare({ unit, notes }: MysqlWork): void {
  const declared = new Set(unit.writes.map(({ table }) => table))
  for (const table of new Set(notes.flatMap((note) => namesOf(note, unit)))) {
    if (!declared.has(table)) unit.write(table)
  }
}

/**
 * The names that the map may know a noticed table by. One that stands after its database's name may stand in the map
 * without it: which database is the connection's own, the text does not tell.
 */
function namesOf(table: string, unit: MysqlWork['unit']): readonly string[] {
  const names = [table, table.slice(table.lastIndexOf('.') + 1)]
  const known = names.filter((name) => unit.knows(name))
  return known.length === 0 ? [table] : known
}

/** Tells the process, once for each bound pool, that there are writes which nobody can notice. */
function warn({ state }: MysqlWork, word: string): void {
  if (state.warned) return
  state.warned = true
  process.emitWarning(
    `bindMysql2: what a statement writes that begins with ${word} is not noticed. Declare it with write(), in whole or by its rows. Told once for each bound pool.`,
    { type: 'CoherentCacheWarning', code: 'COHERENT_CACHE_UNREAD_STATEMENT' },
  )
}

function over(how: string): CacheError {
  return new CacheError(
    'SEAL_FAILED',
    `This transaction was ${how}; what follows would be committed by itself. Let the error pass, or begin a new one.`,
  )
}

/** The number of the server's error, which may be the cause of another one. */
function errnoOf(error: unknown): number {
  const { errno, cause } = (error ?? {}) as { errno?: number; cause?: { errno?: number } }
  return errno ?? cause?.errno ?? 0
}

/** The SQL of a statement given as text or as an object. */
function textOf(given: unknown): string {
  if (typeof given === 'string') return given
  const { sql } = (given ?? {}) as { sql?: unknown }
  return typeof sql === 'string' ? sql : ''
}
