import { defineDependencies, defineKeys } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { openRedisCache, type RedisCacheOptions, row, uniqueName } from '../support/redis-caches.ts'
import { type ClientName, clients } from '../support/redis-clients.ts'
import { type ClusterServer, type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { startVersionedFleet } from '../support/versioned-fleet.ts'

const keys = defineKeys({ report: 'report:{orgId}:{day}', user: 'user:{id}' })
const dependencies = defineDependencies({
  tables: { revenues: ['report:{orgId}:*'], users: ['user:{id}'] },
})
const ROOMS = 40

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
}, 60_000)
afterAll(() => cluster?.stop())

function open(options: RedisCacheOptions<string, string> = {}) {
  const opened = openRedisCache({
    cluster: cluster.ports,
    keys,
    dependencies,
    maxStaleness: '1s',
    storeTimeout: '400ms',
    ...options,
  } as RedisCacheOptions<string, string>)
  const told: string[] = []
  opened.cache.on('degraded', ({ reason }) => told.push(reason))
  return { ...opened, told }
}

/** A key, the slot of its partition, its owner and another primary. */
async function placed(name: string, partition: number) {
  const tag = `cc:{${name}.${partition}}`
  const slot = await cluster.slotOf(tag)
  const owner = await cluster.primaryOf(slot)
  const others = (await cluster.primaries()).filter((node) => node !== owner)
  return { tag, slot, owner, other: others[0] as ClusterServer }
}

/** Reads until memory answers: a lease, and nothing touched since. */
async function warm(cache: ReturnType<typeof open>['cache'], key: string, load: () => Promise<unknown>) {
  await until(async () => (await cache.getEntry(key, load)).tier === 'memory', `${key} in memory`, 5_000)
}

describe.each(Object.keys(clients) as ClientName[])('two caches on a cluster, %s', (ioredis) => {
  test('hear each other, in every partition', async () => {
    const { cache, name, told } = open({ ioredis, maxStaleness: '5s' })
    const { cache: other } = open({ ioredis, name, maxStaleness: '5s' })
    await Promise.all([cache.ready(), other.ready()])
    const all = Array.from({ length: ROOMS }, (_, id) => keys.user({ id }))
    const source = row('old')
    for (const key of all) await warm(cache, key, source.load)
    source.value = 'new'
    for (let id = 0; id < ROOMS; id++) {
      const { status } = await other.invalidate({ table: 'users', operation: 'insert', rows: [{ id }] })
      expect(status).toBe('applied')
    }
    // Long before the lease has run out.
    await until(() => all.every((key) => cache.peek(key) !== 'old'), 'every message', 2_000)
    expect(told).toEqual([])
  })

  test('getMany over all partitions: one load, then the store, then memory', async () => {
    const { cache, name } = open({ ioredis })
    const { cache: other } = open({ ioredis, name, memory: false })
    await Promise.all([cache.ready(), other.ready()])
    const all = Array.from({ length: ROOMS }, (_, day) => keys.report({ orgId: 7, day }))
    let loads = 0
    const loadAll = async (missing: readonly string[]) => {
      loads++
      return new Map(missing.map((key) => [key, key]))
    }
    const read = async (one: typeof cache) => [...(await one.getMany(all, loadAll)).values()]
    expect(await read(cache)).toEqual(all)
    expect(await read(other)).toEqual(all)
    expect(await read(cache)).toEqual(all)
    expect(loads).toBe(1)
  })

  test('a group is void at once, an ad-hoc pattern too, and neither touches others', async () => {
    const { cache, name } = open({ ioredis })
    const { cache: other } = open({ ioredis, name })
    await Promise.all([cache.ready(), other.ready()])
    const days = (orgId: number) => Array.from({ length: ROOMS }, (_, day) => keys.report({ orgId, day }))
    const source = row(1)
    const fresh = { freshness: 'committed' } as const
    const read = (of: readonly string[], from = cache) =>
      Promise.all(of.map((key) => from.get(key, source.load, fresh)))
    await read([...days(7), ...days(8)])
    source.value = 2
    const group = { table: 'revenues', operation: 'insert', rows: [{ org_id: 7 }] } as const
    expect((await other.invalidate(group)).status).toBe('applied')
    expect(new Set(await read(days(7)))).toEqual(new Set([2]))
    expect(new Set(await read(days(8)))).toEqual(new Set([1]))
    source.value = 3
    expect((await other.invalidate({ pattern: 'report:*:1*' })).status).toBe('applied')
    for (const orgId of [7, 8]) {
      for (const [day, value] of (await read(days(orgId))).entries())
        expect(value).toBe(String(day).startsWith('1') ? 3 : orgId === 7 ? 2 : 1)
    }
  })
})

