import { type Cache, defineDependencies } from 'coherent-cache'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
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

describe.each(Object.entries(outages))('Redis %s', (name, outage) => {
  test('a cold read reaches its loader within 250 ms, and at once afterwards', {
    timeout: 60_000,
  }, async () => {
    const { cache, told } = open({ memory: false })
    await cache.ready()
    const first: number[] = []
    const later: number[] = []
    for (let round = 0; round < 3; round++) {
      await up(cache)
      await goAway(outage)
      const began = performance.now()
      await cache.get(`user:first-${round}`, async () => first.push(performance.now() - began))
      for (let at = 0; at < 20; at++) {
        const start = performance.now()
        await cache.get(`user:later-${round}-${at}`, async () => later.push(performance.now() - start))
      }
      await comeBack()
    }
    console.log(name, first, median(later))
    expect(median(first)).toBeLessThan(250)
    expect(median(later)).toBeLessThan(20)
    await up(cache)
    expect(told.filter((event) => event === 'recovered').length).toBe(
      told.filter((event) => event === 'degraded').length,
    )
  })

  test('what is invalidated meanwhile is queued, and nothing stale comes back', {
    timeout: 30_000,
  }, async () => {
    const shared = uniqueName()
    const writer = open({ name: shared })
    // Not behind the proxy: what it can reach, it reads.
    const { cache: other } = openRedisCache({ port: redis.port, dependencies, name: shared })
    await Promise.all([writer.cache.ready(), other.ready()])
    const user = row('old')
    for (const cache of [writer.cache, other, writer.cache]) await cache.get('user:1', user.load)
    expect(user.loads).toBe(1)

    await goAway(outage)
    user.value = 'new'
    const began = performance.now()
    const receipt = await writer.cache.invalidate({ table: 'users', operation: 'insert', rows: [{ id: 1 }] })
    expect(receipt.status).toBe('queued')
    expect(performance.now() - began).toBeLessThan(1_500)
    expect(writer.cache.health().queue.length).toBe(1)

    // This process reads on, all through the outage and the way back.
    const seen = new Set<unknown>()
    let reading = true
    const reader = (async () => {
      while (reading) {
        seen.add(await writer.cache.get('user:1', user.load))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await comeBack()
    await until(() => writer.told.includes('recovered'), 'the writer to recover', 15_000)
    expect(writer.replayed).toBe(1)
    expect(writer.cache.health().queue.length).toBe(0)
    await up(other)
    expect(await other.get('user:1', user.load, { freshness: 'committed' })).toBe('new')
    await new Promise((resolve) => setTimeout(resolve, 100))
    reading = false
    await reader
    expect([...seen]).toEqual(['new'])
    // Kept again: the outage left nothing behind that would refuse fills.
    const { loads } = user
    await writer.cache.get('user:1', user.load)
    await writer.cache.get('user:1', user.load)
    expect(user.loads).toBeLessThanOrEqual(loads + 1)
  })
})
