import { type Cache, defineDependencies } from 'coherent-cache'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import { type ClientName, clients } from '../support/redis-clients.ts'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })

let redis: RedisServer
let proxy: TcpProxy
beforeAll(async () => {
  redis = await startRedis({ keepData: true })
  proxy = await startProxy(redis.port)
})
afterAll(async () => {
  await proxy.close()
  await redis.stop()
})

/** The ways in which Redis goes away, and comes back. */
const outages = {
  frozen: {
    go: () => redis.kill('SIGSTOP'),
    back: () => redis.kill('SIGCONT'),
  },
  'killed, and restarted with its data': {
    go: () => redis.kill('SIGKILL'),
    back: () => redis.restart(),
  },
  'killed, and restarted empty': {
    go: () => redis.kill('SIGKILL'),
    back: () => redis.restart({ empty: true }),
  },
  'cut off, connections broken': {
    go: async () => proxy.cut(),
    back: async () => proxy.mend(),
  },
  'cut off in silence, both ways': {
    go: async () => proxy.hold(),
    back: async () => proxy.release(),
  },
  'cut off in silence, its answers only': {
    go: async () => proxy.hold('toClient'),
    back: async () => proxy.release(),
  },
  'cut off in silence, then broken': {
    go: async () => proxy.hold(),
    back: async () => {
      proxy.drop()
      proxy.mend()
    },
  },
} as const

let away: (() => Promise<void>) | undefined
afterEach(async () => {
  await away?.()
  away = undefined
})

async function goAway(outage: (typeof outages)[keyof typeof outages]): Promise<void> {
  await outage.go()
  away = outage.back
}

async function comeBack(): Promise<void> {
  await away?.()
  away = undefined
}

/** A cache behind the proxy, with what it told of the store. */
function open(options: Parameters<typeof openRedisCache>[0] = {}) {
  const opened = openRedisCache({ port: proxy.port, dependencies, ...options })
  const told: string[] = []
  let replayed = 0
  opened.cache.on('degraded', () => told.push('degraded'))
  opened.cache.on('recovered', (event) => {
    told.push('recovered')
    replayed += event.replayed
  })
  return {
    ...opened,
    told,
    get replayed() {
      return replayed
    },
  }
}

const up = (cache: Cache) => until(() => cache.health().store.status === 'connected', 'the store to be up')

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** The same with both versions of the client, at the same time. */
const both = Object.keys(clients) as ClientName[]

