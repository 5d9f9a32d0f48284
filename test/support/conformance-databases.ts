import { randomBytes } from 'node:crypto'
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
import { afterAll, inject, test } from 'vitest'
import { conformanceCache } from './conformance-cache.ts'
import { startProxy } from './tcp-proxy.ts'

type Cache = ReturnType<DatabaseUnderTest<never>['cache']>

/** One client of PostgreSQL, as the conformance suite is to be played with it. */
export interface PostgresClientUnderTest<Tx> {
  readonly unsupported: UnsupportedCases
  /** What the client sends to commit. @default 'COMMIT' */
  readonly commit?: string
  bind(url: string, cache: Cache): BoundUnderTest<Tx> | Promise<BoundUnderTest<Tx>>
}

/** Plays the suite in tests of this file. */
export function playConformance<Tx extends TransactionUnderTest<Tx>>(
  database: () => Promise<DatabaseUnderTest<Tx, DatabaseCase>>,
): void {
  for (const { name, run } of databaseConformance(database)) test(name, { timeout: 20_000 }, run)
}

/** Plays it in a database of its own on the PostgreSQL that the run shares. */
export function playOnPostgres<Tx extends TransactionUnderTest<Tx>>(
  client: PostgresClientUnderTest<Tx>,
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

  playConformance<Tx>(async () => {
    await created
    return {
      unsupported: client.unsupported,
      ...(client.commit === undefined ? {} : { commit: client.commit }),
      async reset() {
        await own.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
        for (const statement of conformanceTables.postgresql) await own.query(statement)
      },
      query: async (text) => (await own.query(text)).rows,
      cache: conformanceCache,
      bind: async (cache, port = Number(new URL(server).port)) => client.bind(urlAt(port), cache),
      network: () => startProxy(Number(new URL(server).port)),
    }
  })
}
