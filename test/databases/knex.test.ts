import { bindKnex } from 'coherent-cache/knex'
import knex, { type Knex } from 'knex'
import { expectTypeOf, test } from 'vitest'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

/** It would tell every connection that a case cuts. */
const QUIET = { warn: () => {}, error: () => {} }

playOnPostgres({
  unsupported: unsupportedCases.knex,
  bind(url, cache, options) {
    const client = knex({ client: 'pg', connection: url, pool: { min: 0, max: 10 }, log: QUIET })
    const db = bindKnex(client, cache, options)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async ({ trx }: Tx, text) => (await trx.raw(text)).rows,
      insert: ({ trx }, { id, orgId, amount }) =>
        trx('items').insert({ id, org_id: orgId, amount }).returning('*'),
      close: () => client.destroy(),
    }
  },
})

test('the body is given the transaction of the client itself', () => {
  const bind = (client: Knex) => bindKnex(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['trx']>().toEqualTypeOf<Knex.Transaction>()
})
