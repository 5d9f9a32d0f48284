import { createCache, defineDependencies } from 'coherent-cache'
import { bindMysql2 } from 'coherent-cache/mysql2'
import { conformanceTables } from 'coherent-cache/testing'
import { createPool, type Pool } from 'mysql2/promise'
import { afterAll, beforeEach, describe, expect, expectTypeOf, inject, test } from 'vitest'
import { conformanceCache } from '../support/conformance-cache.ts'
import { playConformance } from '../support/conformance-databases.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { unsupportedCases } from '../support/unsupported-cases.ts'

const port = inject('mariadbPort')
const database = `conformance_${process.pid}`
const admin = createPool({ host: '127.0.0.1', port, user: 'root', connectionLimit: 2 })
const open = (at = port) =>
  createPool({ host: '127.0.0.1', port: at, user: 'root', database, connectionLimit: 10 })
afterAll(() => admin.end())

async function reset(): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${database}`)
  await admin.query(`CREATE DATABASE ${database}`)
  const pool = open()
  for (const statement of conformanceTables.mysql) await pool.query(statement)
  await pool.end()
}

function bind(pool: Pool, cache: ReturnType<typeof conformanceCache>) {
  const db = bindMysql2(pool, cache)
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
  return {
    transaction: db.transaction,
    sql: async (tx: Tx, text: string) => {
      const [rows] = await tx.query(text)
      return Array.isArray(rows) ? (rows as object[]) : []
    },
    insert: (tx: Tx, { id, orgId, amount }: { id: number; orgId: number; amount: number }) =>
      tx.execute('INSERT INTO items VALUES (?, ?, ?)', [id, orgId, amount]),
    alone: (text: string) => db.query(text),
    close: () => pool.end(),
  }
}

describe('conformance', () => {
  playConformance<Parameters<ReturnType<typeof bind>['sql']>[0]>(async () => ({
    unsupported: unsupportedCases.mysql2,
    reset,
    query: async (text) => {
      const connection = await admin.getConnection()
      try {
        await connection.query(`USE ${database}`)
        const [rows] = await connection.query(text)
        return rows as object[]
      } finally {
        connection.release()
      }
    },
    cache: conformanceCache,
    bind: async (cache, at) => bind(open(at), cache),
    network: () => startProxy(port),
  }))
})

describe('a transaction that the server ends', () => {
  let told: string[][] = []
  const room = () => {
    const pool = open()
    const dependencies = defineDependencies({ tables: { items: ['item:*'], audit: ['audit:*'] } })
    const cache = createCache({ name: 'mysql', dependencies })
    cache.on('invalidated', ({ receipt }) => told.push([...receipt.stamps].sort()))
    return { pool, db: bindMysql2(pool, cache), end: () => Promise.all([pool.end(), cache.close()]) }
  }
  const audit = async () => {
    const [rows] = await admin.query(`SELECT note FROM ${database}.audit`)
    return (rows as { note: string }[]).map(({ note }) => note)
  }
  beforeEach(async () => {
    told = []
    await reset()
  })

  test('afterADeadlockThatIsSwallowed_takesNoMoreStatements', async () => {
    const { db, end } = room()
    let meet: () => void = () => {}
    const met = new Promise<void>((resolve) => {
      meet = resolve
    })
    let came = 0
    const update = (id: number) => `UPDATE items SET amount = amount + 1 WHERE id = ${id}`
    const swallow = (first: number, second: number) =>
      db.transaction(async (tx) => {
        await tx.query(update(first))
        if (++came === 2) meet()
        await met
        await tx.query(update(second)).catch(() => undefined)
        await tx.query(`INSERT INTO audit VALUES ('${first}')`)
      })
    const outcomes = await Promise.allSettled([swallow(1, 2), swallow(2, 1)])
    const failed = outcomes.filter(({ status }) => status === 'rejected')
    expect(failed).toMatchObject([{ reason: { code: 'SEAL_FAILED' } }])
    expect([await audit(), told]).toEqual([
      [outcomes[0].status === 'fulfilled' ? '1' : '2'],
      [['audit:*', 'item:*']],
    ])
    await end()
  })

  test('byAStatementThatCommitsImplicitly_isRefusedBefore', async () => {
    const { db, end } = room()
    const failed = db.transaction(async (tx) => {
      await tx.query("INSERT INTO audit VALUES ('lost')")
      await tx.query('ALTER TABLE audit ADD COLUMN more int')
    })
    await expect(failed).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect([await audit(), told]).toEqual([[], []])
    await end()
  })

  test('byAProcedureThatCommits_isInvalidated_thoughItFails', async () => {
    const { db, pool, end } = room()
    await pool.query('CREATE PROCEDURE commits() COMMIT')
    const failed = db.transaction(async (tx) => {
      await tx.query("INSERT INTO audit VALUES ('kept')")
      await tx.query('CALL commits()')
      throw new Error('too late')
    })
    await expect(failed).rejects.toThrow('too late')
    expect([await audit(), told]).toEqual([['kept'], [['audit:*']]])
    const next = db.transaction(async (tx) => {
      await tx.query('CALL commits()')
      await tx.query("INSERT INTO audit VALUES ('alone')")
    })
    await expect(next).rejects.toMatchObject({ code: 'SEAL_FAILED' })
    expect(await audit()).toEqual(['kept'])
    await end()
  })
})

test('methods are those of the client itself', () => {
  type Bound = ReturnType<typeof bindMysql2<Pool>>
  expectTypeOf<Bound['execute']>().toEqualTypeOf<Pool['execute']>()
  type Tx = Parameters<Parameters<Bound['transaction']>[0]>[0]
  expectTypeOf<Tx['query']>().toEqualTypeOf<Pool['query']>()
})
