import { EntitySchema, type MikroORM } from '@mikro-orm/postgresql'
import type Database from 'better-sqlite3'
import type { createCache } from 'coherent-cache'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import type { Knex } from 'knex'
import type { Kysely } from 'kysely'
import type { Pool } from 'mysql2/promise'
import type { Model, ModelStatic, Sequelize } from 'sequelize'
import type { PrismaClient } from './generated/prisma/client.ts'
import { type DataSource, EntitySchema as TypeormSchema } from 'typeorm'

interface Schema {
  payments: { landlord_id: number; amount: number }
}
declare const cache: ReturnType<typeof createCache>
declare const knex: Knex
declare const kysely: Kysely<Schema>
declare const drizzle: NodePgDatabase
const payments = pgTable('payments', { landlordId: integer('landlord_id'), amount: integer() })
declare const dataSource: DataSource
const Payment = new TypeormSchema<{ landlordId: number; amount: number }>({
  name: 'payments',
  columns: { landlordId: { type: 'int', primary: true }, amount: { type: 'int' } },
})
declare const sequelize: Sequelize
declare const Payments: ModelStatic<Model>
declare const orm: MikroORM
const PaymentEntity = new EntitySchema<{ landlordId: number; amount: number }>({
  name: 'Payment',
  properties: { landlordId: { type: 'integer', primary: true }, amount: { type: 'integer' } },
})
declare const mysqlPool: Pool
declare const sqlite: Database.Database
declare const prisma: PrismaClient
