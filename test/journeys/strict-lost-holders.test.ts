import { defineDependencies } from 'coherent-cache'
import { afterEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openClient, openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
const USERS = { table: 'users', operation: 'insert', rows: [{ id: 1 }] } as const
const T = 600

let server: RedisServer | undefined
let proxy: TcpProxy | undefined
afterEach(async () => {
  await proxy?.close()
  await server?.stop()
})

/** The store forgets who may answer from memory, and a writer must wait for them all the same. */
test.each([
  ['invalidates', async (cache: ReturnType<typeof open>['cache']) => void (await cache.invalidate(USERS))],
  [
    'commits',
    async (cache: ReturnType<typeof open>['cache']) => {
      const unit = cache.unitOfWork()
      unit.write('users', { operation: 'insert', rows: [{ after: { id: 1 } }] })
      await unit.prepare()
    },
  ],
])(
  'strict, FLUSHALL, then a writer %s: no process answers the old value afterwards',
  async (_, write) => {
    server = await startRedis()
    proxy = await startProxy(server.port)
    const admin = openClient(server.port)
    const name = uniqueName()
    const { cache } = open(name, proxy.port)
    const { cache: writer } = open(name, server.port)
    await Promise.all([cache.ready(), writer.ready()])
    const user = row('old')
    await until(
      async () => {
        await cache.get('user:1', user.load)
        return cache.peek('user:1') !== undefined
      },
      'memory',
      20_000,
    )
    // From now on it hears nothing. What it may still answer hangs on its last heartbeat alone.
    proxy.hold('toClient')
    await admin.call('FLUSHALL')
    await write(writer)
    user.value = 'new'
    expect(cache.peek('user:1')).not.toBe('old')
  },
  40_000,
)

function open(name: string, port: number) {
  const options = {
    consistency: 'strict',
    maxStaleness: `${T}ms`,
    softLockLifetime: '1500ms',
    storeTimeout: '5s',
  } as const
  return openRedisCache({ name, port, dependencies, ...options })
}
