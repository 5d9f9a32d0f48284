import { type Cache, createCache, defineDependencies } from 'coherent-cache'
import { type BoundPg, bindPg, type PgBindOptions } from 'coherent-cache/pg'
import { Pool, type PoolConfig } from 'pg'
import { inject } from 'vitest'

/** What a test wants done between the seal of its next transaction and its COMMIT. */
const hooks: { beforeCommit: (() => void) | undefined } = { beforeCommit: undefined }

const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*'],
    ledger: ['ledger:{id}'],
    children: ['child:*'],
    audit: ['audit:*'],
    hooked: {
      invalidates: ['hooked:{id}'],
      bind: async () => {
        hooks.beforeCommit?.()
        return { id: 1 }
      },
    },
  },
})

/** Has something done in a transaction when all but its COMMIT has been sent. It invalidates `hooked:{id}|1` besides. */
export function beforeCommit(tx: PgTransaction, hook: () => void): void {
  hooks.beforeCommit = hook
  tx.write('hooked', { operation: 'insert', rows: [{}] })
}

const TABLES = `
  CREATE TABLE payments (id serial PRIMARY KEY, landlord_id int NOT NULL, amount int);
  CREATE TABLE ledger (id int PRIMARY KEY, total int NOT NULL);
  CREATE TABLE children (id int, ledger_id int REFERENCES ledger DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE audit (note text);
  INSERT INTO payments (landlord_id, amount) VALUES (1, 10), (2, 20);
  INSERT INTO ledger VALUES (1, 0), (2, 0);
`

/** What the body of a transaction is given. */
export type PgTransaction = Parameters<Parameters<BoundPg<Pool>['transaction']>[0]>[0]

/** A cache bound to a pool, and what it was told of writes. */
export interface BoundRoom {
  readonly cache: Cache
  readonly db: BoundPg<Pool>
  /** For each commit that invalidated something: the stamps, by name. */
  readonly invalidated: (readonly string[])[]
}

/** A schema of one test file's own, on the PostgreSQL that the run shares, with a few tables in it. */
export class PgRoom {
  readonly schema = `room_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  readonly url: string
  /** What the caches of {@link cache} depend on. */
  readonly dependencies = dependencies
  /** For the test itself. Nothing is bound to it. */
  readonly admin: Pool
  readonly #pools: Pool[] = []
  readonly #caches: Cache[] = []

  /** @param url of a server of the test's own. @default the one that the run shares */
  constructor(url: string = inject('postgresUrl')) {
    this.url = url
    this.admin = this.#connect({ max: 4 })
  }

  /** Begins anew: fresh tables, with more made by `sql`. */
  async reset(sql = ''): Promise<void> {
    await this.admin.query(
      `DROP SCHEMA IF EXISTS ${this.schema} CASCADE; CREATE SCHEMA ${this.schema}; ${TABLES} ${sql}`,
    )
  }

  /** A pool on the schema; at another port where a proxy stands between. Ended by {@link close}. */
  open({ port, ...config }: PoolConfig & { readonly port?: number } = {}): Pool {
    const pool = this.#connect({ ...config, ...(port === undefined ? {} : { port }) })
    this.#pools.push(pool)
    return pool
  }

  /** A cache of its own, bound to a pool. */
  bind(pool: Pool, options?: PgBindOptions, cache: Cache = this.cache()): BoundRoom {
    const invalidated: (readonly string[])[] = []
    cache.on('invalidated', ({ receipt }) => invalidated.push([...receipt.stamps].sort()))
    return { cache, invalidated, db: bindPg(pool, cache, options) }
  }

  cache(): Cache {
    const cache = createCache({
      name: 'pg-room',
      instance: `${this.schema}-${this.#caches.length}`,
      dependencies,
    }) as Cache
    this.#caches.push(cache)
    return cache
  }

  /** What a query of one row and one column gives, seen from outside every test's transaction. */
  async value<T = number>(sql: string): Promise<T | undefined> {
    const { rows } = await this.admin.query(sql)
    return rows[0] === undefined ? undefined : (Object.values(rows[0])[0] as T)
  }

  /** After each test. */
  async close(): Promise<void> {
    await Promise.all(this.#caches.splice(0).map((cache) => cache.close()))
    await Promise.all(this.#pools.splice(0).map((pool) => pool.end()))
  }

  /** After all. */
  async end(): Promise<void> {
    await this.close()
    await this.admin.query(`DROP SCHEMA IF EXISTS ${this.schema} CASCADE`)
    await this.admin.end()
  }

  #connect(config: PoolConfig): Pool {
    const { hostname, port, username, pathname } = new URL(this.url)
    const pool = new Pool({
      host: hostname,
      port: Number(port),
      user: username,
      database: pathname.slice(1),
      options: `-c search_path=${this.schema}`,
      ...config,
    })
    // Of idle connections, which servers and proxies of tests may end at any time.
    pool.on('error', () => {})
    return pool
  }
}

/** Whether this server process waits for a lock that another one holds. */
export async function isWaiting(admin: Pool, pid: number): Promise<boolean> {
  const { rows } = await admin.query('SELECT cardinality(pg_blocking_pids($1)) AS n', [pid])
  return rows[0].n > 0
}
