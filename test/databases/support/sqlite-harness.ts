import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bindSqlite, type SqliteLike } from 'coherent-cache/sqlite'
import { conformanceTables, type DatabaseCase, type DatabaseUnderTest } from 'coherent-cache/testing'
import { unsupportedCases } from '../../support/unsupported-cases.ts'

type Handle = Parameters<Parameters<ReturnType<typeof bindSqlite<SqliteLike>>['transaction']>[0]>[0]
export type SqliteUnderTest = DatabaseUnderTest<Handle, DatabaseCase>
type Client = SqliteLike & { close(): unknown }

/** SQLite files in a folder of their own, as the conformance suite needs them. */
export class SqliteFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), 'coherent-cache-sqlite-'))
  readonly #open: (file: string) => Client
  #files = 0
  #admin: Client | undefined

  constructor(open: (file: string) => Client) {
    this.#open = open
  }

  /** A connection to the file of the case. */
  open(): Client {
    const client = this.#open(join(this.#folder, `${this.#files}.db`))
    client.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 100')
    return client
  }

  underTest(cache: SqliteUnderTest['cache']): SqliteUnderTest {
    return {
      unsupported: unsupportedCases.sqlite,
      reset: async () => {
        this.#admin?.close()
        this.#files++
        this.#admin = this.open()
        for (const statement of conformanceTables.sqlite) this.#admin.exec(statement)
      },
      query: async (text) => this.#admin?.prepare(text).all() as object[],
      cache,
      bind: async (bound) => {
        const client = this.open()
        const db = bindSqlite(client, bound)
        return {
          transaction: db.transaction,
          sql: async (tx, text) => {
            const reads = /^select/i.test(text)
            return reads ? tx.prepare(text).all() : [tx.prepare(text).run()].slice(1)
          },
          insert: async (tx, { id, orgId, amount }) =>
            tx.prepare('INSERT INTO items VALUES (?, ?, ?) RETURNING *').all(id, orgId, amount),
          alone: (text) => db.run(text),
          close: async () => {
            client.close()
          },
        }
      },
    }
  }

  close(): void {
    this.#admin?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
