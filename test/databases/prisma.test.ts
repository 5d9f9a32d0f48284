import { AsyncResource } from 'node:async_hooks'
import { PrismaPg } from '@prisma/adapter-pg'
import { createCache, defineDependencies } from 'coherent-cache'
import { bindPrisma } from 'coherent-cache/prisma'
import { conformanceTables } from 'coherent-cache/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, inject, test } from 'vitest'
import { playOnPostgres } from '../support/conformance-databases.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'
import { PrismaClient } from './generated/prisma/client.ts'
import type { TransactionClient } from './generated/prisma/internal/prismaNamespace.ts'

const connect = (url: string) =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 10 }) })

describe('conformance', () => {
  playOnPostgres({
    unsupported: unsupportedCases.prisma,
    bind(url, cache, options) {
      const prisma = connect(url)
      const db = bindPrisma(prisma, cache, { ...options, timeout: 20_000, maxWait: 20_000 })
      type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
      return {
        transaction: db.transaction,
        sql: ({ tx }: Tx, text) => tx.$queryRawUnsafe<object[]>(text),
        insert: ({ tx }, data) => tx.item.create({ data }),
        close: () => prisma.$disconnect(),
      }
    },
  })
})

describe('what operations of models tell', () => {
  const name = `prisma_${process.pid}`
  const url = new URL(inject('postgresUrl'))
  url.pathname = name
  const own = new pg.Pool({ connectionString: url.href, max: 1 })
  const prisma = connect(url.href)
  const dependencies = defineDependencies({
    tables: { items: ['item:{orgId}:*'], parents: ['parent:{id}'], children: ['child:{parentId}:*'] },
  })
  const cache = createCache({ name: 'prisma', dependencies })
  const told: string[][] = []
  cache.on('invalidated', ({ receipt }) => told.push([...receipt.stamps].sort()))

  beforeAll(async () => {
    const admin = new pg.Client({ connectionString: inject('postgresUrl') })
    await admin.connect()
    await admin.query(`CREATE DATABASE ${name}`)
    await admin.end()
  })
  beforeEach(async () => {
    await own.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    for (const statement of conformanceTables.postgresql) await own.query(statement)
    told.length = 0
  })
  afterAll(async () => {
    await prisma.$disconnect()
    await own.end()
    await cache.close()
  })

  const bound = new Map<PrismaClient, ReturnType<typeof bindPrisma<PrismaClient>>>()
  const wrote = async (client: PrismaClient, body: (tx: TransactionClient) => Promise<unknown>) => {
    const db = bound.get(client) ?? bindPrisma(client, cache)
    bound.set(client, db)
    await db.transaction(({ tx }) => body(tx))
    return told.at(-1)
  }
  const row = { id: 70, orgId: 7, amount: 1 }

  test.each<[string, (tx: TransactionClient) => Promise<unknown>, string[] | undefined]>([
    ['create', (tx) => tx.item.create({ data: row }), ['item:{orgId}:*|7']],
    [
      'create, its column not selected',
      (tx) => tx.item.create({ data: row, select: { id: true } }),
      ['item:{orgId}:*'],
    ],
    ['createManyAndReturn', (tx) => tx.item.createManyAndReturn({ data: [row] }), ['item:{orgId}:*|7']],
    ['createMany', (tx) => tx.item.createMany({ data: [row] }), ['item:{orgId}:*']],
    [
      'update of another column',
      (tx) => tx.item.update({ where: { id: 1 }, data: { amount: { increment: 1 } } }),
      ['item:{orgId}:*|1'],
    ],
    [
      'update of the column itself',
      (tx) => tx.item.update({ where: { id: 1 }, data: { orgId: 9 } }),
      ['item:{orgId}:*'],
    ],
    ['updateMany', (tx) => tx.item.updateMany({ data: { amount: 2 } }), ['item:{orgId}:*']],
    ['delete', (tx) => tx.item.delete({ where: { id: 2 } }), ['item:{orgId}:*|2']],
    [
      'upsert',
      (tx) => tx.item.upsert({ where: { id: 1 }, create: row, update: { amount: 3 } }),
      ['item:{orgId}:*'],
    ],
    ['find', (tx) => tx.item.findMany({ where: { orgId: 1 } }), undefined],
    [
      'a nested write',
      (tx) => tx.parent.create({ data: { id: 5, children: { create: { id: 5 } } } }),
      ['child:{parentId}:*', 'parent:{id}'],
    ],
    [
      'a create with relations that writes its own row alone',
      (tx) => tx.child.create({ data: { id: 6, parentId: 1 } }),
      ['child:{parentId}:*|1'],
    ],
    [
      'a delete that cascades',
      (tx) => tx.parent.delete({ where: { id: 1 } }),
      ['child:{parentId}:*', 'parent:{id}'],
    ],
    [
      'raw',
      (tx) => tx.$queryRaw`INSERT INTO items VALUES (${70}, ${7}, 1) RETURNING *`,
      ['item:{orgId}:*|7'],
    ],
    ['raw, executed', (tx) => tx.$executeRaw`DELETE FROM items WHERE id = ${1}`, ['item:{orgId}:*']],
  ])('%s', async (_, body, expected) => {
    expect(await wrote(prisma, body)).toEqual(expected)
  })

  test('anOperationSentFromAnotherAsyncContext_isFound', async () => {
    const elsewhere = AsyncResource.bind(async (tx: TransactionClient) => tx.item.create({ data: row }))
    expect(await wrote(prisma, elsewhere)).toEqual(['item:{orgId}:*'])
  })

  test('aClientWithAnotherExtension_thatMayDoSomethingElse_isNotBelieved', async () => {
    const moving = prisma.$extends({
      query: { item: { delete: () => prisma.item.update({ where: { id: 1 }, data: { orgId: 3 } }) } },
    }) as unknown as PrismaClient
    expect(await wrote(moving, (tx) => tx.item.create({ data: row }))).toEqual(['item:{orgId}:*'])
  })
})

test('the body is given the transaction of the client itself', () => {
  const bind = (client: PrismaClient) => bindPrisma(client, null as never)
  type Tx = Parameters<Parameters<ReturnType<typeof bind>['transaction']>[0]>[0]
  expectTypeOf<Tx['tx']>().toEqualTypeOf<TransactionClient>()
})
