import type { PGlite } from '@electric-sql/pglite'

const TABLES = ['renters', 'payments', 'costs', 'notifications']

/**
 * Stands in for a streaming replica: it lags behind its primary until it is told to catch up. On PostgreSQL itself
 * `bindPg({ primary, replicas }, cache)` and `db.reader(context)` choose where a load reads: see docs/replicas.md.
 */
export class LaggingReplica {
  readonly client: PGlite
  readonly #primary: PGlite

  constructor(primary: PGlite, client: PGlite) {
    this.#primary = primary
    this.client = client
  }

  async catchUp(): Promise<void> {
    for (const table of TABLES) {
      const { rows } = await this.#primary.query(`SELECT * FROM ${table}`)
      await this.client.query(`TRUNCATE ${table}`)
      await this.client.query(
        `INSERT INTO ${table} SELECT * FROM json_populate_recordset(null::${table}, $1)`,
        [JSON.stringify(rows)],
      )
    }
  }
}
