import { MikroORM, EntitySchema as MikroSchema } from '@mikro-orm/postgresql'
import { PrismaPg } from '@prisma/adapter-pg'
import { createCache, defineDependencies, isCacheError } from 'coherent-cache'
import { type AuditableDatabase, auditDependencies, type TransactionOf } from 'coherent-cache/audit'
import { bindDrizzle } from 'coherent-cache/drizzle'
import { bindKnex } from 'coherent-cache/knex'
import { bindKysely } from 'coherent-cache/kysely'
import { bindMikroOrm } from 'coherent-cache/mikro-orm'
import { bindMysql2 } from 'coherent-cache/mysql2'
import { bindPrisma } from 'coherent-cache/prisma'
import { bindSequelize } from 'coherent-cache/sequelize'
import { bindTypeorm } from 'coherent-cache/typeorm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { PrismaClient } from './generated/prisma/client.ts'

const name = `audit_${process.pid}`
const address = new URL(inject('postgresUrl'))
address.pathname = name
const url = address.href
const cache = createCache({ name, dependencies: defineDependencies({ tables: { items: ['item:*'] } }) })

const administer = async (...statements: string[]) => {
  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  for (const statement of statements) await admin.query(statement)
  await admin.end()
}
beforeAll(async () => {
  await administer(`CREATE DATABASE ${name}`)
  const own = new pg.Client({ connectionString: url })
  await own.connect()
  await own.query(`
    CREATE TABLE items (id int PRIMARY KEY, org_id int NOT NULL, amount int NOT NULL);
    CREATE TABLE secrets (id int);
    ALTER TABLE items ADD COLUMN total int;
    CREATE FUNCTION hidden() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM secrets';
    CREATE VIEW v_items AS SELECT *, hidden() AS n FROM items;
  `)
  await own.end()
})
afterAll(async () => {
  await cache.close()
  await administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
})

/** Audits one loader that reads `items` as the client's own idiom has it, and one that reads a view by raw SQL. */
async function audited<Db extends AuditableDatabase>(
  database: Db,
  idiom: (tx: TransactionOf<Db>) => unknown,
  raw: (tx: TransactionOf<Db>, text: string) => unknown,
): Promise<void> {
  const report = await auditDependencies(
    cache,
    {
      idiom: { key: 'item:1', load: (_, tx) => idiom(tx) },
      raw: { key: 'item:2', load: (_, tx) => raw(tx, 'SELECT max(n) FROM v_items') },
    },
    { database },
  )
  expect(report.loaders).toMatchObject([
    { status: 'declared', tables: [{ table: 'items', through: [] }], error: undefined },
    {
      status: 'undeclared',
      tables: [
        { table: 'items', declared: true, through: [['v_items']] },
        { table: 'secrets', declared: false },
      ],
    },
  ])
}

test('knex', async () => {
  const client = knex({ client: 'pg', connection: url })
  const db = bindKnex(client, cache)
  await audited(
    db,
    () => db.knex('items').where({ id: 1 }),
    ({ trx }, text) => trx.raw(text),
  )
  await client.destroy()
})

test('kysely', async () => {
  const pool = new pg.Pool({ connectionString: url })
  const client = new Kysely<{ items: { id: number } }>({ dialect: new PostgresDialect({ pool }) })
  const db = bindKysely(client, cache)
  await audited(
    db,
    () => db.kysely.selectFrom('items').selectAll().execute(),
    ({ trx }, text) => trx.executeQuery({ sql: text, parameters: [], query: {} } as never),
  )
  await client.destroy()
})

test('drizzle', async () => {
  const pool = new pg.Pool({ connectionString: url })
  const items = pgTable('items', { id: integer('id').primaryKey() })
  const db = bindDrizzle(drizzle(pool), cache)
  await audited(
    db,
    () => db.drizzle.select().from(items),
    ({ tx }, text) => tx.execute(text),
  )
  await pool.end()
})

test('typeorm', async () => {
  const Item = new EntitySchema<{ id: number }>({
    name: 'items',
    columns: { id: { type: 'int', primary: true } },
  })
  const source = new DataSource({ type: 'postgres', url, entities: [Item] })
  await source.initialize()
  const db = bindTypeorm(source, cache)
  await audited(
    db,
    () => db.manager.getRepository(Item).find(),
    ({ manager }, text) => manager.query(text),
  )
  await source.destroy()
})

test('sequelize', async () => {
  const sequelize = new Sequelize(url, { logging: false })
  const Item = sequelize.define('items', { amount: DataTypes.INTEGER }, { timestamps: false })
  const db = bindSequelize(sequelize, cache)
  await audited(
    db,
    () => Item.findAll({ transaction: db.t ?? null }),
    ({ t }, text) => sequelize.query(text, { transaction: t }),
  )
  await sequelize.close()
})

test('mikro-orm', async () => {
  const Item = new MikroSchema<{ id: number }>({
    name: 'Item',
    tableName: 'items',
    properties: { id: { type: 'integer', primary: true } },
  })
  const orm = await MikroORM.init({ clientUrl: url, entities: [Item] })
  const db = bindMikroOrm(orm, cache)
  await audited(
    db,
    () => db.em.find(Item, {}),
    ({ em }, text) => em.execute(text),
  )
  await orm.close()
})

test('prisma', async () => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  const db = bindPrisma(prisma, cache)
  await audited(
    db,
    () => db.prisma.item.findMany(),
    ({ tx }, text) => tx.$queryRawUnsafe(text),
  )
  await prisma.$disconnect()
})

test('mysql2 does not say what was read', async () => {
  const pool = createPool({ host: '127.0.0.1', port: inject('mariadbPort'), user: 'root' })
  const database = bindMysql2(pool, cache)
  const running = auditDependencies(cache, { one: { key: 'item:1', load: () => 1 } }, { database })
  await expect(running).rejects.toSatisfy((error) => isCacheError(error, 'UNSUPPORTED'))
  await pool.end()
})
