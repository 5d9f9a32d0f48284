import { type Cache, defineDependencies } from 'coherent-cache'
import { afterEach, describe, expect, test } from 'vitest'
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis.ts'
import { openClient, openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
const USERS = { table: 'users', operation: 'insert', rows: [{ id: 1 }] } as const

const servers: RedisServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

async function start(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  servers.push(server)
  return server
}

function open(server: RedisServer, options: Parameters<typeof openRedisCache>[0] = {}) {
  const opened = openRedisCache({ port: server.port, dependencies, ...options })
  const told: { readonly name: string; readonly reason?: string }[] = []
  opened.cache.on('degraded', ({ reason }) => told.push({ name: 'degraded', reason }))
  opened.cache.on('recovered', () => told.push({ name: 'recovered' }))
  return { ...opened, told }
}

const up = (cache: Cache) => until(() => cache.health().store.status === 'connected', 'the store to be up')
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Reads until memory answers. */
async function warm(cache: Cache, key: string, load: () => Promise<unknown>): Promise<void> {
  await until(async () => {
    await cache.get(key, load)
    return cache.peek(key) !== undefined
  }, `${key} to be in memory`)
}

describe('the subscription alone is lost', () => {
  test('memory is bypassed, the store is not, and nothing stale is answered', async () => {
    const server = await start()
    const admin = openClient(server.port)
    const name = uniqueName()
    const { cache, told } = open(server, { name, maxStaleness: '2s' })
    const { cache: other } = open(server, { name, maxStaleness: '2s', memory: false })
    await Promise.all([cache.ready(), other.ready()])
    for (let round = 0; round < 5; round++) {
      const user = row(`old ${round}`)
      await other.invalidate(USERS)
      await cache.get('user:1', user.load, { freshness: 'committed' })
      await warm(cache, 'user:1', user.load)
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until(() => cache.health().subscription === 'unsubscribed', 'the loss to be noticed')
      expect(cache.peek('user:1')).toBeUndefined()
      expect(await cache.getEntry('user:1', user.load)).toMatchObject({
        value: `old ${round}`,
        tier: 'store',
      })
      user.value = `new ${round}`
      await other.invalidate(USERS)
      expect(await cache.get('user:1', user.load, { freshness: 'committed' })).toBe(`new ${round}`)
      await warm(cache, 'user:1', user.load)
      expect(await cache.get('user:1', user.load)).toBe(`new ${round}`)
    }
    expect(told).toEqual([])
  })

  test('a process that may not subscribe uses the store without memory', async () => {
    const server = await start()
    const admin = openClient(server.port)
    await admin.call('ACL', 'SETUSER', 'mute', 'on', '>word', '~*', 'resetchannels', '+@all')
    const { cache } = open(server, { client: { username: 'mute', password: 'word' } })
    const user = row('a')
    await up(cache)
    expect(await cache.getEntry('user:1', user.load)).toMatchObject({ value: 'a', tier: 'loader' })
    for (let at = 0; at < 5; at++)
      expect(await cache.getEntry('user:1', user.load)).toMatchObject({ value: 'a', tier: 'store' })
    expect(cache.health()).toMatchObject({ subscription: 'unsubscribed', memoryLease: 'lost' })
    await until(() => cache.health().warnings.length > 0, 'the warning')
    expect(cache.health().warnings[0]).toMatch(/refuses the subscription.*NOPERM/)
  })
})

describe('what a server does not allow', () => {
  test('INFO and SCAN: health says what is not covered, and how to cover it', async () => {
    const server = await start()
    const admin = openClient(server.port)
    await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>word', '~*', '&*', '+@all', '-info', '-scan')
    // Without INFO the client cannot tell whether the server is still loading its data.
    const { cache } = open(server, {
      client: { username: 'narrow', password: 'word', enableReadyCheck: false },
    })
    const warned: string[] = []
    cache.on('warning', ({ message }) => warned.push(message))
    await cache.ready()
    await until(() => cache.health().warnings.length === 2, 'two warnings')
    expect(cache.health().warnings).toEqual([
      expect.stringMatching(/refuses INFO.*\+info/),
      expect.stringMatching(/refuses SCAN.*\+scan/),
    ])
    expect(warned).toEqual(cache.health().warnings)
  })

  test('a policy that evicts: a warning in mode bounded, a refusal where it might take a lock', async () => {
    const server = await start({ config: { 'maxmemory-policy': 'allkeys-lru' } })
    const { cache } = open(server)
    await cache.ready()
    await until(() => cache.health().warnings.length > 0, 'the warning')
    expect(cache.health().warnings).toEqual([expect.stringMatching(/allkeys-lru.*volatile-/)])
    const { cache: locking } = open(server, { name: uniqueName(), consistency: 'committed' })
    await expect(locking.ready()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const admin = openClient(server.port)
    await admin.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    const { cache: other } = open(server)
    await other.ready()
    await other.get('user:1', async () => 1)
    expect(other.health().warnings).toEqual([])
  })
})

test('SCRIPT FLUSH: nobody notices', async () => {
  const server = await start()
  const admin = openClient(server.port)
  for (const ioredis of ['ioredis 6', 'ioredis 5'] as const) {
    const { cache, told } = open(server, { ioredis, memory: false })
    await cache.ready()
    for (let round = 0; round < 5; round++) {
      const user = row(round)
      await cache.invalidate(USERS)
      await admin.call('SCRIPT', 'FLUSH')
      const values = await Promise.all(Array.from({ length: 20 }, () => cache.get('user:1', user.load)))
      expect(new Set(values)).toEqual(new Set([round]))
      await admin.call('SCRIPT', 'FLUSH')
      expect((await cache.invalidate(USERS)).status).toBe('applied')
      await admin.call('SCRIPT', 'FLUSH')
      await cache.get('user:1', user.load)
      await cache.get('user:1', user.load)
      expect(user.loads).toBe(2)
    }
    expect(told).toEqual([])
  }
})

describe('the server becomes a replica', () => {
  test('nothing is answered from it, and the way back is a new epoch', async () => {
    const server = await start()
    const admin = openClient(server.port)
    const { cache, told } = open(server, { memory: false })
    await cache.ready()
    const user = row('old')
    await cache.get('user:1', user.load)
    expect(await cache.getEntry('user:1', user.load)).toMatchObject({ value: 'old', tier: 'store' })
    // Of a primary that cannot be reached: what it holds may be of any age.
    await admin.call('REPLICAOF', '127.0.0.1', 1)
    user.value = 'new'
    expect(await cache.get('user:1', user.load, { freshness: 'committed' })).toBe('new')
    expect((await cache.invalidate(USERS)).status).toBe('queued')
    expect(await cache.get('user:1', user.load)).toBe('new')
    expect(told).toHaveLength(1)
    expect(told[0]?.reason).toMatch(/READONLY/)
    await admin.call('REPLICAOF', 'NO', 'ONE')
    await up(cache)
    expect(await cache.get('user:1', user.load)).toBe('new')
    expect(told.map((event) => event.name)).toEqual(['degraded', 'recovered'])
  })
})

/** What the store answers once it is used again. */
async function storeAnswers(cache: Cache, load: () => Promise<unknown>): Promise<unknown> {
  let answer: unknown
  await until(async () => {
    const { value, tier } = await cache.getEntry('user:1', load)
    answer = value
    return tier === 'store'
  }, 'the store to answer')
  return answer
}

describe('onStoreRestart', () => {
  const kept = { appendonly: 'yes', appendfsync: 'always' }

  test('trust: what a restart with data kept brings back is believed, and health says so', async () => {
    const server = await start({ config: kept })
    const name = uniqueName()
    const { cache } = open(server, { name, onStoreRestart: 'trust', memory: false })
    await cache.ready()
    const user = row('a')
    await cache.get('user:1', user.load)
    expect((await cache.invalidate({ keys: ['user:2'] })).status).toBe('applied')
    user.value = 'b'
    await server.restart()
    expect(await storeAnswers(cache, user.load)).toBe('a')
    expect(cache.health().warnings).toEqual([expect.stringMatching(/onStoreRestart/)])
  })

  test('distrust: nothing is', async () => {
    const server = await start({ config: kept })
    const { cache } = open(server, { memory: false })
    await cache.ready()
    const user = row('a')
    await cache.get('user:1', user.load)
    user.value = 'b'
    await server.restart()
    expect(await storeAnswers(cache, user.load)).toBe('b')
  })

  test('trust, restarted without data: a new epoch', async () => {
    const server = await start({ config: { appendonly: 'no', save: '' } })
    const { cache } = open(server, { onStoreRestart: 'trust', memory: false })
    await cache.ready()
    const user = row('a')
    await cache.get('user:1', user.load)
    user.value = 'b'
    await server.restart({ empty: true })
    expect(await storeAnswers(cache, user.load)).toBe('b')
  })
})

describe('a restart from a snapshot', () => {
  test('that is older than an acknowledged invalidation brings back nothing', async () => {
    const server = await start({ config: { save: '3600 1000000', appendonly: 'no' } })
    const admin = openClient(server.port)
    const name = uniqueName()
    const { cache } = open(server, { name, maxStaleness: '2s' })
    const { cache: other } = open(server, { name, maxStaleness: '2s', memory: false })
    await Promise.all([cache.ready(), other.ready()])
    const user = row('old')
    await warm(cache, 'user:1', user.load)
    await admin.call('SAVE')
    user.value = 'new'
    expect((await other.invalidate(USERS)).status).toBe('applied')
    await server.kill('SIGKILL')
    await server.restart()
    // The value and its stamps are back, and agree with each other.
    const again = openClient(server.port)
    const base = `cc:{${name}.0}:`
    expect(await again.call('EXISTS', `${base}v:${name}:user:1`, `${base}s:user:{id}|1`)).toBe(2)
    for (const reader of [cache, other]) {
      await until(async () => {
        const { value, tier } = await reader.getEntry('user:1', user.load)
        expect(value).toBe('new')
        return tier !== 'loader'
      }, 'the store to be used again')
    }
  })
})

describe('credentials', () => {
  test('that are wrong: reads go to their loaders at once, and the reason is told', async () => {
    const server = await start({ config: { requirepass: 'right' } })
    const { cache, told } = open(server, { client: { password: 'wrong' } })
    const user = row('a')
    const began = performance.now()
    expect(await cache.get('user:1', user.load)).toBe('a')
    expect((await cache.invalidate(USERS)).status).toBe('queued')
    expect(performance.now() - began).toBeLessThan(500)
    await expect(cache.ready({ timeout: '300ms' })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/within 300 ms\. Redis cannot be reached: .*(WRONGPASS|NOAUTH)/),
      cause: { code: 'STORE_UNAVAILABLE', cause: { message: expect.stringMatching(/WRONGPASS|NOAUTH/) } },
    })
    await until(() => told.length > 0, 'the outage to be told')
    expect(told).toHaveLength(1)
    const admin = openClient(server.port, { password: 'right' })
    await admin.call('CONFIG', 'SET', 'requirepass', 'wrong')
    await until(() => cache.health().store.status === 'connected', 'the store to be up')
    await cache.ready()
    expect(cache.health().queue.length).toBe(0)
    await cache.get('user:1', user.load)
    expect((await cache.getEntry('user:1', user.load)).status).toBe('hit')
  })

  test('the reason names what the server said', async () => {
    const server = await start({ config: { requirepass: 'right' } })
    const { told } = open(server, { client: { password: 'wrong' } })
    await until(() => told.length > 0, 'the outage to be told')
    expect(told[0]?.reason).toMatch(/WRONGPASS|NOAUTH/)
  })
})

