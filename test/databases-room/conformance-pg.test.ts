import { bindPg, type PgBindOptions } from 'coherent-cache/pg'
import { Pool } from 'pg'
import { describe } from 'vitest'
import type { UnitSource } from '../../src/databases/adapter.ts'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

const pg = {
  unsupported: unsupportedCases.pg,
  bind(url: string, cache: UnitSource, options: PgBindOptions) {
    const pool = new Pool({ connectionString: url, max: 10 })
    pool.on('error', () => {})
    const db = bindPg(pool, cache, options)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async (tx: Tx, text: string) => (await tx.query(text)).rows,
      insert: (tx: Tx, { id, orgId, amount }: { id: number; orgId: number; amount: number }) =>
        tx.query('INSERT INTO items VALUES ($1, $2, $3) RETURNING *', [id, orgId, amount]),
      alone: (text: string) => db.query(text),
      close: () => pool.end(),
    }
  },
}

describe('without a journal', () => playOnPostgres(pg))
describe('with a journal', () => playOnPostgres(pg, true))