describe('a slot that is being moved', () => {
  test.each(['bounded', 'committed', 'strict'] as const)(
    '%s: at every step of it changes are applied, and nothing old is read afterwards',
    async (consistency) => {
      const options = {
        consistency,
        ...(consistency === 'bounded' ? {} : { softLockLifetime: '700ms' as const }),
        partitions: 1,
        maxStaleness: '200ms',
      } as const
      const { cache, name, told } = open(options)
      const { cache: other, told: toldOther } = open({ ...options, name })
      await Promise.all([cache.ready(), other.ready()])
      const source = row(1)
      const key = keys.user({ id: 1 })
      await warm(cache, key, source.load)
      await warm(other, keys.user({ id: 2 }), source.load)

      let version = 1
      const change = async () => {
        const unit = other.unitOfWork()
        unit.write('users', { operation: 'insert', rows: [{ id: 1 }] })
        await unit.prepare()
        source.value = ++version
        if (consistency === 'strict') expect(await cache.get(key, source.load)).toBe(version)
        if (consistency !== 'bounded')
          expect(await cache.get(key, source.load, { freshness: 'committed' })).toBe(version)
        expect((await unit.commit()).status).toBe('applied')
        expect(await other.get(key, source.load)).toBe(version)
        expect(await cache.get(key, source.load, { freshness: 'committed' })).toBe(version)
        source.value = ++version
        expect((await other.invalidate({ keys: [key] })).status).toBe('applied')
        expect(await cache.get(key, source.load, { freshness: 'committed' })).toBe(version)
      }
      const { tag, slot, other: to } = await placed(name, 0)
      const move = await cluster.beginMove(slot, to)
      await change()
      await move.key(`${tag}:state`)
      await change()
      await move.keys(2)
      await change()
      await move.keys()
      await change()
      await move.end()
      await change()
      // And it is a cache again.
      await warm(cache, key, source.load)
      expect(told).toEqual([])
      expect(toldOther).toEqual([])
    },
  )

  // Undone, a move leaves the epoch: only what was really made void is.
  test('an invalidation meanwhile holds when the move is undone', async () => {
    const { cache, name, told } = open({ partitions: 1 })
    await cache.ready()
    const source = row(1)
    const [one, two] = [keys.user({ id: 1 }), keys.user({ id: 2 })]
    const committed = { freshness: 'committed' } as const
    for (const key of [one, two]) await cache.get(key, source.load)
    const { slot, other: to } = await placed(name, 0)
    const move = await cluster.beginMove(slot, to)
    source.value = 2
    const inserted = { table: 'users', operation: 'insert', rows: [{ id: 1 }] } as const
    expect((await cache.invalidate(inserted)).status).toBe('applied')
    expect((await cache.invalidate({ keys: [two] })).status).toBe('applied')
    await move.undo()
    for (const key of [one, two]) expect(await cache.get(key, source.load, committed)).toBe(2)
    expect(told).toEqual([])
  })

  test('a lock that was taken meanwhile holds when the move is undone', async () => {
    const options = { partitions: 1, consistency: 'committed', maxStaleness: '200ms' } as const
    const { cache, name, told } = open({ ...options, softLockLifetime: '2s' })
    const { cache: other } = open({ ...options, softLockLifetime: '2s', name })
    await Promise.all([cache.ready(), other.ready()])
    const source = row(1)
    const key = keys.user({ id: 1 })
    const read = () => cache.getEntry(key, source.load, { freshness: 'committed' })
    await until(async () => (await read()).tier === 'store', 'the end of the quarantine', 5_000)
    const { slot, other: to } = await placed(name, 0)
    const move = await cluster.beginMove(slot, to)
    const unit = other.unitOfWork()
    unit.write('users', { operation: 'insert', rows: [{ id: 1 }] })
    await unit.prepare()
    await move.undo()
    for (const version of [1, 2]) {
      source.value = version
      for (const _ of [1, 2]) expect(await read()).toMatchObject({ value: version, tier: 'loader' })
    }
    expect((await unit.commit()).status).toBe('applied')
    await until(async () => (await read()).tier === 'store', 'a value that is kept again')
    expect((await read()).value).toBe(2)
    expect(told).toEqual([])
  })

  test('a pattern that is swept meanwhile voids everything, rather than miss what is between two servers', async () => {
    const { cache, name, told } = open({ partitions: 1 })
    await cache.ready()
    const source = row(1)
    const all = Array.from({ length: ROOMS }, (_, id) => keys.user({ id }))
    for (const key of all) await cache.get(key, source.load)
    const { slot, tag, other: to } = await placed(name, 0)
    const move = await cluster.beginMove(slot, to)
    for (const key of all) await move.key(`${tag}:v:${name}:${key}`)
    source.value = 2
    expect((await cache.invalidate({ pattern: 'user:*' })).status).toBe('applied')
    await move.undo()
    for (const key of all) expect(await cache.get(key, source.load)).toBe(2)
    expect(told).toEqual([])
  })

  test('under load, in every mode: no read is older than promised, and no process takes it for an outage', async () => {
    const options = { cluster: cluster.ports, partitions: 4 }
    const modes = ['bounded', 'bounded', 'committed', 'strict'] as const
    // Where restarts are trusted the epoch moves with the slot, and all that was cached has to be right.
    const fleets = await Promise.all(
      modes.map((mode, at) =>
        startVersionedFleet(mode, at === 0 ? options : { ...options, onStoreRestart: 'trust' }),
      ),
    )
    const degraded: string[] = []
    for (const { caches } of fleets)
      for (const cache of caches) cache.on('degraded', ({ reason }) => degraded.push(reason))
    for (const partition of [0, 1]) {
      // One after the other: two servers that send each other a key at once wait for each other.
      for (const { name } of fleets) {
        const { slot, other } = await placed(name, partition)
        await cluster.move(slot, other)
      }
    }
    for (const [at, fleet] of fleets.entries()) {
      // After a move, and where locks are in use after their quarantine, values are kept again.
      const hits = () => (fleet.tiers.get('store') ?? 0) + (fleet.tiers.get('memory') ?? 0)
      const before = hits()
      await until(
        () => hits() > before + 50 && (fleet.statuses.get('applied') ?? 0) > 20,
        `hits and changes, ${modes[at]}`,
      )
      expect(await fleet.stop()).toEqual([])
    }
    expect(degraded).toEqual([])
  }, 30_000)
})