describe('a cache that is created while Redis is down', () => {
  test('answers from its loaders at once, says so, and comes up later', async () => {
    const server = await start()
    await server.kill('SIGKILL')
    const { cache, told } = open(server)
    const user = row('old')
    const began = performance.now()
    expect(await cache.get('user:1', user.load)).toBe('old')
    expect(performance.now() - began).toBeLessThan(100)
    expect((await cache.invalidate(USERS)).status).toBe('queued')
    await until(() => told.length > 0, 'the outage to be told')
    expect(told[0]?.reason).toMatch(/ECONNREFUSED/)
    expect(cache.health()).toMatchObject({
      status: 'degraded',
      store: {
        status: 'away',
        reason: expect.stringMatching(/^Redis cannot be reached: .*ECONNREFUSED/),
        code: 'STORE_UNAVAILABLE',
      },
    })
    await expect(cache.ready({ timeout: '50ms' })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/within 50 ms\. Redis cannot be reached: .*ECONNREFUSED/),
      cause: { code: 'STORE_UNAVAILABLE' },
    })
    await server.restart()
    await cache.ready({ timeout: '10s' })
    expect(cache.health()).toMatchObject({ status: 'ok', queue: { length: 0 } })
    expect(Object.keys(cache.health().store)).toEqual(['kind', 'status', 'since'])
    await cache.get('user:1', user.load)
    expect((await cache.getEntry('user:1', user.load)).status).toBe('hit')
    expect(told.map((event) => event.name)).toEqual(['degraded', 'recovered'])
  })

  test('and closed before it has come up: ready() says so', async () => {
    const server = await start()
    await server.kill('SIGKILL')
    const { cache } = open(server)
    const ready = cache.ready()
    await cache.close()
    await expect(ready).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })

  test('invalidations made before and during its connecting are told before it is trusted', async () => {
    const server = await start()
    const name = uniqueName()
    const { cache: other } = open(server, { name, memory: false })
    await other.ready()
    for (let round = 0; round < 10; round++) {
      const user = row('old')
      await other.invalidate(USERS)
      await other.get('user:1', user.load)
      const { cache } = open(server, { name, memory: false })
      user.value = 'new'
      const receipts = []
      for (let at = 0; at < 10; at++) {
        receipts.push(cache.invalidate(USERS))
        expect(await cache.get('user:1', user.load)).toBe('new')
        await pause(at)
      }
      expect(new Set((await Promise.all(receipts)).map(({ status }) => status))).toContain('queued')
      await cache.ready()
      await until(() => cache.health().queue.length === 0, 'everything to be told')
      expect(await other.get('user:1', user.load)).toBe('new')
      await cache.close()
    }
  })
})

