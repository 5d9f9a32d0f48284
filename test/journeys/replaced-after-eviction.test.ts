import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { keysOf, openClient, openRedisCache, row } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

// Another process holds the older value in memory, and the store has evicted its copy: what replaces the value is told
// all the same.
const keys = defineKeys({ row: 'row:{id}' })
const dependencies = defineDependencies({ tables: { t: ['row:*'] } })
const key = keys.row({ id: 1 })

/** Two processes, of which the second holds the value in memory alone. */
async function opened(consistency: 'bounded' | 'strict') {
  const { fleet, store, clock, name } = await openFleet(2, { keys, dependencies, ttl: '1h', consistency })
  const [one, other] = fleet as [Cache, Cache]
  // Past the quarantine of a new store.
  await clock.advance(6_000)
  await one.get('lease', () => 1)
  await other.get('lease', () => 1)
  await settle()
  await one.get<string, string>(key, () => 'old')
  await other.get<string, string>(key, () => 'another')
  expect(other.peek(key)).toBe('old')
  store.evictKey(name, name, key, 'value')
  return { one, other, clock }
}

describe('a value that the store has evicted', () => {
  test('replacedByAReload_isVoidInOtherMemories', async () => {
    const { one, other } = await opened('bounded')
    await one.get<string, string>(key, () => 'new', { freshness: 'reload' })
    await settle()
    expect(await other.get<string, string>(key, () => 'newest')).toBe('new')
  })

  test('replacedByHand_isVoidInOtherMemories', async () => {
    const { one, other } = await opened('bounded')
    const mark = await one.mark(key)
    expect(await one.set(key, 'new', { mark })).toBe(true)
    await settle()
    expect(await other.get<string, string>(key, () => 'newest')).toBe('new')
  })

  test('strict_replacedByHand_isAnsweredNowhereOnceSetHasResolved', async () => {
    const { one, other } = await opened('strict')
    const mark = await one.mark(key)
    expect(await one.set(key, 'new', { mark })).toBe(true)
    expect(await other.get<string, string>(key, () => 'newest')).toBe('new')
  })

  test('onRedis_replacedByAReload_isVoidInOtherMemories', async () => {
    const options = { keys, dependencies, ttl: '1h', maxStaleness: '2s' } as const
    const { cache: one, name } = openRedisCache(options)
    const { cache: other } = openRedisCache({ ...options, name })
    await Promise.all([one.ready(), other.ready()])
    const source = row('old')
    await one.get(key, source.load)
    await until(async () => {
      await other.get(key, source.load)
      return other.peek(key) === 'old'
    }, 'the other process to hold it in memory')
    const client = openClient()
    expect(await client.call('UNLINK', `${keysOf(name)}0}:v:${name}:${key}`)).toBe(1)
    source.value = 'new'
    await one.get(key, source.load, { freshness: 'reload' })
    await until(async () => (await other.get(key, source.load)) === 'new', 'the other process to hear of it')
    expect(source.loads).toBe(2)
  })
})
