import { defineDependencies } from 'coherent-cache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openClient, openRedisCache } from '../support/redis-caches.ts'
import type { TestClient } from '../support/redis-clients.ts'

/** What things cost, in commands of a Redis of the test's own. Scripts run commands too, which count as run. */

const dependencies = defineDependencies({ tables: { orders: ['order:{orgId}:*'] } })

let redis: RedisServer
let admin: TestClient
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

interface Cost {
  /** Scripts that clients sent. */
  readonly scripts: number
  /** Commands that ran, those inside scripts included. */
  readonly run: number
}

/** Whose commands are the test's own. */
const OWN = ['info', 'config', 'config|resetstat']

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  admin = openClient(redis.port)
  await admin.call('CONFIG', 'RESETSTAT')
  await work()
  const stats = String(await admin.call('INFO', 'commandstats'))
  let scripts = 0
  let run = 0
  for (const [, name, calls] of stats.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)) {
    if (name === undefined || OWN.includes(name)) continue
    run += Number(calls)
    if (name === 'eval' || name === 'evalsha') scripts += Number(calls)
  }
  return { scripts, run }
}

/** Opened, its scripts loaded, nothing of it going on by itself. */
async function quiet(options: Parameters<typeof openRedisCache>[0] = {}) {
  const opened = openRedisCache({
    port: redis.port,
    dependencies,
    memory: false,
    maxStaleness: '2s',
    ...options,
  })
  await opened.cache.ready()
  await opened.cache.get('order:1:warm', async () => 1)
  await opened.cache.invalidate({ table: 'orders' })
  return opened
}

describe('commands', () => {
  test('of a miss: one to ask and claim, one to fill', async () => {
    const { cache } = await quiet()
    const cost = await costOf(() => cache.get('order:1:a', async () => 1, { freshness: 'committed' }))
    expect(cost.scripts).toBe(2)
  })

  test('of a hit in the store: one', async () => {
    const { cache } = await quiet()
    await cache.get('order:1:a', async () => 1)
    const certain = await costOf(() => cache.get('order:1:a', async () => 1, { freshness: 'committed' }))
    expect(certain.scripts).toBe(1)
    const judgedHere = await costOf(() => cache.get('order:1:a', async () => 1))
    expect(judgedHere).toEqual({ scripts: 0, run: 1 })
  })

  test('of a hundred keys at once: one to ask, one each to fill', async () => {
    const { cache } = await quiet()
    const keys = Array.from({ length: 100 }, (_, at) => `order:1:${at}`)
    const load = async (missing: readonly string[]) => missing.map(() => 1)
    const missed = await costOf(() => cache.getMany(keys, load, { freshness: 'committed' }))
    expect(missed.scripts).toBe(101)
    const hit = await costOf(() => cache.getMany(keys, load, { freshness: 'committed' }))
    expect(hit.scripts).toBe(1)
  })

  test('of a group invalidation: the same for ten keys and for ten thousand', async () => {
    const { cache } = await quiet()
    const costs: Cost[] = []
    for (const count of [10, 10_000]) {
      const keys = Array.from({ length: count }, (_, at) => `order:7:${at}`)
      for (let at = 0; at < count; at += 500)
        await cache.getMany(keys.slice(at, at + 500), async (missing) => missing.map(() => 1))
      costs.push(
        await costOf(() => cache.invalidate({ table: 'orders', operation: 'insert', rows: [{ org_id: 7 }] })),
      )
      expect(await cache.get('order:7:3', async () => 'anew', { freshness: 'committed' })).toBe('anew')
      await cache.invalidate({ table: 'orders' })
    }
    const [few, many] = costs as [Cost, Cost]
    expect(few.scripts).toBe(1)
    expect(many).toEqual(few)
    expect(many.run).toBeLessThan(20)
  }, 30_000)

  test('of a group invalidation in sixteen partitions: one each', async () => {
    const { cache } = await quiet({ partitions: 16 })
    const cost = await costOf(() =>
      cache.invalidate({ table: 'orders', operation: 'insert', rows: [{ org_id: 7 }] }),
    )
    expect(cost.scripts).toBe(16)
  })

  test('of a process that is idle: none', async () => {
    const { cache } = await quiet({ maxStaleness: '100ms', memory: {} })
    await cache.get('order:1:a', async () => 1)
    await new Promise((resolve) => setTimeout(resolve, 250))
    const cost = await costOf(() => new Promise((resolve) => setTimeout(resolve, 300)))
    expect(cost).toEqual({ scripts: 0, run: 0 })
  })
})
