import { bindTypeorm } from 'coherent-cache/typeorm'
import { DataSource, type EntityManager, EntitySchema } from 'typeorm'
import { expectTypeOf, test } from 'vitest'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

const Item = new EntitySchema<{ id: number; orgId: number; amount: number }>({
  name: 'items',
  columns: {
    id: { type: 'int', primary: true },
    orgId: { type: 'int', name: 'org_id' },
    amount: { type: 'int' },
  },
})

playOnPostgres({
  unsupported: unsupportedCases.typeorm,
  async bind(url, cache, options) {
    const source = new DataSource({ type: 'postgres', url, entities: [Item], poolSize: 10 })
    await source.initialize()
    const db = bindTypeorm(source, cache, options)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async ({ manager }: Tx, text) => {
        const rows: unknown = await manager.query(text)
        return Array.isArray(rows) ? rows : []
      },
      insert: ({ manager }, item) =>
        manager.createQueryBuilder().insert().into(Item).values(item).returning('*').execute(),
      close: () => source.destroy(),
    }
  },
})

test('the body is given the manager of the client itself', () => {
  const bind = (client: DataSource) => bindTypeorm(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['manager']>().toEqualTypeOf<EntityManager>()
})
