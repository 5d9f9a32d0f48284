import { defineDependencies, defineKeys } from 'coherent-cache'
import { afterEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openClient, openRedisCache } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

/** Units and batches of tens of thousands of keys: they take longer, and do no harm to anybody else. */

const keys = defineKeys({ item: 'item:{orgId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{orgId}:{id}'] } })
const named = (count: number) => Array.from({ length: count }, (_, id) => keys.item({ orgId: 1, id }))

interface Monitor {
  on(event: 'monitor', listener: (time: string, command: string[]) => void): void
  disconnect(): void
}

let server: RedisServer | undefined
afterEach(() => server?.stop())

test('no script of a unit of 5,000 keys names many more than 1,000, in the locking modes too', async () => {
  // A monitor slows down whoever shares its server.
  server = await startRedis()
  const { cache } = openRedisCache({
    port: server.port,
    keys,
    dependencies,
    consistency: 'committed',
    storeTimeout: '5s',
  })
  await cache.ready()
  const client = openClient(server.port) as unknown as { monitor(): Promise<Monitor> }
  const monitor = await client.monitor()
  const counts: number[] = []
  monitor.on('monitor', (_, [command = '', , count]) => {
    if (/^eval/i.test(command)) counts.push(Number(count))
  })
  const unit = cache.unitOfWork()
  unit.invalidate({ keys: named(5_000) })
  await unit.prepare()
  await unit.commit()
  // Five parts of the lock and ten of the rotation, whose keys are two names each.
  await until(() => counts.filter((count) => count >= 1_000).length >= 15, 'the scripts')
  monitor.disconnect()
  expect(Math.max(...counts)).toBeLessThan(1_020)
}, 60_000)

test('a unit that names 40,000 keys can be prepared, as an invalidation of them can be made', async () => {
  const { cache } = openRedisCache({ keys, dependencies, consistency: 'committed', storeTimeout: '400ms' })
  await cache.ready()
  const degraded: string[] = []
  cache.on('degraded', ({ reason }) => degraded.push(reason))
  expect((await cache.invalidate({ keys: named(40_000) })).status).toBe('applied')
  const unit = cache.unitOfWork()
  unit.invalidate({ keys: named(40_000) })
  await unit.prepare()
  await unit.rollback()
  expect(degraded).toEqual([])
}, 60_000)
