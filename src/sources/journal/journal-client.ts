import type { Row } from '../../core/change.ts'
import { CacheError, show } from '../../core/errors.ts'
import type { JournalDialect, JournalSend } from '../../core/journal.ts'
import { type JournalMysqlPool, reachMysql } from './mysql/client.ts'
import type { Reached } from './reached.ts'

/** What is used of a `pg` pool. */
export interface JournalPool {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(text: any, ...values: any[]): any
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  connect(...parameters: any[]): any
}

/** What is used of PGlite. */
export interface JournalPglite {
  exec(text: string): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(text: string, parameters?: any[]): Promise<{ readonly rows: any[] }>
  // biome-ignore lint/suspicious/noExplicitAny: a transaction of the client's own
  transaction<T>(body: (tx: any) => Promise<T>): Promise<T>
  listen?(
    channel: string,
    heard: (payload: string) => void,
  ): Promise<(...parameters: never[]) => Promise<void>>
}

/** A client that reaches the database that the journal lies in. */
export type JournalClient = JournalPool | JournalPglite | JournalMysqlPool

/** What is used of a connection of a `pg` pool. */
interface Connection {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: Row[] }>
  release(destroy?: boolean | Error): void
  on(event: string, listener: (given: Error) => void): unknown
  removeListener(event: string, listener: (given: Error) => void): unknown
}

/** @throws CacheError `INVALID_ARGUMENT` for anything that is no such client */
export function reach(client: JournalClient, dialect: JournalDialect, what: string): Reached {
  const found = reachAny(client)
  if (found?.dialect === dialect) return found
  const fitting = dialect === 'mysql' ? 'a pool of mysql2/promise' : 'a Pool of pg, or a PGlite,'
  throw new CacheError(
    'INVALID_ARGUMENT',
    `${what}: client: ${show(client)} cannot be used. Pass ${fitting} that reaches the journal's database.`,
  )
}

function reachAny(client: JournalClient): Reached | undefined {
  const given = client as Partial<JournalPool & JournalPglite & JournalMysqlPool> | null | undefined
  if (typeof given?.query === 'function') {
    if (typeof given.getConnection === 'function') return reachMysql(given as JournalMysqlPool)
    if (typeof given.transaction === 'function') return reachPglite(given as JournalPglite)
    if (typeof given.connect === 'function' && !('release' in given) && !('processID' in given))
      return reachPool(given as JournalPool)
  }
  return undefined
}

function reachPglite(db: JournalPglite): Reached {
  const sender =
    (over: Pick<JournalPglite, 'query'>): JournalSend =>
    async (text, parameters) =>
      (await over.query(text, [...parameters])).rows
  return {
    dialect: 'postgresql',
    send: sender(db),
    run: (text) => db.transaction((tx: JournalPglite) => tx.exec(text)).then(() => undefined),
    transaction: (body) => db.transaction((tx: JournalPglite) => body(sender(tx))),
    ...(db.listen === undefined
      ? {}
      : {
          listen: async (channel: string, heard: () => void) => {
            const end = await db.listen?.(channel, () => heard())
            return async () => end?.()
          },
        }),
  }
}

function reachPool(pool: JournalPool): Reached {
  return {
    dialect: 'postgresql',
    send: async (text, parameters) => (await pool.query(text, [...parameters])).rows,
    run: (text) => inTransaction(pool, async (connection) => void (await connection.query(text))),
    transaction: (body, idleMs) =>
      inTransaction(pool, async (connection) => {
        await connection.query(`SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleMs)}`)
        return body(async (text, parameters) => (await connection.query(text, [...parameters])).rows)
      }),
    async listen(channel, heard, lost) {
      const connection: Connection = await pool.connect()
      let ended = false
      const end = (error?: Error) => {
        if (ended) return
        ended = true
        connection.removeListener('notification', heard)
        // It listens on, so that nobody else may have it.
        connection.release(true)
        if (error !== undefined) lost(error)
      }
      connection.on('error', end)
      connection.on('notification', heard)
      try {
        await connection.query(`LISTEN ${channel}`)
      } catch (error) {
        end()
        throw error
      }
      return async () => end()
    },
  }
}

async function inTransaction<T>(pool: JournalPool, body: (connection: Connection) => Promise<T>): Promise<T> {
  const connection: Connection = await pool.connect()
  // The pool listens to idle connections only: one that is lost while checked out would end the process.
  let lost: Error | undefined
  const onError = (error: Error) => {
    lost = error
  }
  connection.on('error', onError)
  try {
    await connection.query('BEGIN')
    const value = await body(connection)
    await connection.query('COMMIT')
    return value
  } catch (error) {
    await connection.query('ROLLBACK').catch((failure: Error) => {
      lost ??= failure
    })
    throw error
  } finally {
    connection.removeListener('error', onError)
    connection.release(lost)
  }
}
