import type { TransactionOptions } from '../adapter.ts'
import { settleLost } from './lost-transaction.ts'
import { notice, type PostgresWork } from './observe.ts'
import { type SendSql, setTransaction } from './session.ts'
import type { WatchedConnection } from './watched-connection.ts'

const SAVEPOINT = /^\s*(?:savepoint|release|rollback\s+to)\b/i

/** A transaction that a client runs by itself, over a connection that is watched. */
export interface WatchedTransaction<Own> {
  /** The client's own transaction. */
  readonly own: Own
  readonly send: SendSql
  /** The level that statements belong to now. */
  work: PostgresWork | undefined
}

/** How a client runs a transaction. */
export interface Runner<Own> {
  /** Begins, runs the body, commits where it resolves, rolls back and rethrows where it rejects. */
  begin<T>(body: (own: Own) => Promise<T>): Promise<T>
  connection(own: Own): WatchedConnection | Promise<WatchedConnection>
  /** Sends a statement without parameters through another connection. */
  ask(text: string): Promise<readonly unknown[]>
}

/**
 * Runs a transaction of the client's, from BEGIN to COMMIT watched. Where the COMMIT fails, rejects only once it has
 * been decided, as far as the server can be asked: what is invalidated before would be read again as it was.
 *
 * @param options with `mark`, a statement sent before anything else
 */
export async function runWatched<Own, T>(
  { begin, connection, ask }: Runner<Own>,
  { mark, ...options }: TransactionOptions & { readonly mark?: string | undefined },
  body: (transaction: WatchedTransaction<Own>) => Promise<T>,
): Promise<T> {
  let committing = false
  let xid: string | undefined
  let watched: WatchedConnection | undefined
  try {
    return await begin(async (own) => {
      const one = await connection(own)
      watched = one
      const first = setTransaction(options)
      if (first !== undefined) await one.send(first)
      if (mark !== undefined) await one.send(mark)
      const transaction: WatchedTransaction<Own> = {
        own,
        work: undefined,
        send: async (text, parameters) => {
          const rows = await one.send(text, parameters)
          if (typeof rows[0]?.xid === 'string') xid = rows[0].xid
          return rows
        },
      }
      const stop = one.watch((sql) => {
        // The client's own savepoints. What is written in one that is rolled back counts as written.
        if (SAVEPOINT.test(sql) || transaction.work === undefined) return () => {}
        return notice(transaction.work, sql)
      })
      try {
        const value = await body(transaction)
        committing = true
        return value
      } finally {
        stop()
      }
    })
  } catch (error) {
    if (committing && xid !== undefined && /^\d+$/.test(xid)) {
      const literal = `'${xid}'`
      await settleLost(async (text) => ({ rows: await ask(text.replaceAll('$1', literal)) }), xid)
    }
    throw error
  } finally {
    watched?.done?.()
  }
}
