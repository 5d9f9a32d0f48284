import type { Row } from '../../../core/change.ts'
import type { JournalSend } from '../../../core/journal.ts'
import type { Reached } from '../reached.ts'
import { withParameters } from './statements.ts'

/** What is used of a pool of `mysql2/promise`. */
export interface JournalMysqlPool {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(sql: any, values?: any): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: a connection of the client's own
  getConnection(): Promise<any>
}

/** What is used of one of its connections. */
interface Connection {
  query(sql: string): Promise<unknown>
  release(): void
  destroy(): void
}

const DEADLOCK = 1213
const MOST_DEADLOCKS = 5

type Query = (sql: string) => Promise<unknown>

/** A client of MySQL or MariaDB, as a relay uses it. It has no notifications. */
export function reachMysql(pool: JournalMysqlPool): Reached {
  return {
    dialect: 'mysql',
    send: sender((sql) => pool.query(sql)),
    async run(text) {
      await pool.query(text)
    },
    transaction: (body) => again(() => inTransaction(pool, body)),
  }
}

/** What the server rolled back for a deadlock is done again: whatever a relay applies twice is harmless. */
async function again<T>(run: () => Promise<T>): Promise<T> {
  for (let left = MOST_DEADLOCKS; ; left--) {
    try {
      return await run()
    } catch (error) {
      if (left === 0 || (error as { errno?: unknown } | null | undefined)?.errno !== DEADLOCK) throw error
    }
  }
}

async function inTransaction<T>(pool: JournalMysqlPool, body: (send: JournalSend) => Promise<T>): Promise<T> {
  const connection: Connection = await pool.getConnection()
  let usable = false
  try {
    // Any other level locks what lies between records, and so the writers of new ones.
    await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
    await connection.query('START TRANSACTION')
    const value = await body(sender((sql) => connection.query(sql)))
    await connection.query('COMMIT')
    usable = true
    return value
  } catch (error) {
    await connection.query('ROLLBACK').then(
      () => {
        usable = true
      },
      // The connection is lost, and is destroyed below.
      () => undefined,
    )
    throw error
  } finally {
    if (usable) connection.release()
    else connection.destroy()
  }
}

/** Sends statements with their parameters in them. A write gives as many rows as it wrote, with the id that it made. */
export function sender(query: Query): JournalSend {
  return async (text, parameters) => {
    const [result] = (await query(withParameters(text, parameters))) as [unknown]
    if (Array.isArray(result)) return result as Row[]
    const { affectedRows = 0, insertId } = (result ?? {}) as { affectedRows?: number; insertId?: unknown }
    return Array.from({ length: affectedRows }, () => ({ id: String(insertId) }))
  }
}
