import { type BatchContext, defineKeys, type } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, heldLoader, openCache } from '../support/caches.ts'

const keys = defineKeys({
  payment: { key: 'payment:{id}', value: type<string>() },
  range: { key: 'range:{id}[:{from}]', value: type<string | undefined>() },
})

describe('by keys', () => {
  test('getMany_missing_areLoadedInOneCall_andAnsweredInTheOrderAsked', async () => {
    const { cache } = openCache()
    await cache.get('b', () => 'B')
    const load = vi.fn(async (missing: readonly string[]) => missing.map((key) => key.toUpperCase()))
    expect(await cache.getMany(['c', 'b', 'a', 'c'], load)).toEqual(['C', 'B', 'A', 'C'])
    expect(load).toHaveBeenCalledExactlyOnceWith(
      ['c', 'a'],
      expect.objectContaining({ keys: ['c', 'a'], source: 'any' }),
    )
    expect(await cache.getMany(['a', 'b', 'c'], load)).toEqual(['A', 'B', 'C'])
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.stats()).toMatchObject({ loads: 2, misses: 3, fills: 3 })
  })

  test('getMany_none_callsNobody', async () => {
    const { cache } = openCache()
    const load = vi.fn(() => [])
    expect(await cache.getMany([], load)).toEqual([])
    expect(await cache.getMany(keys.payment, [], load)).toEqual([])
    expect(load).not.toHaveBeenCalled()
  })

  test('getMany_map_isReadByKey_andWhatIsAbsentIsUndefined', async () => {
    const { cache } = openCache()
    const load = vi.fn(async () => new Map([['a', 1]]))
    expect(await cache.getMany<string, number>(['a', 'b'], load)).toEqual([1, undefined])
    expect(await cache.getMany<string, number>(['a', 'b'], load)).toEqual([1, undefined])
    expect(load).toHaveBeenCalledTimes(1)
  })

  test.each([[[]], [[1]], [[1, 2, 3]], [undefined], [null], [{}], [new Set([1, 2])], ['ab']])(
    'getMany_loaderReturning_%j_refused_andNothingKept',
    async (result) => {
      const { cache } = openCache()
      const read = cache.getMany<string, unknown>(['a', 'b'], () => result as never)
      await expect(read).rejects.toEqual(errorOf('BATCH_SHAPE', /asked for 2 values/))
      expect(cache.stats().entries).toBe(0)
      await expect(
        cache.getMany<string, unknown>(['a', 'b'], () => result as never, { ttl: 0 }),
      ).rejects.toEqual(errorOf('BATCH_SHAPE'))
    },
  )

  test('getMany_loaderFails_reachesEveryWaiter_asThrown', async () => {
    const { cache } = openCache()
    const { load, call } = heldLoader<number[]>()
    const error = new Error('broken')
    const reads = [
      cache.getMany(['a', 'b'], load),
      cache.getMany(['b'], load),
      cache.get<string, number>('a', () => 1),
    ]
    ;(await call()).reject(error)
    for (const read of reads) await expect(read).rejects.toBe(error)
    expect(await cache.getMany(['a', 'b'], () => [1, 2])).toEqual([1, 2])
  })

  test('getMany_whatIsLoading_isJoined', async () => {
    const { cache } = openCache()
    const { load, calls, call } = heldLoader<number>()
    const single = cache.get('b', load)
    const batch = vi.fn(async (missing: readonly string[]) => missing.map(() => 9))
    const many = cache.getMany<string, number>(['a', 'b'], batch)
    await settle()
    expect(batch).toHaveBeenCalledExactlyOnceWith(['a'], expect.anything())
    ;(await call()).resolve(2)
    expect(await many).toEqual([9, 2])
    expect(await single).toBe(2)
    expect(calls).toHaveLength(1)
  })

  test('getMany_oneKeyInvalidatedMidLoad_keepsTheOthers', async () => {
    const { cache } = openCache()
    const { load, call } = heldLoader<number[]>()
    const read = cache.getMany(['a', 'b'], load)
    await call()
    await cache.invalidate({ keys: ['a'] })
    ;(await call()).resolve([1, 2])
    expect(await read).toEqual([1, 2])
    expect(cache.peek('a')).toBeUndefined()
    expect(cache.peek('b')).toBe(2)
  })

  test('getMany_badKey_refused_beforeAnythingIsLoaded', async () => {
    const { cache } = openCache()
    const load = vi.fn(() => [1])
    await expect(cache.getMany(['a', ''], load)).rejects.toEqual(errorOf('INVALID_KEY'))
    expect(load).not.toHaveBeenCalled()
    expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
  })

  test('getMany_thousandsOfKeys_areReadTogether', async () => {
    const { cache } = openCache()
    const many = Array.from({ length: 5_000 }, (_, at) => `key:${at}`)
    const load = vi.fn(async (missing: readonly string[]) => missing.map((key) => key.length))
    const values = await cache.getMany(many, load)
    expect(values).toHaveLength(5_000)
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.getMany(many, load)).toEqual(values)
  })
})