test('a subscription that is lost costs memory, until it is heard again', async () => {
  const { cache, name, told } = open({ maxStaleness: '2s' })
  const { cache: other } = open({ name, maxStaleness: '2s', memory: false })
  await Promise.all([cache.ready(), other.ready()])
  const source = row('old')
  const key = keys.user({ id: 1 })
  await warm(cache, key, source.load)
  const flushed = new Promise<string>((resolve) => cache.on('flushed', ({ reason }) => resolve(reason)))
  for (const { admin } of await cluster.primaries()) await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  expect(await flushed).toMatch(/subscriber/)
  await warm(cache, key, source.load)
  source.value = 'new'
  await other.invalidate({ keys: [key] })
  await until(() => cache.peek(key) !== 'old', 'the message', 1_000)
  expect(told).toEqual([])
})

test('nodes that are reached through mapped addresses', async () => {
  const proxies = await Promise.all(cluster.ports.map((port) => startProxy(port)))
  const natMap = Object.fromEntries(
    cluster.ports.map((port, at) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxies[at]?.port }]),
  )
  // Mapped are what nodes say of one another; the start nodes are not.
  const { cache, name, told } = open({
    client: { natMap },
    partitions: 4,
    cluster: proxies.map(({ port }) => port),
  })
  await cache.ready()
  const { slot, other: to } = await placed(name, 0)
  await cluster.move(slot, to)
  const source = row(1)
  for (const id of [1, 2, 3, 4]) await warm(cache, keys.user({ id }), source.load)
  // Nothing but the mapped addresses was used: without them there is no store.
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await until(async () => {
    await cache.get(keys.user({ id: 1 }), source.load, { freshness: 'committed' })
    return told.length > 0
  }, 'the outage to be told')
})

test('a client that reads from replicas is refused, and told why', () => {
  const ports = cluster.ports.map((port) => ({ port, host: '127.0.0.1' }))
  for (const scaleReads of ['slave', 'all', (nodes: Redis[]) => nodes[0] as Redis] as const) {
    const client = new Cluster(ports, { scaleReads, lazyConnect: true })
    expect(() => redisStore({ client })).toThrow(
      errorOf('INVALID_OPTION', /replicas.*scaleReads: 'master'/) as Error,
    )
  }
  const replica = new Redis({ sentinels: [{ port: 1 }], name: 'x', role: 'slave', lazyConnect: true })
  expect(() => redisStore({ client: replica })).toThrow(errorOf('INVALID_OPTION', /role: 'slave'/) as Error)
})

test('an eviction policy that may take a lock is refused on any primary', async () => {
  const [, second] = await cluster.primaries()
  await second?.admin.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  const { cache } = open({ consistency: 'committed', name: uniqueName() })
  await expect(cache.ready({ timeout: 5_000 })).rejects.toEqual(errorOf('UNSUPPORTED', /allkeys-lru/))
  await second?.admin.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
})
