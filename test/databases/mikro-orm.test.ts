import { EntitySchema, MikroORM, type SqlEntityManager } from '@mikro-orm/postgresql'
import { bindMikroOrm } from 'coherent-cache/mikro-orm'
import { expectTypeOf, test } from 'vitest'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

const Item = new EntitySchema<{ id: number; orgId: number; amount: number }>({
  name: 'Item',
  tableName: 'items',
  properties: {
    id: { type: 'integer', primary: true },
    orgId: { type: 'integer', fieldName: 'org_id' },
    amount: { type: 'integer' },
  },
})

playOnPostgres({
  unsupported: unsupportedCases['mikro-orm'],
  async bind(url, cache, options) {
    const orm = await MikroORM.init({ clientUrl: url, entities: [Item], pool: { min: 0, max: 10 } })
    const db = bindMikroOrm(orm, cache, options)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: ({ em }: Tx, text) => em.execute(text),
      // Written when it is flushed.
      insert: async ({ em }, item) => em.persist(em.create(Item, item)),
      close: () => orm.close(),
    }
  },
})

test('the body is given the manager of the client itself', () => {
  const bind = (client: MikroORM) => bindMikroOrm(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['em']>().toEqualTypeOf<MikroORM['em']>()
  expectTypeOf<Tx['em']>().toExtend<SqlEntityManager>()
})