describe.each(Object.entries(outages))('Redis %s', (_, outage) => {
  test('a cold read reaches its loader within 250 ms, and at once afterwards', {
    timeout: 60_000,
  }, async () => {
    const opened = both.map((ioredis) => ({ ...open({ memory: false, ioredis }), first: [0], later: [0] }))
    await Promise.all(opened.map(({ cache }) => cache.ready()))
    for (let round = 0; round < 3; round++) {
      await Promise.all(opened.map(({ cache }) => up(cache)))
      await goAway(outage)
      await Promise.all(
        opened.map(async ({ cache, first }) => {
          const began = performance.now()
          await cache.get(`user:first-${round}`, async () => first.push(performance.now() - began))
        }),
      )
      for (const { cache, later } of opened) {
        for (let at = 0; at < 20; at++) {
          const began = performance.now()
          await cache.get(`user:later-${round}-${at}`, async () => later.push(performance.now() - began))
        }
      }
      await comeBack()
    }
    for (const { cache, told, first, later } of opened) {
      expect(median(first.slice(1))).toBeLessThan(250)
      expect(median(later.slice(1))).toBeLessThan(20)
      await up(cache)
      expect(told.filter((event) => event === 'recovered').length).toBe(
        told.filter((event) => event === 'degraded').length,
      )
    }
  })

  test('what is invalidated meanwhile is queued, and nothing stale comes back', {
    timeout: 30_000,
  }, async () => {
    const fleets = await Promise.all(
      both.map(async (ioredis) => {
        const name = uniqueName()
        const writer = open({ name, ioredis })
        // Not behind the proxy: what it can reach, it reads.
        const { cache: other } = openRedisCache({ port: redis.port, dependencies, name })
        await Promise.all([writer.cache.ready(), other.ready()])
        const user = row('old')
        for (const cache of [writer.cache, other, writer.cache]) await cache.get('user:1', user.load)
        expect(user.loads).toBe(1)
        return { writer, other, user, seen: new Set<unknown>() }
      }),
    )

    await goAway(outage)
    let reading = true
    const readers = fleets.map(async ({ writer, user, seen }) => {
      user.value = 'new'
      const began = performance.now()
      const receipt = await writer.cache.invalidate({
        table: 'users',
        operation: 'insert',
        rows: [{ id: 1 }],
      })
      expect(receipt.status).toBe('queued')
      expect(performance.now() - began).toBeLessThan(1_500)
      expect(writer.cache.health().queue.length).toBe(1)
      // It reads on, all through the outage and the way back.
      while (reading) {
        seen.add(await writer.cache.get('user:1', user.load))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await comeBack()
    for (const { writer, other, user } of fleets) {
      await until(() => writer.told.includes('recovered'), 'the writer to recover', 15_000)
      expect(writer.replayed).toBe(1)
      expect(writer.cache.health().queue.length).toBe(0)
      await up(other)
      expect(await other.get('user:1', user.load, { freshness: 'committed' })).toBe('new')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    reading = false
    await Promise.all(readers)
    for (const { writer, user, seen } of fleets) {
      expect([...seen]).toEqual(['new'])
      // Kept again: the outage left nothing behind that would refuse fills.
      const { loads } = user
      await writer.cache.get('user:1', user.load)
      await writer.cache.get('user:1', user.load)
      expect(user.loads).toBeLessThanOrEqual(loads + 1)
    }
  })
})

describe('memory', () => {
  test.each([
    ['frozen', outages.frozen],
    ['cut off in silence', outages['cut off in silence, both ways']],
    ['killed', outages['killed, and restarted with its data']],
  ])('answers without waiting while Redis is %s, and after its lease the loader does', async (_, outage) => {
    const { cache, told } = open({ maxStaleness: '600ms' })
    await cache.ready()
    const user = row('a')
    await until(async () => {
      await cache.get('user:1', user.load)
      return cache.peek('user:1') !== undefined
    }, 'memory')
    await goAway(outage)
    const first = await cache.getEntry('user:1', user.load)
    const took: number[] = []
    const began = performance.now()
    while (performance.now() - began < 1_200) {
      const start = performance.now()
      await cache.get('user:1', user.load)
      took.push(performance.now() - start)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    // A killed server says so at once; of the others nobody knows yet.
    if (outage !== outages['killed, and restarted with its data']) expect(first.tier).toBe('memory')
    expect(median(took)).toBeLessThan(20)
    // No read is the one that finds out: heartbeats do.
    expect(Math.max(...took)).toBeLessThan(200)
    expect(told[0]).toBe('degraded')
    expect(cache.peek('user:1')).toBeUndefined()
    await comeBack()
    await up(cache)
  })
})

describe('the connection breaks between a request and its answer', () => {
  test('of a rotation: it counts as not done, and is done again', async () => {
    const shared = uniqueName()
    const writer = open({ name: shared, memory: false })
    const { cache: other } = openRedisCache({ port: redis.port, dependencies, name: shared, memory: false })
    await Promise.all([writer.cache.ready(), other.ready()])
    const user = row('old')
    await other.get('user:1', user.load)
    user.value = 'new'
    const cut = proxy.cutAfterRequest(':s:user:{id}|1')
    const receipt = await writer.cache.invalidate({ table: 'users', operation: 'insert', rows: [{ id: 1 }] })
    await cut
    expect(receipt.status).toBe('queued')
    expect(await other.get('user:1', user.load, { freshness: 'committed' })).toBe('new')
    await up(writer.cache)
    expect([writer.told, writer.replayed]).toEqual([['degraded', 'recovered'], 1])
    expect(await writer.cache.get('user:1', user.load)).toBe('new')
  })

  test('of a fill: the reader has its value, whether it was kept or not', async () => {
    const { cache, told } = open({ memory: false })
    await cache.ready()
    const cut = proxy.cutAfterRequest('a value like no other')
    expect(await cache.get('user:1', async () => 'a value like no other')).toBe('a value like no other')
    await cut
    await until(() => told.includes('recovered'), 'the way back')
    const again = await cache.getEntry('user:1', async () => 'loaded again')
    expect(again).toMatchObject({ value: 'a value like no other', tier: 'store' })
  })

  test('of a claim: its load goes on, fills nothing, and nobody waits longer than the claim stands', async () => {
    const { cache, told } = open({ memory: false })
    await cache.ready()
    const cut = proxy.cutAfterRequest(':c:')
    expect(await cache.get('user:1', async () => 'loaded')).toBe('loaded')
    await cut
    await until(() => told.includes('recovered'), 'the way back')
    const began = performance.now()
    expect(await cache.get('user:1', async () => 'loaded again')).toBe('loaded again')
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

test('a slow network is no outage', async () => {
  const { cache, told } = open()
  await cache.ready()
  proxy.delay(40)
  away = async () => proxy.delay(0)
  const user = row(0)
  for (let round = 1; round <= 3; round++) {
    user.value = round
    expect((await cache.invalidate({ table: 'users' })).status).toBe('applied')
    for (let at = 0; at < 3; at++) expect(await cache.get('user:1', user.load)).toBe(round)
  }
  expect(user.loads).toBeLessThanOrEqual(4)
  expect(told).toEqual([])
})

test('databases of one server do not hear each other', async () => {
  const shared = uniqueName()
  const { cache: zero } = openRedisCache({ port: redis.port, dependencies, name: shared })
  const { cache: one } = openRedisCache({ port: redis.port, dependencies, name: shared, client: { db: 1 } })
  await Promise.all([zero.ready(), one.ready()])
  const user = row('a')
  await until(async () => {
    await zero.get('user:1', user.load)
    return zero.peek('user:1') !== undefined
  }, 'memory')
  const heard: string[] = []
  zero.on('flushed', ({ reason }) => heard.push(reason))
  zero.on('remoteInvalidated', () => heard.push('message'))
  for (let at = 0; at < 10; at++) await one.invalidate({ table: 'users' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(heard).toEqual([])
  expect(user.loads).toBe(1)
})
