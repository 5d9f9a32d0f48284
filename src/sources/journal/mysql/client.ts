import type { Row } from '../../../core/change.ts'
import type { JournalSend } from '../../../core/journal.ts'
import { type PooledConnection, pooledTransaction } from '../../../core/pooled-transaction.ts'
import type { Reached } from '../reached.ts'
import { withParameters } from './statements.ts'

/** What is used of a pool of `mysql2/promise`. */
export interface JournalMysqlPool {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(sql: any, values?: any): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: a connection of the client's own
  getConnection(): Promise<any>
}

/** Any other level locks what lies between records, and so the writers of new ones. */
const BEGIN = ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'START TRANSACTION']
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
    transaction: (body) =>
      again(() =>
        pooledTransaction(pool, BEGIN, (own: PooledConnection) => body(sender((sql) => own.query(sql)))),
      ),
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

/** Sends statements with their parameters in them. A write gives as many rows as it wrote, with the id that it made. */
export function sender(query: Query): JournalSend {
  return async (text, parameters) => {
    const [result] = (await query(withParameters(text, parameters))) as [unknown]
    if (Array.isArray(result)) return result as Row[]
    const { affectedRows = 0, insertId } = (result ?? {}) as { affectedRows?: number; insertId?: unknown }
    return Array.from({ length: affectedRows }, () => ({ id: String(insertId) }))
  }
}
