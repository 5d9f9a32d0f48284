import { createCache } from 'coherent-cache'
import { bindKysely } from 'coherent-cache/kysely'
import { CamelCasePlugin, Kysely, PostgresDialect, SqliteDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { expect, expectTypeOf, test } from 'vitest'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

interface Schema {
  items: { id: number; orgId: number; amount: number }
}

playOnPostgres({
  unsupported: unsupportedCases.kysely,
  commit: 'commit',
  bind(url, cache, options) {
    const pool = new pg.Pool({ connectionString: url, max: 10 })
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    const client = new Kysely<Schema>({
      dialect: new PostgresDialect({ pool }),
      // Its rows have other names than the table's columns.
      plugins: [new CamelCasePlugin()],
    })
    const db = bindKysely(client, cache, options)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async ({ trx }: Tx, text) => (await sql.raw<object>(text).execute(trx)).rows,
      insert: ({ trx }, item) => trx.insertInto('items').values(item).returningAll().execute(),
      close: () => client.destroy(),
    }
  },
})

test('the body is given the transaction of the client itself', () => {
  const bind = (client: Kysely<Schema>) => bindKysely(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['trx']>().toEqualTypeOf<Transaction<Schema>>()
})

test('another dialect is refused', () => {
  const client = new Kysely({ dialect: new SqliteDialect({ database: async () => null as never }) })
  const cache = createCache({ name: 'kysely' })
  expect(() => bindKysely(client, cache)).toThrow('not the dialect of PostgreSQL')
})
