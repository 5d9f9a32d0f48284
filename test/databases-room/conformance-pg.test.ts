import { bindPg } from 'coherent-cache/pg'
import { Pool } from 'pg'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

playOnPostgres({
  unsupported: unsupportedCases.pg,
  bind(url, cache) {
    const pool = new Pool({ connectionString: url, max: 10 })
    pool.on('error', () => {})
    const db = bindPg(pool, cache)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async (tx: Tx, text) => (await tx.query(text)).rows,
      insert: (tx, { id, orgId, amount }) =>
        tx.query('INSERT INTO items VALUES ($1, $2, $3) RETURNING *', [id, orgId, amount]),
      alone: (text) => db.query(text),
      close: () => pool.end(),
    }
  },
})
