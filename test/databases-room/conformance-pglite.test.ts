import { PGlite } from '@electric-sql/pglite'
import { bindPglite } from 'coherent-cache/pglite'
import { conformanceTables } from 'coherent-cache/testing'
import { afterAll } from 'vitest'
import { conformanceCache } from '../support/conformance-cache.ts'
import { playConformance } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

const started = PGlite.create()
afterAll(async () => (await started).close())

const bind = (pglite: PGlite, cache: Parameters<typeof bindPglite>[1]) => {
  const db = bindPglite(pglite, cache)
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
  return {
    transaction: db.transaction,
    sql: async (tx: Tx, text: string) => (await tx.query<object>(text)).rows,
    insert: (tx: Tx, { id, orgId, amount }: { id: number; orgId: number; amount: number }) =>
      tx.sql`INSERT INTO items VALUES (${id}, ${orgId}, ${amount}) RETURNING *`,
    alone: (text: string) => db.query(text),
    close: async () => {},
  }
}

playConformance<Parameters<ReturnType<typeof bind>['sql']>[0]>(async () => {
  const pglite = await started
  return {
    unsupported: unsupportedCases.pglite,
    async reset() {
      await pglite.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
      for (const statement of conformanceTables.postgresql) await pglite.exec(statement)
    },
    query: async (text) => (await pglite.query<object>(text)).rows,
    cache: conformanceCache,
    bind: async (cache) => bind(pglite, cache),
  }
})