describe('at maxmemory', () => {
  const filled = async (policy: string) => {
    const server = await start({ config: { 'maxmemory-policy': policy } })
    const admin = openClient(server.port)
    return { server, admin }
  }
  const full = async (admin: ReturnType<typeof openClient>) => {
    for (let at = 0; at < 20; at++) await admin.call('SET', `junk:${at}`, Buffer.alloc(100_000))
    const info = String(await admin.call('INFO', 'memory'))
    const used = Number(/used_memory:(\d+)/.exec(info)?.[1])
    await admin.call('CONFIG', 'SET', 'maxmemory', used - 1_000_000)
    await expect(admin.call('SET', 'more', 'x')).rejects.toThrow(/OOM/)
  }

  test('noeviction: rotations and heartbeats pass, reads are answered at once, nothing grows', async () => {
    const { server, admin } = await filled('noeviction')
    const name = uniqueName()
    const { cache, told } = open(server, { name, maxStaleness: '300ms' })
    const { cache: other } = open(server, { name, maxStaleness: '300ms', memory: false })
    await Promise.all([cache.ready(), other.ready()])
    const user = row('old')
    await warm(cache, 'user:1', user.load)
    await other.get('user:2', async () => 'two')
    await full(admin)
    const before = await admin.call('DBSIZE')

    // What is stored is still answered, from memory and from the store.
    expect(await other.getEntry('user:2', async () => 'never')).toMatchObject({ value: 'two', tier: 'store' })
    // Nothing new can be kept, and nobody waits for a claim that cannot be had.
    const took: number[] = []
    for (let at = 0; at < 10; at++) {
      const began = performance.now()
      expect(await other.get(`user:cold-${at}`, async () => at)).toBe(at)
      took.push(performance.now() - began)
    }
    expect(Math.max(...took)).toBeLessThan(1_000)
    expect(await admin.call('DBSIZE')).toBe(before)

    user.value = 'new'
    expect((await other.invalidate(USERS)).status).toBe('applied')
    // Nothing to unlink, and yet it has to be numbered and told.
    expect((await other.invalidate({ pattern: 'nothing:*' })).status).toBe('applied')
    expect(await other.get('user:1', user.load)).toBe('new')
    await pause(700)
    expect(await cache.get('user:1', user.load)).toBe('new')
    // The lease is still proven by heartbeats.
    await until(async () => {
      await cache.get('user:1', user.load)
      return cache.health().memoryLease === 'held'
    }, 'a lease')
    expect(told).toEqual([])

    await admin.call('CONFIG', 'SET', 'maxmemory', 0)
    await other.get('user:1', user.load)
    expect(await other.getEntry('user:1', user.load)).toMatchObject({ value: 'new', tier: 'store' })
  })

  test('noeviction: a fill whose claim was taken before is refused too', async () => {
    const { server, admin } = await filled('noeviction')
    const { cache } = open(server, { memory: false })
    await cache.ready()
    let go = () => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    let loading = false
    const read = cache.get('user:1', async () => {
      loading = true
      await held
      return 'x'.repeat(50_000)
    })
    await until(() => loading, 'the load')
    await full(admin)
    const used = async () =>
      Number(/used_memory_dataset:(\d+)/.exec(String(await admin.call('INFO', 'memory')))?.[1])
    const before = await used()
    go()
    await read
    expect((await used()) - before).toBeLessThan(40_000)
  })

  test('allkeys-lru: evictions of stamps, values, claims and records are only ever misses', async () => {
    const { server, admin } = await filled('allkeys-lru')
    const name = uniqueName()
    const { cache } = open(server, { name, memory: false })
    const { cache: other } = open(server, { name, memory: false })
    await Promise.all([cache.ready(), other.ready()])
    const info = String(await admin.call('INFO', 'memory'))
    const used = Number(/used_memory:(\d+)/.exec(info)?.[1])
    await admin.call('CONFIG', 'SET', 'maxmemory', used + 2_000_000)
    const versions = Array.from({ length: 20 }, () => 0)
    let hits = 0
    for (let round = 0; round < 40; round++) {
      for (let id = 0; id < versions.length; id++) {
        const version = versions[id] ?? 0
        const { value, status } = await (round % 2 ? cache : other).getEntry(
          `user:${id}`,
          async () => version,
        )
        expect(value).toBe(version)
        if (status === 'hit') hits++
      }
      const written = (round * 7) % versions.length
      versions[written] = (versions[written] ?? 0) + 1
      const { status } = await cache.invalidate({
        table: 'users',
        operation: 'insert',
        rows: [{ id: written }],
      })
      expect(status).toBe('applied')
      await Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          admin.call('SET', `junk:${round}:${at}`, Buffer.alloc(10_000), 'EX', 100),
        ),
      )
    }
    expect(Number(/evicted_keys:(\d+)/.exec(String(await admin.call('INFO', 'stats')))?.[1])).toBeGreaterThan(
      100,
    )
    expect(hits).toBeGreaterThan(0)
    await cache.get('user:1', async () => versions[1])
  })
})

