import { bindSequelize } from 'coherent-cache/sequelize'
import { DataTypes, Sequelize, type Transaction } from 'sequelize'
import { expectTypeOf, test } from 'vitest'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

playOnPostgres({
  unsupported: unsupportedCases.sequelize,
  bind(url, cache, options) {
    const sequelize = new Sequelize(url, { logging: false, pool: { max: 10 } })
    const Item = sequelize.define(
      'items',
      {
        id: { type: DataTypes.INTEGER, primaryKey: true },
        orgId: { type: DataTypes.INTEGER, field: 'org_id' },
        amount: DataTypes.INTEGER,
      },
      { timestamps: false },
    )
    const db = bindSequelize(sequelize, cache, options)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async ({ t }: Tx, text) => {
        const [rows] = await sequelize.query(text, { transaction: t })
        return Array.isArray(rows) ? (rows as object[]) : []
      },
      insert: ({ t }, item) => Item.create(item, { transaction: t }),
      close: () => sequelize.close(),
    }
  },
})

test('the body is given the transaction of the client itself', () => {
  const bind = (client: Sequelize) => bindSequelize(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['t']>().toEqualTypeOf<Transaction>()
})
