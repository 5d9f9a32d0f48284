import { type Cache, defineDependencies } from 'coherent-cache'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { keysOf, openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import { type SentinelNode, type SentinelTopology, startSentinel } from '../support/redis-sentinel.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
const USERS = { table: 'users', operation: 'insert', rows: [{ id: 1 }] } as const
const T = 400
const SOFT_LOCK = 1_000

let topology: SentinelTopology
let first: SentinelNode
beforeAll(async () => {
  topology = await startSentinel()
  first = topology.nodes[0] as SentinelNode
}, 60_000)
afterAll(() => topology?.stop())

/** What the caches cache: the same row, whichever of them loads it. */
const user = row('version 0')
let written = 0
const names = { bounded: uniqueName(), committed: uniqueName() }
let caches: Record<keyof typeof names, readonly [Cache, Cache]>
beforeEach(async () => {
  caches = {
    bounded: [open('bounded', 5), open('bounded', 6)],
    committed: [open('committed', 5), open('committed', 6)],
  }
  await Promise.all(all().map((cache) => cache.ready({ timeout: '10s' })))
  await Promise.all(all().map(warm))
}, 30_000)

function open(mode: keyof typeof names, version: 5 | 6): Cache {
  const { cache } = openRedisCache({
    ...{ name: names[mode], instance: `${version}`, dependencies, maxStaleness: `${T}ms` },
    ...(mode === 'committed' ? { consistency: mode, softLockLifetime: `${SOFT_LOCK}ms` } : {}),
    ioredis: `ioredis ${version}`,
    client: { sentinels: topology.sentinels, name: topology.name, sentinelRetryStrategy: () => 100 },
  })
  return cache
}

const all = () => [...caches.bounded, ...caches.committed]
const up = (cache: Cache) => until(() => cache.health().store.status === 'connected', 'the store to be up')

/** Reads until memory answers. */
async function warm(cache: Cache): Promise<void> {
  await until(async () => {
    await cache.get('user:1', user.load)
    return cache.peek('user:1') === user.value
  }, 'the row to be in memory')
}

/** Changes the row, and has every other pair of caches told by its first. */
async function change(): Promise<readonly string[]> {
  user.value = `version ${++written}`
  return await Promise.all(
    [caches.bounded, caches.committed].map(async ([one]) => (await one.invalidate(USERS)).status),
  )
}

/** Nobody answers anything else than the row from now on; one that merely reads, from `soon` milliseconds on. */
async function allShowIt(soon: number): Promise<void> {
  const began = performance.now()
  for (let round = 0; round < 25; round++) {
    for (const cache of all()) {
      expect(await cache.get('user:1', user.load, { freshness: 'committed' })).toBe(user.value)
      const begin = performance.now()
      const seen = await cache.get('user:1', user.load)
      if (begin - began >= soon) expect(seen).toBe(user.value)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(performance.now() - began).toBeGreaterThan(soon)
}

/** What a server has of a namespace's state record. */
async function record(node: SentinelNode, mode: keyof typeof names) {
  const name = `${keysOf(names[mode])}0}:state`
  const fields = (await node.admin.call('HMGET', name, 'epoch', 'seq', 'born')) as (string | null)[]
  const [epoch, sequence, born] = fields
  return { epoch, sequence: Number(sequence), born: Number(born) }
}

const primary = () => until(() => topology.primary(), 'Sentinels that agree')
const runId = async (node: SentinelNode) =>
  /run_id:(\w+)/.exec(String(await node.admin.call('INFO', 'server')))?.[1]

describe('through Sentinel, with ioredis 5 and 6', () => {
  test('the primary is killed: nothing from before is believed, and changes made meanwhile arrive', {
    timeout: 40_000,
  }, async () => {
    const former = await primary()
    const { epoch } = await record(former, 'bounded')
    await former.redis.kill('SIGKILL')
    await change()
    for (const [one] of [caches.bounded, caches.committed])
      expect(await one.get('user:1', user.load)).toBe(user.value)
    const now = await topology.replaced(former)
    await Promise.all(all().map(up))
    await until(() => all().every((cache) => cache.health().queue.length === 0), 'the replay')
    await allShowIt(T)
    expect((await record(now, 'bounded')).epoch).not.toBe(epoch)
    await Promise.all(all().map(warm))
    await former.redis.restart()
    await topology.follows(former)
  })

  test('the primary is suspended, replaced, and comes back as a replica', { timeout: 40_000 }, async () => {
    const former = await primary()
    await former.redis.kill('SIGSTOP')
    await topology.replaced(former)
    await Promise.all(all().map(up))
    await until(async () => (await change()).every((status) => status === 'applied'), 'it to be applied')
    await allShowIt(T)
    await former.redis.kill('SIGCONT')
    await change()
    await allShowIt(T)
    await topology.follows(former)
    await allShowIt(0)
  })

  test('failback to the first: its run_id is the one of before, its epoch is not', {
    timeout: 40_000,
  }, async () => {
    if ((await primary()) === first) await topology.promote(topology.nodes[1] as SentinelNode)
    await Promise.all(all().map(up))
    const run = await runId(first)
    const epochs = new Set<unknown>()
    const seen = async () => {
      await Promise.all(all().map(up))
      await until(async () => (await change()).every((status) => status === 'applied'), 'it to be applied')
      const { epoch } = await record(await primary(), 'committed')
      expect(epochs).not.toContain(epoch)
      epochs.add(epoch)
      await allShowIt(T)
    }
    await seen()
    await topology.promote(first)
    await seen()
    expect(await runId(first)).toBe(run)
  })

  test('a replica that lagged is promoted: its old values and old stamps agree, and nobody believes them', {
    timeout: 40_000,
  }, async () => {
    const former = await primary()
    const lagging = topology.nodes.find((node) => node !== former) as SentinelNode
    await Promise.all(topology.nodes.filter((node) => node !== former).map((node) => topology.follows(node)))
    former.proxy.holdReplicas()
    await topology.prefer(lagging)
    expect(await change()).toEqual(['applied', 'applied'])
    await allShowIt(T)
    await Promise.all(caches.bounded.map(warm))
    // What it has is of one mind, and older.
    for (const mode of ['bounded', 'committed'] as const) {
      const [ahead, behind] = [await record(former, mode), await record(lagging, mode)]
      expect(behind.epoch).toBe(ahead.epoch)
      expect(behind.sequence).toBeLessThan(ahead.sequence)
    }
    const value = await lagging.admin.call('EXISTS', `${keysOf(names.bounded)}0}:v:${names.bounded}:user:1`)
    expect(value).toBe(1)

    await former.redis.kill('SIGKILL')
    expect(await topology.replaced(former)).toBe(lagging)
    await Promise.all(all().map(up))
    await allShowIt(0)
    former.proxy.release()

    // The locking mode has kept nothing until locks that the former primary may have known have expired.
    const { born } = await record(lagging, 'committed')
    const [reader] = caches.committed
    await until(async () => {
      const { tier } = await reader.getEntry('user:1', user.load, { freshness: 'committed' })
      if (tier === 'loader') return false
      expect(Date.now() - born).toBeGreaterThanOrEqual(SOFT_LOCK)
      return true
    }, 'the end of the quarantine')
    await topology.prefer(undefined)
    await former.redis.restart()
    await topology.follows(former)
  })
})
