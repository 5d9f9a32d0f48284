import { MikroORM, EntitySchema as MikroSchema, type SqlEntityManager } from '@mikro-orm/postgresql'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Cache } from 'coherent-cache'
import { bindDrizzle } from 'coherent-cache/drizzle'
import { bindKnex } from 'coherent-cache/knex'
import { bindKysely } from 'coherent-cache/kysely'
import { bindMikroOrm } from 'coherent-cache/mikro-orm'
import { bindPrisma } from 'coherent-cache/prisma'
import { bindSequelize } from 'coherent-cache/sequelize'
import { bindTypeorm } from 'coherent-cache/typeorm'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { DataTypes, Sequelize, type Transaction as SequelizeTransaction } from 'sequelize'
import { DataSource, type EntityManager, EntitySchema } from 'typeorm'
import type { AdapterContender, AdapterServers } from '../../../bench/support/adapter-contender.ts'
import { PrismaClient } from '../generated/prisma/client.ts'

/** Query builders and ORMs, each with one connection. */
export async function openOrms(
  { postgres: url }: AdapterServers,
  cache: Cache,
): Promise<readonly AdapterContender[]> {
  return [
    openKnex(url, cache),
    openKysely(url, cache),
    openDrizzle(url, cache),
    await openTypeorm(url, cache),
    openSequelize(url, cache),
    await openMikroOrm(url, cache),
    openPrisma(url, cache),
  ]
}

function openKnex(url: string, cache: Cache): AdapterContender {
  const client = knex({ client: 'pg', connection: url, pool: { min: 1, max: 1 } })
  const db = bindKnex(client, cache)
  const update = (trx: Knex.Transaction, id: number) =>
    trx('items').where({ id }).increment('amount').returning('*')
  return {
    name: 'knex',
    unbound: (id) => client.transaction((trx) => update(trx, id)),
    bound: (id) => db.transaction(({ trx }) => update(trx, id)),
    close: () => client.destroy(),
  }
}

function openKysely(url: string, cache: Cache): AdapterContender {
  type Schema = { items: { id: number; org_id: number; amount: number } }
  const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) })
  const client = new Kysely<Schema>({ dialect })
  const db = bindKysely(client, cache)
  const update = (trx: Transaction<Schema>, id: number) =>
    trx
      .updateTable('items')
      .set((item) => ({ amount: item('amount', '+', 1) }))
      .where('id', '=', id)
      .returningAll()
      .execute()
  return {
    name: 'kysely',
    unbound: (id) => client.transaction().execute((trx) => update(trx, id)),
    bound: (id) => db.transaction(({ trx }) => update(trx, id)),
    close: () => client.destroy(),
  }
}

function openDrizzle(url: string, cache: Cache): AdapterContender {
  const items = pgTable('items', {
    id: integer('id').primaryKey(),
    orgId: integer('org_id').notNull(),
    amount: integer('amount').notNull(),
  })
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  const client = drizzle(pool)
  const db = bindDrizzle(client, cache)
  type Tx = Parameters<Parameters<typeof client.transaction>[0]>[0]
  const update = (tx: Pick<Tx, 'update'>, id: number) =>
    tx
      .update(items)
      .set({ amount: sql`${items.amount} + 1` })
      .where(eq(items.id, id))
      .returning()
  return {
    name: 'drizzle',
    unbound: (id) => client.transaction((tx) => update(tx, id)),
    bound: (id) => db.transaction(({ tx }) => update(tx, id)),
    close: () => pool.end(),
  }
}

async function openTypeorm(url: string, cache: Cache): Promise<AdapterContender> {
  const Item = new EntitySchema<{ id: number; orgId: number; amount: number }>({
    name: 'items',
    columns: {
      id: { type: 'int', primary: true },
      orgId: { type: 'int', name: 'org_id' },
      amount: { type: 'int' },
    },
  })
  const source = new DataSource({ type: 'postgres', url, entities: [Item], poolSize: 1 })
  await source.initialize()
  const db = bindTypeorm(source, cache)
  const update = (manager: EntityManager, id: number) =>
    manager
      .createQueryBuilder()
      .update(Item)
      .set({ amount: () => 'amount + 1' })
      .where({ id })
      .returning('*')
      .execute()
  return {
    name: 'typeorm',
    unbound: (id) => source.transaction((manager) => update(manager, id)),
    bound: (id) => db.transaction(({ manager }) => update(manager, id)),
    close: () => source.destroy(),
  }
}

function openSequelize(url: string, cache: Cache): AdapterContender {
  const sequelize = new Sequelize(url, { logging: false, pool: { max: 1 } })
  const Item = sequelize.define(
    'items',
    {
      id: { type: DataTypes.INTEGER, primaryKey: true },
      orgId: { type: DataTypes.INTEGER, field: 'org_id' },
      amount: DataTypes.INTEGER,
    },
    { timestamps: false },
  )
  const db = bindSequelize(sequelize, cache)
  const update = (transaction: SequelizeTransaction, id: number) =>
    Item.update({ amount: sequelize.literal('amount + 1') }, { where: { id }, transaction, returning: true })
  return {
    name: 'sequelize',
    unbound: (id) => sequelize.transaction((t) => update(t, id)),
    bound: (id) => db.transaction(({ t }) => update(t, id)),
    close: () => sequelize.close(),
  }
}

async function openMikroOrm(url: string, cache: Cache): Promise<AdapterContender> {
  const Item = new MikroSchema<{ id: number; orgId: number; amount: number }>({
    name: 'Item',
    tableName: 'items',
    properties: {
      id: { type: 'integer', primary: true },
      orgId: { type: 'integer', fieldName: 'org_id' },
      amount: { type: 'integer' },
    },
  })
  const orm = await MikroORM.init({ clientUrl: url, entities: [Item], pool: { min: 1, max: 1 } })
  const db = bindMikroOrm(orm, cache)
  let amount = 0
  const update = (em: SqlEntityManager, id: number) => em.nativeUpdate(Item, { id }, { amount: ++amount })
  return {
    name: 'mikro-orm',
    unbound: (id) => orm.em.fork().transactional((em) => update(em, id)),
    bound: (id) => db.transaction(({ em }) => update(em, id)),
    close: () => orm.close(),
  }
}

function openPrisma(url: string, cache: Cache): AdapterContender {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 1 }) })
  const db = bindPrisma(prisma, cache)
  const update = (tx: Pick<PrismaClient, 'item'>, id: number) =>
    tx.item.update({ where: { id }, data: { amount: { increment: 1 } } })
  return {
    name: 'prisma',
    unbound: (id) => prisma.$transaction((tx) => update(tx, id)),
    bound: (id) => db.transaction(({ tx }) => update(tx, id)),
    close: () => prisma.$disconnect(),
  }
}
