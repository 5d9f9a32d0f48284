import { afterEach, describe, expect, test } from 'vitest'
import { Fleet } from '../support/member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openClient, uniqueName } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

const fleet = new Fleet()
const servers: RedisServer[] = []
afterEach(async () => {
  await fleet.end()
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

async function start(): Promise<RedisServer> {
  const server = await startRedis()
  servers.push(server)
  return server
}

test('no trouble of Redis ends a process, and after all of it the process ends by itself', {
  timeout: 60_000,
}, async () => {
  const redis = await start()
  const name = uniqueName()
  const [member] = await fleet.start({ port: redis.port, name, options: { maxStaleness: '300ms' } })
  await member.ready()
  const up = () =>
    until(async () => (await member.health()).store.status === 'connected', 'the store', 15_000)
  const use = async () => {
    for (let at = 0; at < 10; at++) await member.get(`item:${at % 3}`, at)
    await member.invalidate({ table: 'items' })
  }
  const troubles = {
    killed: [() => redis.kill('SIGKILL'), () => redis.restart()],
    frozen: [() => redis.kill('SIGSTOP'), () => redis.kill('SIGCONT')],
    'connections killed': [
      () =>
        openClient(redis.port)
          .call('CLIENT', 'KILL', 'TYPE', 'normal')
          .catch(() => {}),
      () => openClient(redis.port).call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    ],
    'a replica': [
      () => openClient(redis.port).call('REPLICAOF', '127.0.0.1', 1),
      () => openClient(redis.port).call('REPLICAOF', 'NO', 'ONE'),
    ],
    'no permissions': [
      () => openClient(redis.port).call('ACL', 'SETUSER', 'default', '-@all', '+acl', '+info'),
      () => openClient(redis.port).call('ACL', 'SETUSER', 'default', '+@all'),
    ],
    'another’s type': [
      () =>
        openClient(redis.port).call(
          'EVAL',
          `redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 1)`,
          1,
          `cc:{${name}.0}:state`,
        ),
      async () => {},
    ],
    garbage: [
      () => openClient(redis.port).call('PUBLISH', `cc:{${name}.0}`, 'garbage'),
      () => openClient(redis.port).call('FLUSHALL'),
    ],
  } as const
  for (const [go, back] of Object.values(troubles)) {
    await use()
    await go()
    await use()
    await back()
    await use()
    await up()
  }
  const told = (await member.events()).map((event) => event.name)
  expect(told.filter((event) => event === 'degraded').length).toBeGreaterThanOrEqual(3)
  expect(told.filter((event) => event === 'recovered').length).toBeGreaterThanOrEqual(3)
  expect(await member.close()).toMatchObject({ queued: 0 })
  expect(await member.ended).toEqual({ code: 0, stderr: '' })
})

describe('a process that closes its cache while Redis is away ends by itself', () => {
  test('frozen, killed, and never there', { timeout: 60_000 }, async () => {
    const [frozen, killed, never] = await Promise.all([start(), start(), start()])
    await never.kill('SIGKILL')
    // The client is its owner's: with the default it keeps its process for two seconds itself.
    const client = { disconnectTimeout: 100 }
    const [one, two, three] = await fleet.start(
      { port: frozen.port, name: uniqueName(), client },
      { port: killed.port, name: uniqueName(), client },
      { port: never.port, name: uniqueName(), client },
    )
    await Promise.all([one.ready(), two.ready()])
    await frozen.kill('SIGSTOP')
    await killed.kill('SIGKILL')
    for (const member of [one, two, three]) {
      expect((await member.get('item:1', 'from its loader')).value).toBe('from its loader')
      expect((await member.invalidate({ keys: ['item:1'] })).status).toBe('queued')
      const closedAt = performance.now()
      expect(await member.close(300)).toEqual({ loads: 0, units: 0, queued: 1 })
      expect(await member.ended).toEqual({ code: 0, stderr: '' })
      expect(performance.now() - closedAt).toBeLessThan(3_000)
    }
  })
})
