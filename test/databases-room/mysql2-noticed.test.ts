import { defineDependencies } from 'coherent-cache'
import { bindMysql2, type Mysql2PoolLike } from 'coherent-cache/mysql2'
import { describe, expect, test } from 'vitest'
import { countingLoader, openCache } from '../support/caches.ts'

const dependencies = defineDependencies({
  tables: { payments: ['payment:*'], 'back.payments': ['back:*'] },
})

/** A pool that answers as mysql2 does, inside a transaction: what is tried here is what is read of the text. */
function pool(): Mysql2PoolLike {
  const answer = async () => [{ serverStatus: 1, affectedRows: 1 }, undefined]
  const connection = { query: answer, execute: answer, release() {}, destroy() {} }
  return { query: answer, execute: answer, getConnection: async () => connection }
}

function room() {
  const { cache } = openCache({ dependencies })
  const unknown: string[] = []
  cache.on('unknownTable', ({ table }) => unknown.push(table))
  return { cache, unknown, db: bindMysql2(pool(), cache) }
}

describe('a write is noticed however it is written', () => {
  test.each([
    ["UPDATE payments SET note = 'late; called' WHERE id = 1"],
    ["INSERT INTO payments (note) VALUES ('a;b')"],
    ['UPDATE payments SET paid = 1 WHERE id = 1; -- from the back office'],
    ['UPDATE /* back office */ payments SET paid = 1'],
    ['DELETE payments FROM payments JOIN renters r ON r.id = payments.renter_id WHERE r.gone'],
    ['INSERT INTO/* batch */payments (id) VALUES (1)'],
    ['UPDATE renters r JOIN payments p ON p.renter_id = r.id SET p.paid = 1'],
    ['UPDATE `shop`.`payments` SET paid = 1'],
    ['CALL settle(); DELETE FROM payments'],
  ])('%s', async (sql) => {
    const { cache, db, unknown } = room()
    const { load } = countingLoader()
    expect(await cache.get('payment:1', load)).toBe(1)
    await db.query(sql)
    expect(await cache.get('payment:1', load)).toBe(2)
    expect(unknown).toEqual([])
  })
})

test('a table of another database, which the map does not name, is told as it was written', async () => {
  const { db, unknown } = room()
  await db.query('DELETE FROM shop.renters')
  expect(unknown).toEqual(['shop.renters'])
})

test('a procedure is a warning of the process, once', async () => {
  const { db } = room()
  const warnings: (string | undefined)[] = []
  const hear = (warning: Error & { code?: string }) => warnings.push(warning.code)
  process.on('warning', hear)
  try {
    await db.query('CALL settle()')
    await db.query('CALL settle()')
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.removeListener('warning', hear)
  }
  expect(warnings).toEqual(['COHERENT_CACHE_UNREAD_STATEMENT'])
})