describe('by family', () => {
  test('getMany_family_isAskedByParameters_andAnsweredInOrder', async () => {
    const { cache } = openCache({ keys })
    const load = vi.fn(async (missing: readonly { id: number }[]) => missing.map(({ id }) => `payment ${id}`))
    const asked = [{ id: 2 }, { id: 1 }, { id: 2 }]
    expect(await cache.getMany(keys.payment, asked, load)).toEqual(['payment 2', 'payment 1', 'payment 2'])
    expect(load).toHaveBeenCalledTimes(1)
    expect(load.mock.calls[0]?.[0]).toEqual([{ id: 2 }, { id: 1 }])
    expect(await cache.get(keys.payment({ id: 1 }), () => 'other')).toBe('payment 1')
  })

  test('getMany_family_mapByParametersOrByKey', async () => {
    const { cache } = openCache({ keys })
    const one = { id: 1 }
    const byParameters = await cache.getMany(
      keys.payment,
      [one],
      (missing) => new Map([[missing[0], 'one']]) as never,
    )
    expect(byParameters).toEqual(['one'])
    const byKey = await cache.getMany(
      keys.payment,
      [{ id: 2 }],
      () => new Map([['payment:2', 'two']]) as never,
    )
    expect(byKey).toEqual(['two'])
  })

  test('getMany_family_contextNamesTheKeys', async () => {
    const { cache } = openCache({ keys })
    const seen = vi.fn()
    await cache.getMany(keys.range, [{ id: 1 }, { id: 1, from: 2 }], (missing, context: BatchContext) => {
      seen(context.keys)
      return missing.map(() => undefined)
    })
    expect(seen).toHaveBeenCalledExactlyOnceWith(['range:1', 'range:1:2'])
  })

  test.each([
    ['keys that are no array', 'a', undefined],
    ['a family without parameters', 'family', undefined],
    ['parameters that are no array', 'family', { id: 1 }],
    ['no family', {}, []],
    ['a function that is no family', () => 'a', [{}]],
    ['nothing', undefined, undefined],
  ])('getMany_%s_refused', async (_, first, second) => {
    const { cache } = openCache({ keys })
    const read = cache.getMany(
      (first === 'family' ? keys.payment : first) as never,
      second as never,
      (() => []) as never,
    )
    await expect(read).rejects.toEqual(errorOf('INVALID_ARGUMENT', /getMany/))
  })

  test('getMany_badParameters_refused', async () => {
    const { cache } = openCache({ keys })
    await expect(cache.getMany(keys.payment, [{ id: null as never }], () => ['a'])).rejects.toEqual(
      errorOf('INVALID_PARAMETER', /payment: parameter id/),
    )
  })
})

describe('lifetimes', () => {
  test('getMany_ttl_isEachValues', async () => {
    const { cache, clock } = openCache({ ttl: ({ value }) => (value === 0 ? 0 : '1s') })
    expect(await cache.getMany(['a', 'b'], () => [0, 1])).toEqual([0, 1])
    expect(cache.stats()).toMatchObject({ entries: 1, fillsRefused: { 'zero-ttl': 1 } })
    await clock.advance(1_000)
    expect(await cache.getMany(['a', 'b'], (missing) => missing.map(() => 2), { ttl: '5s' })).toEqual([2, 2])
    await clock.advance(4_999)
    expect(cache.peek('a')).toBe(2)
  })

  test('getMany_ttlZero_neitherReadsNorStores_andLoadsOnce', async () => {
    const { cache } = openCache()
    await cache.get('a', () => 1)
    const load = vi.fn((missing: readonly string[]) => missing.map(() => 2))
    expect(await cache.getMany(['a', 'b', 'a'], load, { ttl: 0 })).toEqual([2, 2, 2])
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.peek('a')).toBe(1)
    expect(cache.peek('b')).toBeUndefined()
  })

  test('getMany_reload_loadsAllAnew', async () => {
    const { cache } = openCache()
    await cache.getMany(['a', 'b'], () => [1, 2])
    expect(await cache.getMany(['a', 'b'], () => [3, 4], { freshness: 'reload' })).toEqual([3, 4])
    expect([cache.peek('a'), cache.peek('b')]).toEqual([3, 4])
  })
})
