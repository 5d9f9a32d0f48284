import { randomBytes } from 'node:crypto'
import { type BoundPg, bindPg, type PgBindOptions, type PgPoolLike } from 'coherent-cache/pg'
import { Pool, type PoolClient, type QueryResult, types } from 'pg'
import { inject } from 'vitest'
import { writeTemplate } from '../../src/databases/pglite-template.ts'

/** What PGlite answers. */
interface Results {
  readonly rows: unknown[]
  readonly affectedRows: number
}

interface QueryOptions {
  readonly rowMode?: 'array' | 'object'
  readonly parsers?: Readonly<Record<number, (text: string) => unknown>>
}

type Query = (config: object | string, values?: unknown[]) => Promise<QueryResult | QueryResult[]>
type Handle = Parameters<Parameters<BoundPg<Pool>['transaction']>[0]>[0]

/** PGlite's methods over the `query` of pg. */
function face(query: Query) {
  const answer = (result: QueryResult): Results => ({ rows: result.rows, affectedRows: result.rowCount ?? 0 })
  const one = async (text: string, values?: unknown[], { rowMode, parsers }: QueryOptions = {}) => {
    const getTypeParser = (oid: number) => parsers?.[oid] ?? types.getTypeParser(oid)
    const config = {
      text,
      ...(values === undefined ? {} : { values }),
      ...(rowMode === 'array' ? { rowMode } : {}),
      ...(parsers === undefined ? {} : { types: { getTypeParser } }),
    }
    return answer((await query(config)) as QueryResult)
  }
  return {
    query: one,
    exec: async (text: string) => [await query(text)].flat().map(answer),
    sql: (strings: readonly string[], ...values: unknown[]) => {
      const written = writeTemplate(strings, values)
      return one(written.text, written.parameters)
    },
  }
}

/**
 * PGlite's face over a real PostgreSQL: a database of its own behind a pool of one connection. What `bindPglite` is
 * tested with can so be run on a server, through `bindPg`.
 */
export class PgAsPglite {
  readonly query: ReturnType<typeof face>['query']
  readonly exec: ReturnType<typeof face>['exec']
  readonly sql: ReturnType<typeof face>['sql']
  readonly pool: PgPoolLike
  readonly close: () => Promise<void>

  constructor(pool: PgPoolLike, close: () => Promise<void>) {
    this.pool = pool
    this.close = close
    ;({
      query: this.query,
      exec: this.exec,
      sql: this.sql,
    } = face((config, values) => pool.query(config, values)))
  }

  static async start(): Promise<PgAsPglite> {
    const database = `as_pglite_${randomBytes(6).toString('hex')}`
    const admin = new Pool({ connectionString: inject('postgresUrl'), max: 1 })
    await admin.query(`CREATE DATABASE ${database}`)
    const url = new URL(inject('postgresUrl'))
    url.pathname = database
    const pool = new Pool({ connectionString: url.href, max: 1 })
    return new PgAsPglite(pool, async () => {
      await pool.end()
      await admin.query(`DROP DATABASE ${database}`)
      await admin.end()
    })
  }

  /** The same database, and every statement that is sent through it from now on, BEGIN and COMMIT left out. */
  recording(): { readonly db: PgAsPglite; readonly sent: string[]; forget(): void } {
    const sent: string[] = []
    const noted =
      (query: Query): Query =>
      (config, values) => {
        const text = typeof config === 'string' ? config : (config as { text: string }).text
        if (!/^(?:BEGIN|COMMIT|ROLLBACK)(?! TO)/.test(text)) sent.push(text)
        return query(config, values)
      }
    const pool: PgPoolLike = {
      query: noted((config, values) => this.pool.query(config, values)),
      connect: async () => {
        const client = (await this.pool.connect()) as PoolClient
        return {
          query: noted((config, values) => client.query(config as string, values as unknown[])),
          release: (error) => client.release(error),
          on: (event, listener) => client.on(event, listener),
          removeListener: (event, listener) => client.removeListener(event, listener),
        }
      },
    }
    return {
      db: new PgAsPglite(pool, this.close),
      sent,
      forget: () => {
        sent.length = 0
      },
    }
  }
}

/** `bindPg` behind `bindPglite`'s face. */
export function bindAsPglite(
  client: PgAsPglite,
  cache: Parameters<typeof bindPg>[1],
  options?: PgBindOptions,
) {
  const db = bindPg(client.pool as Pool, cache, options)
  const handle = (tx: Handle): object => ({
    ...tx,
    ...face(tx.query as Query),
    transaction: (body: (nested: object) => unknown) => tx.transaction((nested) => body(handle(nested))),
  })
  return {
    name: db.name,
    ...face(db.query as Query),
    transaction: (body: (tx: object) => unknown, given?: Parameters<typeof db.transaction>[1]) =>
      db.transaction((tx) => body(handle(tx)), given),
  }
}
