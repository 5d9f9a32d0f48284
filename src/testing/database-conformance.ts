import assert from 'node:assert/strict'
import type {
  DatabaseUnderTest,
  TransactionUnderTest,
  Unsupported,
} from './conformance/databases/database-under-test.ts'
import { failureCases } from './conformance/databases/failure-cases.ts'
import mysql from './conformance/databases/mysql.sql'
import postgresql from './conformance/databases/postgresql.sql'
import { type Play, Room, type Tx } from './conformance/databases/room.ts'
import sqlite from './conformance/databases/sqlite.sql'
import { unitCases } from './conformance/databases/unit-cases.ts'
import { writeCases } from './conformance/databases/write-cases.ts'
import type { ConformanceCase } from './store-conformance.ts'

const cases = { ...writeCases, ...failureCases, ...unitCases }

/** A case of the conformance suite for bound databases, by its name. */
export type DatabaseCase = keyof typeof cases

/** Every case, in the order in which they are played. */
export const databaseCases = Object.freeze(Object.keys(cases)) as readonly DatabaseCase[]

/** What an adapter says that it does not keep. */
export type UnsupportedCases = { readonly [Case in DatabaseCase]?: Unsupported }

/** The statements that make the suite's tables, one after another. */
export const conformanceTables: Readonly<Record<'postgresql' | 'mysql' | 'sqlite', readonly string[]>> =
  Object.freeze({ postgresql: statements(postgresql), mysql: statements(mysql), sqlite: statements(sqlite) })

/**
 * What every bound database has to keep, on a real server: which writes make the cache void, what a failure leaves
 * behind, and which transaction a write belongs to.
 *
 * What an adapter does not keep it has to say, with the reason and with what the suite then finds. Such a case is
 * played all the same, and has to fail in just that way: nothing is left out, and what is kept after all is noticed.
 *
 * Cases are played one after another: each makes the suite's tables anew.
 *
 * @param database called once for each case.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { createCache } from 'coherent-cache'
 * import { bindPg } from 'coherent-cache/pg'
 * import { conformanceTables, databaseConformance } from 'coherent-cache/testing'
 * import { Pool } from 'pg'
 *
 * const admin = new Pool()
 * let caches = 0
 * const cases = databaseConformance(() => ({
 *   async reset() {
 *     await admin.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
 *     for (const statement of conformanceTables.postgresql) await admin.query(statement)
 *   },
 *   query: async (text) => (await admin.query(text)).rows,
 *   cache: (dependencies) => createCache({ name: 'conformance', instance: `${caches++}`, dependencies }),
 *   async bind(cache) {
 *     const pool = new Pool()
 *     const db = bindPg(pool, cache)
 *     type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
 *     return {
 *       transaction: db.transaction,
 *       sql: async (tx: Tx, text) => (await tx.query(text)).rows,
 *       insert: (tx, { id, orgId, amount }) =>
 *         tx.query('INSERT INTO items VALUES ($1, $2, $3) RETURNING *', [id, orgId, amount]),
 *       alone: (text) => db.query(text),
 *       close: () => pool.end(),
 *     }
 *   },
 *   unsupported: {
 *     'a connection lost during COMMIT, the rows committed': {
 *       reason: 'Not tried here: there is no network of our own.',
 *       fails: /no connection that could be lost/,
 *     },
 *     'a connection lost during COMMIT, the rows not committed': {
 *       reason: 'Not tried here: there is no network of our own.',
 *       fails: /no connection that could be lost/,
 *     },
 *   },
 * }))
 * for (const { name, run } of cases) test(name, run)
 * ```
 */
export function databaseConformance<Transaction extends TransactionUnderTest<Transaction>>(
  database: () =>
    | DatabaseUnderTest<Transaction, DatabaseCase>
    | Promise<DatabaseUnderTest<Transaction, DatabaseCase>>,
): readonly ConformanceCase[] {
  return Object.entries<Play>(cases).map(([name, play]) => ({
    name,
    async run() {
      // Cases use what every handle has; what else it has is the harness's own.
      const under = (await database()) as unknown as DatabaseUnderTest<Tx>
      const unsupported = under.unsupported?.[name]
      const room = await Room.open(under)
      try {
        if (unsupported === undefined) await play(room)
        else await playUnsupported(room, play, unsupported)
      } finally {
        await room.close()
      }
    },
  }))
}

/** A case that is said not to be kept has to fail as it is said to. */
async function playUnsupported(room: Room, play: Play, { reason, fails }: Unsupported): Promise<void> {
  try {
    await play(room)
  } catch (error) {
    assert.match(error instanceof Error ? error.message : String(error), fails)
    return
  }
  throw new Error(`This is kept, but the adapter says that it is not: ${reason}`)
}

function statements(text: string): readonly string[] {
  const body = text.replace(/^(?:--[^\n]*\n)*/, '')
  return Object.freeze(body.split(/;\n\n|;\n$/).filter((statement) => statement.trim() !== ''))
}
