import { defineDependencies, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache, openFleet } from '../support/caches.ts'
import { openRedisCache, row } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

const keys = defineKeys({ report: 'report:{orgId}:{day}' })
const dependencies = defineDependencies({ tables: { revenues: ['report:{orgId}:*'] }, scopes: ['day'] })

describe('sixteen partitions', () => {
  const options = { keys, dependencies, partitions: 16, maxStaleness: '2s' } as const

  test('keys of all partitions are held in memory side by side', async () => {
    const { cache } = openRedisCache(options)
    await cache.ready()
    const all = Array.from({ length: 64 }, (_, day) => keys.report({ orgId: 7, day }))
    const source = row(1)
    for (let round = 0; round < 3; round++) for (const key of all) await cache.get(key, source.load)
    expect(source.loads).toBe(64)
    await until(
      async () => {
        for (const key of all) await cache.get(key, source.load)
        return all.every((key) => cache.peek(key) !== undefined)
      },
      'all 64 keys to be in memory',
      3_000,
    )
    expect(source.loads).toBe(64)
  })

  test('a heartbeat does not take differing tokens of its registration for a lapse', async () => {
    const { cache } = openRedisCache({ ...options, maxStaleness: '200ms' })
    await cache.ready()
    const flushed: string[] = []
    cache.on('flushed', ({ reason }) => flushed.push(reason))
    const source = row(1)
    const until = performance.now() + 600
    while (performance.now() < until) {
      for (let day = 0; day < 8; day++) await cache.get(keys.report({ orgId: 7, day }), source.load)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(flushed.filter((reason) => /registration/.test(reason))).toEqual([])
  })

  test('a receipt of as many partitions as there may be has a token that reads accept', async () => {
    const { cache } = openRedisCache({ ...options, partitions: 128 })
    await cache.ready()
    const receipt = await cache.invalidate({ table: 'revenues' })
    const session = cache.session()
    session.observe(receipt)
    expect(session.token).toBe(receipt.token)
  })

  test('more partitions than a token can name are refused', () => {
    expect(() => openRedisCache({ ...options, partitions: 129 })).toThrow(
      errorOf('INVALID_OPTION', /partitions: 129 is not a whole number from 1 to 128/),
    )
  })

  test.each([
    ['that declares no families', undefined],
    [
      'whose family names another parameter',
      defineKeys({ report: 'report:{org}:{day}', other: 'o:{orgId}' }),
    ],
  ])('a key that a writer names %s is void wherever readers keep it', async (_, others) => {
    const tenants = { ...options, partitionBy: 'orgId' } as const
    const { cache: reader, name } = openRedisCache(tenants)
    const { cache: writer } = openRedisCache({ ...tenants, name, keys: others as never })
    await Promise.all([reader.ready(), writer.ready()])
    for (let orgId = 0; orgId < 8; orgId++) {
      const key = keys.report({ orgId, day: 1 })
      const source = row('old')
      await reader.get(key, source.load)
      source.value = 'new'
      const { status } = await writer.invalidate({ keys: [key] })
      expect(status).toBe('applied')
      expect(await reader.get(key, source.load, { freshness: 'committed' })).toBe('new')
    }
  })

  test('a group is void everywhere at once, by one step in each partition', async () => {
    const { cache, name } = openRedisCache(options)
    const { cache: other } = openRedisCache({ ...options, name })
    await Promise.all([cache.ready(), other.ready()])
    const all = Array.from({ length: 64 }, (_, day) => keys.report({ orgId: 7, day }))
    const source = row(1)
    for (const key of all) await cache.get(key, source.load)
    source.value = 2
    const receipt = await other.invalidate({
      table: 'revenues',
      operation: 'insert',
      rows: [{ org_id: 7 }],
    })
    expect(receipt.status).toBe('applied')
    const read = await Promise.all(all.map((key) => cache.get(key, source.load, { freshness: 'committed' })))
    expect(new Set(read)).toEqual(new Set([2]))
  })

  test('a part in another partition is loaded: the composite’s stamps are not those of its part', async () => {
    const { cache } = openRedisCache(options)
    await cache.ready()
    const part = row('part')
    const whole = keys.report({ orgId: 7, day: 0 })
    // Of 32 keys some lie with the composite, and most do not.
    const parts = Array.from({ length: 32 }, (_, day) => keys.report({ orgId: 7, day: day + 1 }))
    for (const key of parts) await cache.get(key, part.load)
    expect(part.loads).toBe(32)
    await cache.get(whole, async () => Promise.all(parts.map((key) => cache.get(key, part.load))))
    expect(part.loads).toBeGreaterThan(50)
    expect(part.loads).toBeLessThanOrEqual(64)
  })
})

describe('partitionBy is a setting of the namespace, like the number of partitions', () => {
  const differing = /partitionBy/

  test('on Redis a process that differs is refused', async () => {
    const { cache, name } = openRedisCache({ keys, partitions: 4, partitionBy: 'orgId' })
    await cache.ready()
    const { cache: other } = openRedisCache({ keys, partitions: 4, name })
    await expect(other.ready()).rejects.toEqual(errorOf('SETTINGS_MISMATCH', differing))
    expect(other.health().store).toMatchObject({
      status: 'away',
      reason: expect.stringMatching(differing),
      code: 'SETTINGS_MISMATCH',
    })
    const { cache: same } = openRedisCache({ keys, partitions: 4, partitionBy: 'orgId', name })
    await same.ready()
  })

  test('in the store of one process too', async () => {
    const { store, clock, name } = await openFleet(1, { keys, partitionBy: 'orgId' })
    const { cache: other } = openCache({ keys, partitionBy: 'day', name, instance: 'other', store, clock })
    await expect(other.ready()).rejects.toEqual(errorOf('SETTINGS_MISMATCH', differing))
  })
})
