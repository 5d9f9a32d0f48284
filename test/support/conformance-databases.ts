import { randomBytes } from 'node:crypto'
import { defineDependencies } from 'coherent-cache'
import { type DefinedJournal, defineJournal } from 'coherent-cache/journal'
import {
  type BoundUnderTest,
  conformanceTables,
  type DatabaseCase,
  type DatabaseUnderTest,
  databaseConformance,
  type TransactionUnderTest,
  type UnsupportedCases,
} from 'coherent-cache/testing'
import { Pool } from 'pg'
import { afterAll, expect, inject, test } from 'vitest'
import { conformanceCache } from './conformance-cache.ts'
import { startProxy } from './tcp-proxy.ts'

type Cache = ReturnType<DatabaseUnderTest<never>['cache']>

/** One client of PostgreSQL, as the conformance suite is to be played with it. */
export interface PostgresClientUnderTest<Tx> {
  readonly unsupported: UnsupportedCases
  /** What the client sends to commit. @default 'COMMIT' */
  readonly commit?: string
  /** @param options to be passed on to the binding */
  bind(
    url: string,
    cache: Cache,
    options: { readonly journal?: DefinedJournal },
  ): BoundUnderTest<Tx> | Promise<BoundUnderTest<Tx>>
}

const TABLES = ['items', 'audit', 'audited', 'parents', 'children']
/** Records of those tables, its triggers on them. */
const dependencies = defineDependencies({ tables: Object.fromEntries(TABLES.map((name) => [name, []])) })
const journal = defineJournal({ dependencies, triggers: true })

/** Plays the suite in tests of this file. */
export function playConformance<Tx extends TransactionUnderTest<Tx>>(
  database: () => Promise<DatabaseUnderTest<Tx, DatabaseCase>>,
): void {
  for (const { name, run } of databaseConformance(database)) test(name, { timeout: 20_000 }, run)
}

/**
 * Plays it in a database of its own on the PostgreSQL that the run shares; and one transaction more, with a journal.
 *
 * @param journalled has the whole suite played with one
 */
export function playOnPostgres<Tx extends TransactionUnderTest<Tx>>(
  client: PostgresClientUnderTest<Tx>,
  journalled = false,
): void {
  const server = inject('postgresUrl')
  const name = `conformance_${process.pid}_${randomBytes(4).toString('hex')}`
  const urlAt = (port: string | number) => {
    const url = new URL(server)
    url.pathname = name
    url.port = String(port)
    return url.href
  }
  const admin = new Pool({ connectionString: server, max: 1 })
  const own = new Pool({ connectionString: urlAt(new URL(server).port), max: 2 })
  const created = admin.query(`CREATE DATABASE ${name}`)

  afterAll(async () => {
    // The database goes with the server.
    await own.end()
    await admin.end()
  })

  const reset = async () => {
    await own.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    for (const statement of conformanceTables.postgresql) await own.query(statement)
  }
  const urlHere = urlAt(new URL(server).port)

  test('with a journal: one record, settled, and none by triggers', { timeout: 20_000 }, async () => {
    await created
    await reset()
    await journal.ensure(own)
    // How many records there ever were: what has been settled is gone.
    const records = async () =>
      (await own.query("SELECT nextval(pg_get_serial_sequence('coherent_cache_journal', 'id'))::int AS n"))
        .rows[0].n
    const before = await records()
    const db = await client.bind(urlHere, conformanceCache(dependencies), { journal })
    await db.transaction(async (tx) => {
      await db.insert(tx, { id: 9, orgId: 9, amount: 9 })
      await db.sql(tx, 'INSERT INTO audited VALUES (9)')
    })
    await journal.flush()
    expect((await records()) - before).toBe(2)
    expect((await own.query('SELECT * FROM coherent_cache_journal')).rows).toEqual([])
    await db.close()
  })

  playConformance<Tx>(async () => {
    await created
    return {
      unsupported: client.unsupported,
      ...(client.commit === undefined ? {} : { commit: client.commit }),
      async reset() {
        await reset()
        if (journalled) await journal.ensure(own)
      },
      query: async (text) => (await own.query(text)).rows,
      cache: conformanceCache,
      bind: async (cache, port = Number(new URL(server).port)) =>
        client.bind(urlAt(port), cache, journalled ? { journal } : {}),
      network: () => startProxy(Number(new URL(server).port)),
    }
  })
}
