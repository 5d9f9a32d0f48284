import type { Row } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import type { BoundDatabase, UnitSource } from './adapter.ts'
import { defineDatabase } from './define-database.ts'
import { writeTemplate } from './pglite-template.ts'
import {
  observed,
  PostgresKnowledge,
  type PostgresOptions,
  type PostgresWork,
  type StatementNote,
} from './postgres/observe.ts'
import { readsOfPostgres } from './postgres/reads.ts'
import { confirmPostgres, sealPostgres } from './postgres/seal.ts'
import { inSavepoint, isRetryable, type SendSql, setTransaction } from './postgres/session.ts'
import type { Statement } from './postgres/statement.ts'

/** What is used of a PGlite result. */
interface Results<T> {
  readonly rows: T[]
}

/** What is used of PGlite inside a transaction. */
export interface PGliteSession {
  query<T>(query: string, params?: unknown[], options?: object): Promise<Results<T>>
  exec(query: string, options?: object): Promise<Results<unknown>[]>
  sql<T>(strings: TemplateStringsArray, ...params: unknown[]): Promise<Results<T>>
}

/** What is used of PGlite, from 0.3 on. */
export interface PGliteLike extends PGliteSession {
  transaction<T>(callback: (tx: PGliteSession) => Promise<T>): Promise<T>
}

/** Options of `bindPglite`. */
export type PGliteBindOptions = PostgresOptions

/** The client's own methods, of its own types. Each statement they send is noticed. */
type Methods<Client extends PGliteSession> = Pick<Client, 'query' | 'exec' | 'sql'>

/** PGlite, its transactions bound to a cache. */
export type BoundPglite<Client extends PGliteLike> = BoundDatabase<Methods<Client>, Methods<Client>>

const bind = defineDatabase<
  PGliteLike,
  PGliteSession,
  PGliteSession,
  PGliteSession,
  PGliteBindOptions,
  PostgresKnowledge,
  StatementNote
>({
  name: 'pglite',
  options: ['detectWrites', 'journal'],
  notices: true,
  open(client, options) {
    if (typeof client?.transaction !== 'function' || typeof client.query !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `bindPglite: ${show(client)} is no PGlite. Pass what PGlite.create gave.`,
      )
    }
    return new PostgresKnowledge(options, (text) => client.query(text), 'bindPglite')
  },
  run: (client, body, options, { mark }) =>
    client.transaction(async (tx) => {
      const first = setTransaction(options)
      if (first !== undefined) await tx.query(first)
      if (mark !== undefined) await tx.query(mark)
      return await body(tx)
    }),
  savepoint: (tx, body, name) =>
    inSavepoint(
      (text) => tx.query(text),
      name,
      () => body(tx),
    ),
  seal: (tx, work) => sealPostgres(sender(tx), work),
  confirm: (tx) => confirmPostgres(sender(tx)),
  reads: (tx) => readsOfPostgres(sender(tx)),
  retryable: isRetryable,
  inside: noticing,
  outside(client, { state, current, transaction }) {
    /** Whether a text can go to the client as it is: it writes nothing, or cannot be part of a transaction. */
    const goesAlone = (sql: string) => {
      const statements = state.statements(sql)
      return statements.every(isRead) || (statements.length === 1 && statements[0]?.kind === 'alone')
    }
    const query: PGliteSession['query'] = async (sql, params, options) => {
      const tx = current()
      if (tx !== undefined) return await tx.query(sql, params, options)
      if (goesAlone(sql)) return await client.query(sql, params, options)
      return await transaction((own) => own.query(sql, params, options))
    }
    return {
      query,
      async exec(sql, options) {
        const tx = current()
        if (tx !== undefined) return await tx.exec(sql, options)
        if (goesAlone(sql)) return await client.exec(sql, options)
        return await transaction((own) => own.exec(sql, options))
      },
      sql(strings, ...values) {
        const { text, parameters } = writeTemplate(strings, values)
        return query(text, parameters)
      },
    }
  },
})

/**
 * Binds a PGlite database to a cache: what a transaction wrote is invalidated once it has committed, and only then.
 *
 * Writes are noticed. Tables are found through raw SQL, views, functions, triggers and foreign keys; the rows of a
 * plain statement's RETURNING clause make the invalidation narrower. A statement outside a transaction is one of its
 * own. PGlite has one connection: inside a transaction, `query`, `exec` and `sql` of the bound database join it, where
 * those of the client itself would wait for ever.
 *
 * Bind a client once. What is written through the client itself goes unnoticed.
 *
 * @throws CacheError `INVALID_ARGUMENT` or `INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite'
 * import { createCache, defineDependencies } from 'coherent-cache'
 * import { bindPglite } from 'coherent-cache/pglite'
 *
 * const dependencies = defineDependencies({ tables: { payments: ['payment:{landlordId}:*'] } })
 * const cache = createCache({ name: 'payments', dependencies })
 * const db = bindPglite(await PGlite.create(), cache)
 *
 * await db.transaction(async (tx) => {
 *   await tx.query('INSERT INTO payments (landlord_id, amount) VALUES ($1, $2) RETURNING *', [3, 500])
 *   await tx.transaction(async (nested) => {
 *     await nested.sql`UPDATE ledger SET total = total + ${500}`
 *   })
 *   tx.onCommitted((receipt) => console.log(receipt.stamps))
 * })
 * await db.query('DELETE FROM payments WHERE id = $1', [7])
 * ```
 */
export function bindPglite<Client extends PGliteLike>(
  client: Client,
  cache: UnitSource,
  options?: PGliteBindOptions,
): BoundPglite<Client> {
  // The methods hand on what they are given and what the client answers, so they are of the client's own types.
  return bind(client, cache, options) as BoundDatabase<
    PGliteSession,
    PGliteSession
  > as unknown as BoundPglite<Client>
}

function sender(tx: PGliteSession): SendSql {
  return async (text, parameters = []) => (await tx.query<Row>(text, [...parameters])).rows
}

/** PGlite's methods inside a transaction, each statement noticed. */
function noticing(tx: PGliteSession, work: PostgresWork): PGliteSession {
  const query: PGliteSession['query'] = (sql, params, options) =>
    observed(
      work,
      sql,
      () => tx.query(sql, params, options),
      // Parsers of this one query may give values that no key has.
      ({ rows }) => (options !== undefined && 'parsers' in options ? undefined : rows),
    )
  return {
    query,
    exec: (sql, options) =>
      observed(
        work,
        sql,
        () => tx.exec(sql, options),
        (results) => (options !== undefined && 'parsers' in options ? undefined : results[0]?.rows),
      ),
    sql(strings, ...values) {
      const { text, parameters } = writeTemplate(strings, values)
      return query(text, parameters)
    },
  }
}

function isRead({ kind }: Statement): boolean {
  return kind === 'read'
}
