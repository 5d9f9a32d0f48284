import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openRedisCache, row } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

const sockets: Socket[] = []
let server: RedisServer | undefined
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await server?.stop()
})

/** As a frozen primary does before it is replaced: its kernel takes every connection, and nobody ever says a word. */
test('a server takes connections and never answers: they are given up, and made anew to the one in its place', {
  timeout: 30_000,
}, async () => {
  const silent = createServer((socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const { cache } = openRedisCache({ port })
  // The two of the cache, and that of the client which it was given.
  await until(() => sockets.length >= 3, 'every connection')
  // It listens no longer; the connections that it has stay as they are.
  silent.close()
  server = await startRedis({ port })

  await cache.ready({ timeout: '10s' })
  const user = row('a')
  await until(
    async () => (await cache.getEntry('user:1', user.load)).tier !== 'loader',
    'the cache to keep what it loads',
  )
})
