import { PGlite } from '@electric-sql/pglite'
import { bindDrizzle } from 'coherent-cache/drizzle'
import { conformanceTables } from 'coherent-cache/testing'
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import pg from 'pg'
import { afterAll, describe, expectTypeOf, test } from 'vitest'
import { conformanceCache } from '../support/conformance-cache.ts'
import { playConformance, playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

const items = pgTable('items', {
  id: integer('id').primaryKey(),
  orgId: integer('org_id').notNull(),
  amount: integer('amount').notNull(),
})

describe('node-postgres', () => {
  playOnPostgres({
    unsupported: unsupportedCases.drizzle,
    commit: 'commit',
    bind(url, cache, options) {
      const pool = new pg.Pool({ connectionString: url, max: 10 })
      pool.on('error', () => {})
      const db = bindDrizzle(drizzle(pool), cache, options)
      type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
      return {
        transaction: db.transaction,
        sql: async ({ tx }: Tx, text) => (await tx.execute(text)).rows,
        insert: ({ tx }, item) => tx.insert(items).values(item).returning(),
        close: () => pool.end(),
      }
    },
  })
})

describe('PGlite', () => {
  const started = PGlite.create()
  afterAll(async () => (await started).close())
  const bind = (pglite: PGlite, cache: ReturnType<typeof conformanceCache>) => {
    const db = bindDrizzle(drizzlePglite(pglite), cache)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    return {
      transaction: db.transaction,
      sql: async ({ tx }: Tx, text: string) => (await tx.execute(sql.raw(text))).rows,
      insert: ({ tx }: Tx, item: typeof items.$inferInsert) => tx.insert(items).values(item).returning(),
      close: async () => {},
    }
  }
  playConformance<Parameters<ReturnType<typeof bind>['sql']>[0]>(async () => {
    const pglite = await started
    return {
      unsupported: { ...unsupportedCases.pglite, ...unsupportedCases.drizzle },
      async reset() {
        await pglite.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
        for (const statement of conformanceTables.postgresql) await pglite.exec(statement)
      },
      query: async (text) => (await pglite.query<object>(text)).rows,
      cache: conformanceCache,
      bind: async (cache) => bind(pglite, cache),
    }
  })
})

test('the body is given the transaction of the client itself', () => {
  type Db = NodePgDatabase<Record<string, never>>
  const bind = (client: Db) => bindDrizzle(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['tx']>().toEqualTypeOf<Parameters<Parameters<Db['transaction']>[0]>[0]>()
})
