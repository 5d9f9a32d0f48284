import { existsSync } from 'node:fs'
import type { Row } from '../core/change.ts'
import { CacheError } from '../core/errors.ts'
import type { SendSql } from '../databases/postgres/session.ts'
import type { SqliteLike } from '../databases/sqlite/connection.ts'
import { loadModule } from './load-module.ts'

/** What is used of `pg`. */
interface PgModule {
  readonly Client: new (config: {
    connectionString: string
    connectionTimeoutMillis: number
  }) => {
    connect(): Promise<unknown>
    query(text: string, values: unknown[]): Promise<{ rows: Row[] }>
    end(): Promise<unknown>
    on(event: 'error', listener: () => void): unknown
  }
}

const CONNECT_MS = 10_000

/** A connection to a PostgreSQL, by the `pg` that is installed in `cwd`. */
export async function openPostgres(
  url: string,
  cwd: string,
): Promise<{ readonly send: SendSql; close(): Promise<void> }> {
  if (!/^postgres(?:ql)?:\/\//.test(url)) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      'The URL of the database has to begin with postgres://. For a SQLite file there is --sqlite FILE.',
    )
  }
  const loaded = await needed('pg', cwd)
  const { Client } = (loaded.default ?? loaded) as unknown as PgModule
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  // What it is told by a query is enough.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new CacheError('INVALID_ARGUMENT', `The database could not be reached: ${told(error)}.`, {
      cause: error,
    })
  }
  return {
    send: async (text, values = []) => (await client.query(text, [...values])).rows,
    close: async () => {
      await client.end()
    },
  }
}

/** A SQLite file, to be read, by what is at hand. */
export async function openSqlite(file: string, cwd: string): Promise<SqliteLike & { close(): unknown }> {
  if (!existsSync(file)) throw new CacheError('INVALID_ARGUMENT', `There is no file ${file}.`)
  type Opens = new (file: string, options: object) => SqliteLike & { close(): unknown }
  const better = await loadModule('better-sqlite3', cwd).catch(() => undefined)
  if (better !== undefined) {
    return new (better.default as Opens)(file, { readonly: true })
  }
  const builtIn = process.getBuiltinModule?.('node:sqlite' as 'node:fs') as unknown
  if (builtIn !== undefined) {
    return new (builtIn as { DatabaseSync: Opens }).DatabaseSync(file, { readOnly: true })
  }
  throw new CacheError(
    'UNSUPPORTED',
    `Nothing here reads SQLite: install better-sqlite3 in ${cwd}, or use a Node.js that has node:sqlite (22.5 or later).`,
  )
}

async function needed(name: string, cwd: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await loadModule(name, cwd)
  } catch (error) {
    throw new CacheError('UNSUPPORTED', `This needs the package ${name}: npm install ${name}, in ${cwd}.`, {
      cause: error,
    })
  }
}

/** An error's text. One that tried several addresses has none of its own. */
function told(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: string; code?: string }
  return message || code || String(error)
}
