import { defineDependencies } from 'coherent-cache'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
const USERS = { table: 'users', operation: 'insert', rows: [{ id: 1 }] } as const
const T = 600

let proxy: TcpProxy
beforeAll(async () => {
  proxy = await startProxy(inject('redisPort'))
})
afterAll(() => proxy.close())

test('messages no longer arrive: memory is at most T behind, and the dead connection is replaced', {
  timeout: 30_000,
}, async () => {
  const shared = { name: uniqueName(), dependencies, maxStaleness: `${T}ms` } as const
  const { cache } = openRedisCache({ ...shared, port: proxy.port })
  const { cache: other } = openRedisCache({ ...shared, memory: false })
  await Promise.all([cache.ready(), other.ready()])
  const user = row(0)
  const lost: string[] = []
  cache.on('degraded', ({ reason }) => lost.push(reason))
  const inMemory = () =>
    until(async () => {
      await cache.get('user:1', user.load)
      return cache.peek('user:1') !== undefined
    }, 'memory')
  await inMemory()

  proxy.holdMessages()
  const behind: number[] = []
  for (let round = 1; round <= 6; round++) {
    await inMemory()
    user.value = round
    expect((await other.invalidate(USERS)).status).toBe('applied')
    const voidedAt = performance.now()
    await until(
      async () => (await cache.get('user:1', user.load)) === round,
      `round ${round} to be seen`,
      5_000,
    )
    behind.push(performance.now() - voidedAt)
  }
  // T, and what a busy machine adds to it.
  expect(Math.max(...behind)).toBeLessThan(T + 500)
  // At first by the heartbeat; once the dead connection was given up by the message.
  expect(Math.min(...behind)).toBeLessThan(T / 4)
  // The store itself was never away.
  expect(lost).toEqual([])
})
