import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import Database from 'better-sqlite3'
import type { Cache } from 'coherent-cache'
import { bindMysql2 } from 'coherent-cache/mysql2'
import { bindPg } from 'coherent-cache/pg'
import { bindPglite } from 'coherent-cache/pglite'
import { bindSqlite } from 'coherent-cache/sqlite'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import type { AdapterContender, AdapterServers } from '../../../bench/support/adapter-contender.ts'
import { openOrms } from './orms.ts'

export { startMariadb } from '../support/mariadb.ts'

const ROWS = 1_000
const TABLE = 'CREATE TABLE items (id int PRIMARY KEY, org_id int NOT NULL, amount int NOT NULL)'
const VALUES = Array.from({ length: ROWS }, (_, at) => `(${at + 1}, ${at % 100}, 0)`).join(', ')
const SCHEMA = [TABLE, `INSERT INTO items VALUES ${VALUES}`]
const UPDATE = 'UPDATE items SET amount = amount + 1 WHERE id = $1 RETURNING *'

/** Every client that can be bound, over a table of 1,000 items. Close each. */
export async function openAdapters(
  servers: AdapterServers,
  cache: Cache,
): Promise<readonly AdapterContender[]> {
  const setUp = new pg.Client({ connectionString: servers.postgres })
  await setUp.connect()
  for (const statement of SCHEMA) await setUp.query(statement)
  await setUp.end()
  return [
    openPg(servers, cache),
    await openPglite(cache),
    await openMysql(servers, cache),
    openSqlite(servers, cache),
    ...(await openOrms(servers, cache)),
  ]
}

function openPg({ postgres }: AdapterServers, cache: Cache): AdapterContender {
  const pool = new pg.Pool({ connectionString: postgres, max: 1 })
  const db = bindPg(pool, cache)
  return {
    name: 'pg',
    async unbound(id) {
      const client = await pool.connect()
      await client.query('BEGIN')
      await client.query(UPDATE, [id])
      await client.query('COMMIT')
      client.release()
    },
    bound: (id) => db.transaction((tx) => tx.query(UPDATE, [id])),
    close: () => pool.end(),
  }
}

async function openPglite(cache: Cache): Promise<AdapterContender> {
  const client = await PGlite.create()
  for (const statement of SCHEMA) await client.exec(statement)
  const db = bindPglite(client, cache)
  return {
    name: 'pglite',
    unbound: (id) => client.transaction((tx) => tx.query(UPDATE, [id])),
    bound: (id) => db.transaction((tx) => tx.query(UPDATE, [id])),
    close: () => client.close(),
  }
}

async function openMysql({ mariadbPort }: AdapterServers, cache: Cache): Promise<AdapterContender> {
  const at = { host: '127.0.0.1', port: mariadbPort, user: 'root', connectionLimit: 1 }
  const setUp = createPool(at)
  await setUp.query('CREATE DATABASE bench')
  await setUp.end()
  const pool = createPool({ ...at, database: 'bench' })
  for (const statement of SCHEMA) await pool.query(statement)
  const db = bindMysql2(pool, cache)
  const update = 'UPDATE items SET amount = amount + 1 WHERE id = ?'
  return {
    name: 'mysql2',
    async unbound(id) {
      const connection = await pool.getConnection()
      await connection.beginTransaction()
      await connection.execute(update, [id])
      await connection.commit()
      connection.release()
    },
    bound: (id) => db.transaction((tx) => tx.execute(update, [id])),
    close: () => pool.end(),
  }
}

function openSqlite({ folder }: AdapterServers, cache: Cache): AdapterContender {
  const client = new Database(join(folder, 'bench.db'))
  client.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
  for (const statement of SCHEMA) client.exec(statement)
  const db = bindSqlite(client, cache)
  const update = 'UPDATE items SET amount = amount + 1 WHERE id = ? RETURNING *'
  return {
    name: 'sqlite',
    async unbound(id) {
      client.exec('BEGIN IMMEDIATE')
      client.prepare(update).all(id)
      client.exec('COMMIT')
    },
    bound: (id) => db.transaction((tx) => tx.prepare(update).all(id)),
    close: async () => client.close(),
  }
}
