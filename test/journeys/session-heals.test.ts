import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { partitionOf } from '../../src/stores/redis/layout.ts'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'
import { openRedisCache } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

// A token can outlive what it names. Who has been answered by the store since need not be sent there for ever; but what
// was gathered while the answer was on its way, and what no store was told of, must not be let go with it.
const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })
const change = { table: 't', operation: 'insert', rows: [{ id: 1 }] } as const

async function opened() {
  const network = heldNetwork()
  const { fleet, clock, store } = await openFleet(2, { dependencies, schedule: network.schedule })
  await Promise.all(fleet.map((cache) => cache.ready()))
  await settle()
  const [one, other] = fleet as [Cache, Cache]
  return { network, one, other, clock, store }
}

/** The tier that answers a client which comes back with a token. */
async function comesBack(cache: Cache, token: string): Promise<string> {
  return (await cache.session(token).getEntry('row:1', () => 'loaded')).tier
}

describe('a token that the store cannot come to any more', () => {
  test.each(['garbage', 'of an epoch that is lost', 'of a sequence that is none'])(
    'it asks the store once; the next request is answered from memory: %s',
    async (which) => {
      const { one, other, store, clock } = await opened()
      const { token: known } = await one.invalidate(change)
      if (which === 'of an epoch that is lost') {
        store.flush()
        await clock.advance(2_000)
      }
      await other.get('row:1', () => 'value')
      await clock.advance(1_000)
      await other.get('row:1', () => 'value')
      await settle()
      const forged = known.replace(/\.\w+$/, '.zzzz')
      const token = which === 'garbage' ? 'x' : which === 'of a sequence that is none' ? forged : known
      const session = other.session(token)
      expect((await session.getEntry('row:1', () => 'loaded')).tier).toBe('store')
      expect(session.token).not.toBe(token)
      expect(await comesBack(other, session.token)).toBe('memory')
    },
  )

  test('the healed token is as far as the reply was: a process that has not heard as much asks the store', async () => {
    const { network, one, other } = await opened()
    await other.get('row:1', () => 'old')
    network.hold('message')
    await one.invalidate(change)
    const session = one.session('garbage')
    expect(await session.get<string, string>('row:1', () => 'new')).toBe('new')
    // As bounded reads may; but not behind the token.
    expect(await other.get<string, string>('row:1', () => 'loaded')).toBe('old')
    expect(await other.session(session.token).get<string, string>('row:1', () => 'loaded')).toBe('new')
  })

  test('a receipt that is gathered while the reply is on its way is not forgotten', async () => {
    const { network, one, other } = await opened()
    const session = other.session('garbage')
    network.hold('reply')
    const reading = session.get('row:1', () => 'old')
    await settle()
    // The store reads; its answer is on its way.
    await network.run(0)
    const writing = one.invalidate(change)
    await settle()
    // The answer to the change overtakes it.
    await network.run(1)
    await network.run(1)
    const receipt = await writing
    session.observe(receipt)
    network.deliver()
    await reading
    await session.get('row:2', () => 'loaded')
    const reached = (text: string) => Number.parseInt(text.split('.').at(-1) as string, 36)
    expect(reached(session.token)).toBeGreaterThanOrEqual(reached(receipt.token))
  })

  test('garbage gathered while the reply is on its way is still to be asked for', async () => {
    const { network, other } = await opened()
    const session = other.session('garbage')
    network.hold('reply')
    const reading = session.get('row:1', () => 'value')
    await settle()
    session.observe('more of it')
    network.deliver()
    await reading
    expect(session.token).toBe('unreadable')
    await session.get('row:1', () => 'value')
    expect(session.token).toMatch(/^1~/)
  })

  test('a change that no store was told of stays in the token, whatever else is gathered', async () => {
    const { network, one, other, clock } = await opened()
    network.hold('reply')
    const queued = one.invalidate(change)
    await clock.advance(250)
    const receipt = await queued
    expect(receipt.status).toBe('queued')
    network.lose()
    network.deliver()
    const session = other.session(receipt.token)
    session.observe('garbage')
    expect(await session.get('row:1', () => 'new')).toBe('new')
    expect(session.token).toMatch(/~q$/)
    await session.get('row:1', () => 'new')
    expect(session.token).toMatch(/~q$/)
  })

  test('while the store is away nothing is let go', async () => {
    const { network, other, clock } = await opened()
    network.hold('reply')
    const session = other.session('garbage')
    const reading = session.get('row:1', () => 'value')
    await clock.advance(250)
    expect(await reading).toBe('value')
    expect(session.token).toBe('unreadable')
  })

  test('a session that is behind nothing remembers nothing of its reads', async () => {
    const { one, other } = await opened()
    const empty = other.session('')
    await empty.get('row:1', () => 'value')
    expect(empty.token).toBe('1')
    const { token } = await one.invalidate(change)
    await settle()
    const session = other.session(token)
    await session.get('row:1', () => 'value')
    expect(session.token).toBe(token)
  })
})

test('in partitions a token heals one by one, and only the key’s own is asked', async () => {
  const { cache } = openRedisCache({ dependencies, partitions: 4 })
  await cache.ready()
  const inMemory = async (key: string) => {
    await cache.get(key, () => 'value')
    return cache.peek(key) !== undefined
  }
  const keys = Array.from({ length: 32 }, (_, id) => `row:${id}`)
  const tierOf = async (key: string, token: string) => {
    await until(() => inMemory(key), `${key} to be in memory`, 3_000)
    return (await cache.session(token).getEntry(key, () => 'loaded')).tier
  }
  const session = cache.session('garbage')
  await session.get('row:0', () => 'value')
  expect(await tierOf('row:0', session.token)).toBe('memory')
  const before: string[] = []
  for (const key of keys) before.push(await tierOf(key, session.token))
  const answered = (key: string) => partitionOf(key, 4) === partitionOf('row:0', 4)
  expect(before).toEqual(keys.map((key) => (answered(key) ? 'memory' : 'store')))
  await session.getMany(keys, (missing) => missing.map(() => 'value'))
  for (const key of keys) expect(await tierOf(key, session.token)).toBe('memory')
})