test('FLUSHALL: bounded readers are never older than T, committed ones never older', async () => {
  const server = await start()
  const admin = openClient(server.port)
  const name = uniqueName()
  const { cache, told } = open(server, { name, maxStaleness: '400ms' })
  const { cache: other } = open(server, { name, maxStaleness: '400ms', memory: false })
  await Promise.all([cache.ready(), other.ready()])
  for (let round = 0; round < 5; round++) {
    const user = row(`old ${round}`)
    await other.invalidate(USERS)
    await cache.get('user:1', user.load, { freshness: 'committed' })
    await warm(cache, 'user:1', user.load)
    await admin.call('FLUSHALL')
    user.value = `new ${round}`
    // Its messages are of another epoch than the reader knows.
    if (round % 2 === 0) expect((await other.invalidate(USERS)).status).toBe('applied')
    expect(await other.get('user:1', user.load, { freshness: 'committed' })).toBe(`new ${round}`)
    const flushedAt = performance.now()
    await until(
      async () => (await cache.get('user:1', user.load)) === `new ${round}`,
      'the reader to notice',
      2_000,
    )
    expect(performance.now() - flushedAt).toBeLessThan(1_500)
    expect(await other.get('user:1', user.load)).toBe(`new ${round}`)
  }
  expect(told).toEqual([])
})
