import { createCache, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { countingLoader, errorOf, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({ small: 'small:{id}', large: { key: 'large:{id}', maxEntryBytes: 100_000 } })
const text = (length: number) => async () => 'a'.repeat(length)

describe('maxEntryBytes', () => {
  test.each([
    ['in memory alone', false],
    ['over a store', true],
  ] as const)('aLargerValue_%s_isGivenToItsReader_andKeptNowhere', async (_, shared) => {
    const options = { keys, maxEntryBytes: 10_000 }
    const cache = shared ? (await openFleet(1, options)).fleet[0] : openCache(options).cache
    if (cache === undefined) throw new Error('There is no cache.')
    const refused: unknown[] = []
    cache.on('refused', ({ key, reason, detail }) => refused.push([key, reason, detail]))
    const key = keys.small({ id: 1 })
    expect(await cache.get(key, text(20_000))).toHaveLength(20_000)
    expect(await cache.get(key, text(100))).toHaveLength(100)
    expect(await cache.get(key, text(50))).toHaveLength(100)
    expect(refused).toEqual([
      [key, 'too-large', expect.stringMatching(/^20\d{3} bytes; maxEntryBytes is 10000$/)],
    ])
    expect(cache.stats().fillsRefused).toEqual({ 'too-large': 1 })
  })

  test('ofAFamily_standsOverTheCaches', async () => {
    const { cache } = openCache({ keys, maxEntryBytes: 10_000 })
    expect(await cache.get(keys.large({ id: 1 }), text(50_000))).toHaveLength(50_000)
    expect(await cache.get(keys.large({ id: 1 }), text(1))).toHaveLength(50_000)
    await cache.get(keys.large({ id: 2 }), text(150_000))
    expect(await cache.get(keys.large({ id: 2 }), text(1))).toHaveLength(1)
  })

  test('whoWaitsForTheSameLoad_getsTheValueToo', async () => {
    const { fleet } = await openFleet(1, { maxEntryBytes: 100 })
    const load = text(1_000)
    const got = await Promise.all([1, 2, 3].map(() => fleet[0]?.get('a', load)))
    expect(got.map((one) => (one as string).length)).toEqual([1_000, 1_000, 1_000])
  })

  test('set_ofALargerValue_keepsNothing', async () => {
    const { cache } = openCache({ maxEntryBytes: 1_000 })
    const mark = await cache.mark('a')
    expect(await cache.set('a', 'a'.repeat(2_000), { mark })).toBe(false)
  })
})

describe('memory.maxEntryBytes', () => {
  test('aLargerValue_isKeptInTheStoreAlone', async () => {
    const { fleet } = await openFleet(1, { memory: { maxEntryBytes: 5_000 } })
    const cache = fleet[0]
    if (cache === undefined) throw new Error('There is no cache.')
    const skipped: unknown[] = []
    cache.on('skipped', ({ key, bytes, maxBytes }) => skipped.push([key, bytes > 20_000, maxBytes]))
    await cache.get('a', text(20_000))
    await cache.get('b', text(2_000))
    expect(skipped).toEqual([['a', true, 5_000]])
    expect(cache.stats().entries).toBe(1)
    const { tier } = await cache.getEntry('a', text(1))
    expect(tier).toBe('store')
    expect((await cache.getEntry('b', text(1))).tier).toBe('memory')
  })

  test('whatItWasToReplace_isGone', async () => {
    const { cache } = openCache({ memory: { maxEntryBytes: 5_000 } })
    await cache.get('a', text(10))
    await cache.get('a', text(20_000), { freshness: 'reload' })
    expect(cache.peek('a')).toBeUndefined()
    const counting = countingLoader()
    expect(await cache.get('a', counting.load)).toBe(1)
  })

  test('unset_whatIsLargerThanTheTier_isSkippedToo', async () => {
    const { cache } = openCache({ memory: { maxBytes: 50_000 } })
    const skipped: string[] = []
    cache.on('skipped', ({ key }) => skipped.push(key))
    await cache.get('b', text(10_000))
    await cache.get('a', text(60_000))
    expect(skipped).toEqual(['a'])
    expect(cache.peek('b')).toHaveLength(10_000)
  })

  test('badLimits_areRefused', () => {
    const refused = errorOf('INVALID_OPTION') as never
    expect(() => createCache({ name: 'never', maxEntryBytes: 0 })).toThrow(refused)
    expect(() => createCache({ name: 'never', memory: { maxEntryBytes: -1 } })).toThrow(refused)
    expect(() => defineKeys({ a: { key: 'a:{id}', maxEntryBytes: 1.5 } })).toThrow(refused)
  })
})
