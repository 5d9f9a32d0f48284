import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, TransactionOptions, UnitSource } from './adapter.ts'
import { defineDatabase } from './define-database.ts'
import { inSavepoint } from './postgres/session.ts'
import { SqliteConnection, type SqliteLike } from './sqlite/connection.ts'
import {
  assertOpen,
  type KnownEffects,
  noticing,
  type SqliteNote,
  type SqliteWork,
} from './sqlite/noticed.ts'
import { readsOfSqlite } from './sqlite/reads.ts'

export type { SqliteLike, SqliteStatementLike } from './sqlite/connection.ts'

type Methods<Client extends SqliteLike> = Pick<Client, 'prepare' | 'exec'>
type Result<Client extends SqliteLike> = ReturnType<ReturnType<Client['prepare']>['run']>

/** What a bound SQLite database has besides `transaction`. */
export interface OutsideSqlite<Client extends SqliteLike> {
  /**
   * Runs one statement: in the transaction that it is called in, or, where it writes, in one of its own. Waits until the
   * connection is out of other transactions, so that it sees nothing that is not committed.
   */
  run(sql: string, ...parameters: unknown[]): Promise<Result<Client>>
  /** The same, for the first row. */
  get<Row = unknown>(sql: string, ...parameters: unknown[]): Promise<Row | undefined>
  /** The same, for all rows. */
  all<Row = unknown>(sql: string, ...parameters: unknown[]): Promise<Row[]>
}

/** A database of better-sqlite3 or node:sqlite, its transactions bound to a cache. */
export type BoundSqlite<Client extends SqliteLike> = BoundDatabase<Methods<Client>, OutsideSqlite<Client>>

/** SQLITE_BUSY, in the terms of better-sqlite3 and of node:sqlite. */
const BUSY = /^SQLITE_BUSY/
const BUSY_CODE = 5

/** A transaction of ours. */
interface Session {
  readonly connection: SqliteConnection
  /** What its statements do, by their text. */
  readonly known: KnownEffects
}

const bind = defineDatabase<
  SqliteConnection,
  Session,
  SqliteLike,
  OutsideSqlite<SqliteLike>,
  Record<never, never>,
  SqliteConnection,
  SqliteNote
>({
  name: 'sqlite',
  notices: true,
  identity: ({ client }) => client,
  open: (connection) => connection,
  run: (connection, body, options) => connection.turn(() => inTransaction(connection, body, options)),
  savepoint: (session, body, name) =>
    inSavepoint(
      async (text) => session.connection.client.exec(text),
      name,
      () => body(session),
    ),
  async seal(_, work) {
    assertOpen(work)
    declare(work)
  },
  async reads({ connection, known }) {
    return readsOfSqlite(connection, known)
  },
  retryable: isBusy,
  inside: ({ known }, work) => noticing(work, known),
  outside(connection, { current, transaction }) {
    const through =
      (method: 'run' | 'get' | 'all') =>
      async (sql: string, ...parameters: unknown[]) => {
        const tx = current()
        if (tx !== undefined) return tx.prepare(sql)[method](...parameters)
        const read = await connection.turn(() => {
          if (connection.effects(sql, parameters).writes) return undefined
          return { result: connection.client.prepare(sql)[method](...parameters) }
        })
        if (read !== undefined) return read.result
        return await transaction((own) => own.prepare(sql)[method](...parameters))
      }
    return { run: through('run'), get: through('get'), all: through('all') }
  },
})

/**
 * Binds a database of `better-sqlite3`, or of `node:sqlite` where Node.js has it, to a cache: what a transaction wrote is
 * invalidated once it has committed, and only then.
 *
 * Writes are noticed: SQLite's own listing of each statement says which tables it writes, through views, triggers and
 * foreign keys. `prepare(…).all()` of a plain statement with RETURNING makes the invalidation narrower; `exec` counts as a
 * write of every table.
 *
 * Statements run at once, as ever with these clients, but the body may be asynchronous, and the connection is in the
 * transaction until its end. So transactions wait for each other, and **everything else that uses this connection has to
 * wait as well**: send it with `db.run`, `db.get` or `db.all`, loaders above all. What went through the client itself
 * meanwhile would be part of a transaction that may yet be rolled back. Give the bound database a connection of its own.
 *
 * @throws CacheError `INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindSqlite } from 'coherent-cache/sqlite'
 *
 * const db = bindSqlite(sqlite, cache)
 * await db.transaction(async (tx) => {
 *   tx.prepare('INSERT INTO payments (landlord_id, amount) VALUES (?, ?) RETURNING *').all(3, 500)
 * })
 * await db.run('DELETE FROM payments WHERE id = ?', 7)
 * const rows = await db.all('SELECT * FROM payments WHERE landlord_id = ?', 3)
 * ```
 */
export function bindSqlite<Client extends SqliteLike>(
  client: Client,
  cache: UnitSource,
): BoundSqlite<Client> {
  if (typeof client?.prepare !== 'function' || typeof client.exec !== 'function') {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `bindSqlite: ${show(client)} is no database. Pass new Database(…) of better-sqlite3, or new DatabaseSync(…).`,
    )
  }
  // The methods hand on what they are given and what the client answers, so they are of the client's own types.
  return bind(new SqliteConnection(client), cache) as unknown as BoundSqlite<Client>
}

/** A transaction on the connection, which is this one's until it has ended. */
async function inTransaction<T>(
  connection: SqliteConnection,
  body: (session: Session) => Promise<T>,
  { readOnly }: TransactionOptions,
): Promise<T> {
  const { client } = connection
  // The write lock at once: SQLite has no way to wait for it later, when others have written meanwhile.
  client.exec(readOnly === true ? 'BEGIN' : 'BEGIN IMMEDIATE')
  try {
    if (readOnly === true) client.exec('PRAGMA query_only = 1')
    const value = await body({ connection, known: new Map() })
    client.exec('COMMIT')
    return value
  } catch (error) {
    if (connection.inTransaction) client.exec('ROLLBACK')
    throw error
  } finally {
    if (readOnly === true) client.exec('PRAGMA query_only = 0')
  }
}

/** Declares what was noticed. Rows that the user declared for a table are all of its writes. */
function declare({ unit, notes }: SqliteWork): void {
  const declared = new Set(unit.writes.flatMap(({ table, rows }) => (rows === undefined ? [] : [table])))
  const wholly = new Set(notes.flatMap(({ table, rows }) => (rows === undefined ? [table] : [])))
  for (const table of wholly) if (!declared.has(table)) unit.write(table)
  for (const { table, operation, rows } of notes) {
    if (operation === undefined || rows === undefined || wholly.has(table) || declared.has(table)) continue
    unit.write(table, { operation, rows })
  }
}

function isBusy(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  return BUSY.test(String(code)) || (typeof errcode === 'number' && (errcode & 0xff) === BUSY_CODE)
}
