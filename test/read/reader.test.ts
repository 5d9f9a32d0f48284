import { createCache, defineKeys, type LoaderContext, type } from 'coherent-cache'
import { manualClock, settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, deferred, errorOf, heldLoader, openCache } from '../support/caches.ts'

const keys = defineKeys({
  user: { key: 'user:{id}', value: type<{ name: string }>(), ttl: '10s' },
  never: { key: 'never:{id}', ttl: 0 },
  negative: { key: 'negative:{id}', ttl: '10s', negativeTtl: '2s' },
})

describe('get', () => {
  test('get_absent_loads_thenAnswersFromMemory', async () => {
    const { cache } = openCache({ keys })
    const load = vi.fn(async () => ({ name: 'Asha' }))
    expect(await cache.get(keys.user({ id: 7 }), load)).toEqual({ name: 'Asha' })
    expect(await cache.get(keys.user({ id: 7 }), load)).toEqual({ name: 'Asha' })
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.stats()).toMatchObject({ misses: 1, loads: 1, fills: 1, hitRate: 0.5, entries: 1 })
    expect(cache.stats().hits).toEqual({ memory: 1, store: 0, stale: 0 })
  })

  test('get_loader_isToldKeyAndParameters_andMayBeSynchronous', async () => {
    const { cache } = openCache({ keys })
    const contexts: LoaderContext[] = []
    const load = (context: LoaderContext) => {
      contexts.push(context)
      return { name: 'Asha' }
    }
    await cache.get(keys.user({ id: 'a:b' }), load)
    await cache.get('raw', load)
    expect(contexts[0]).toMatchObject({ key: 'user:a%3Ab', params: { id: 'a:b' }, source: 'any' })
    expect(contexts[0]?.signal).toBeInstanceOf(AbortSignal)
    expect(contexts[1]).toMatchObject({ key: 'raw', params: {} })
  })

  test('get_concurrent_loadOnce_andAllGetIt', async () => {
    const { cache } = openCache({ keys })
    const { load, calls, call } = heldLoader<{ name: string }>()
    const reads = Array.from({ length: 50 }, () => cache.get(keys.user({ id: 7 }), load))
    ;(await call()).resolve({ name: 'Asha' })
    const values = await Promise.all(reads)
    expect(values.every((value) => value.name === 'Asha')).toBe(true)
    expect(calls).toHaveLength(1)
    expect(cache.stats()).toMatchObject({ loads: 1, misses: 50 })
  })

  test('get_distinctKeys_loadApart', async () => {
    const { cache } = openCache({ keys })
    const { load, calls } = heldLoader<{ name: string }>()
    void cache.get(keys.user({ id: 1 }), load)
    void cache.get(keys.user({ id: 2 }), load)
    await settle()
    expect(calls).toHaveLength(2)
    for (const call of calls) call.resolve({ name: 'x' })
  })

  test('get_lifetimeOver_loadsAnew_notOneMillisecondEarlier', async () => {
    const { cache, clock } = openCache({ keys })
    const { load } = countingLoader()
    const key = 'user:1'
    expect(await cache.get<string, number>(key, load)).toBe(1)
    await clock.advance(9_999)
    expect(await cache.get<string, number>(key, load)).toBe(1)
    expect(cache.peek(key)).toBe(1)
    await clock.advance(1)
    expect(cache.peek(key)).toBeUndefined()
    expect(await cache.get<string, number>(key, load)).toBe(2)
  })

  test('get_wallClockMoved_changesNoLifetime', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    const { load } = countingLoader()
    await cache.get('a', load)
    clock.setWallClock(clock.now() + 86_400_000)
    expect(await cache.get('a', load)).toBe(1)
    clock.setWallClock(clock.now() - 2 * 86_400_000)
    await clock.advance(10_000)
    expect(await cache.get('a', load)).toBe(2)
  })

  test.each([[undefined], [null], [5], ['load'], [{}]])('get_loader_%j_refused', async (load) => {
    const { cache } = openCache()
    await expect(cache.get('a', load as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT', /is no loader/))
    await expect(cache.getEntry('a', load as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
    await expect(cache.getMany(['a'], load as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
    await cache.get('a', () => 1)
    await expect(cache.get('a', load as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
  })

  test.each([
    [{ tll: '5s' }, 'INVALID_OPTION', /"tll".*Did you mean "ttl"/],
    [{ ttl: 'soon' }, 'INVALID_DURATION', /get: ttl/],
    [{ ttl: -1 }, 'INVALID_DURATION', /get: ttl/],
    [{ ttl: {} }, 'INVALID_OPTION', /get: ttl/],
    [{ freshness: 'fresh' }, 'INVALID_OPTION', /freshness/],
    [{ staleWhileRevalidate: 'x' }, 'INVALID_DURATION', /staleWhileRevalidate/],
    [{ staleIfError: -5 }, 'INVALID_DURATION', /staleIfError/],
    [{ timeout: '5s' }, 'INVALID_OPTION', /timeout/],
    [{ timeout: { hrad: '5s' } }, 'INVALID_OPTION', /"hrad".*Did you mean "hard"/],
    [{ timeout: { hard: '5 parsecs' } }, 'INVALID_DURATION', /timeout\.hard/],
    [null, 'INVALID_OPTION', /null/],
    ['5s', 'INVALID_OPTION', /"5s"/],
  ] as const)('get_options_%j_refused', async (options, code, message) => {
    const { cache } = openCache()
    const load = vi.fn(() => 1)
    await expect(cache.get('a', load, options as never)).rejects.toEqual(errorOf(code, message))
    await expect(cache.getMany(['a'], () => [1], options as never)).rejects.toEqual(errorOf(code))
    expect(load).not.toHaveBeenCalled()
  })

  test('get_optionsThatAreUndefined_countAsAbsent', async () => {
    const { cache } = openCache()
    const options = {
      ttl: undefined,
      freshness: undefined,
      timeout: undefined,
      token: undefined,
      signal: undefined,
    }
    expect(await cache.get('a', () => 1, options as never)).toBe(1)
    expect(cache.peek('a')).toBe(1)
  })
})

describe('values', () => {
  test.each([[undefined], [null], [0], [''], [false], [Number.NaN], [0n], [[]], [{}]])(
    'get_%s_isAValue',
    async (value) => {
      const { cache } = openCache()
      const load = vi.fn(async () => value)
      expect(await cache.get<string, unknown>('a', load)).toEqual(value)
      expect(await cache.get<string, unknown>('a', load)).toEqual(value)
      expect(await cache.getMany<string, unknown>(['a'], () => [load()])).toEqual([value])
      expect(load).toHaveBeenCalledTimes(1)
      expect(await cache.getEntry<string, unknown>('a', load)).toMatchObject({
        status: 'hit',
        tier: 'memory',
        value,
      })
    },
  )

  test('get_negativeTtl_isForNullAndUndefinedAlone', async () => {
    const { cache, clock } = openCache({ keys, negativeTtl: '3s' })
    const answers: Record<string, unknown> = {
      'negative:1': null,
      'negative:2': undefined,
      'negative:3': 0,
      raw: null,
      'user:1': null,
    }
    for (const [key, value] of Object.entries(answers)) await cache.get(key, () => value)
    const held = async () => {
      const found: string[] = []
      for (const key of Object.keys(answers)) {
        const { status } = await cache.getEntry(key, () => 'loaded', { ttl: '1ms' })
        if (status === 'hit') found.push(key)
      }
      await clock.advance(1)
      return found
    }
    await clock.advance(1_999)
    expect(await held()).toEqual(['negative:1', 'negative:2', 'negative:3', 'raw', 'user:1'])
    expect(await held()).toEqual(['negative:3', 'raw', 'user:1'])
    await clock.advance(1_000)
    expect(await held()).toEqual(['negative:3'])
  })

  test('get_skip_isGivenButKeptNowhere', async () => {
    const { cache } = openCache()
    const told = vi.fn()
    cache.on('refused', told)
    const load = vi.fn((context: LoaderContext) => {
      context.skip()
      return 1
    })
    expect(await cache.get('a', load)).toBe(1)
    expect(await cache.get('a', load)).toBe(1)
    expect(load).toHaveBeenCalledTimes(2)
    expect(told).toHaveBeenCalledWith({ key: 'a', reason: 'skipped', detail: undefined })
    expect(cache.stats()).toMatchObject({ fills: 0, fillsRefused: { skipped: 2 }, entries: 0 })
  })
})

describe('lifetimes', () => {
  test('get_ttlOfTheRead_standsOverTheFamilys_whichStandsOverTheCaches', async () => {
    const { cache } = openCache({ keys, ttl: '1m' })
    const expiresIn = async (key: string, options?: { ttl: '1s' }) => {
      const entry = await cache.getEntry(key, () => 1, options)
      return (entry.expiresAt ?? 0) - new Date('2026-01-01T00:00:00Z').getTime()
    }
    expect(await expiresIn('raw')).toBe(60_000)
    expect(await expiresIn('user:1')).toBe(10_000)
    expect(await expiresIn('user:2', { ttl: '1s' })).toBe(1_000)
  })

  test('get_setTtl_standsOverEveryOtherRule', async () => {
    const { cache, clock } = openCache({ keys })
    const load = (context: LoaderContext) => {
      context.setTtl('2s')
      return 1
    }
    const { expiresAt } = await cache.getEntry('user:1', load, { ttl: '5s' })
    expect(expiresAt).toBe(clock.now() + 2_000)
  })

  test('get_setTtl_unreadable_rejectsAsThrown', async () => {
    const { cache } = openCache()
    const load = (context: LoaderContext) => {
      context.setTtl('soon' as never)
      return 1
    }
    await expect(cache.get('a', load)).rejects.toEqual(errorOf('INVALID_DURATION', /setTtl/))
  })

  test('get_ttlZero_neitherReadsNorStores', async () => {
    const { cache } = openCache({ keys })
    const { load } = countingLoader()
    expect(await cache.get('never:1', load)).toBe(1)
    expect(await cache.get('never:1', load)).toBe(2)
    expect(await cache.getEntry('never:1', load)).toMatchObject({
      status: 'bypass',
      tier: 'loader',
      expiresAt: undefined,
      etag: undefined,
    })
    await cache.get('a', load)
    expect(await cache.get('a', load, { ttl: 0 })).toBe(5)
    expect(await cache.get('a', load)).toBe(4)
    expect(cache.stats()).toMatchObject({ bypasses: 4, entries: 1 })
  })

  test('get_ttlByFunctionOfTheValue_zeroKeepsNothing', async () => {
    const { cache } = openCache({ ttl: ({ value }) => (value === 'draft' ? 0 : '1m') })
    const told = vi.fn()
    cache.on('refused', told)
    expect(await cache.get<string, string>('a', () => 'draft')).toBe('draft')
    expect(await cache.get<string, string>('a', () => 'final')).toBe('final')
    expect(await cache.get<string, string>('a', () => 'later')).toBe('final')
    expect(told).toHaveBeenCalledExactlyOnceWith({ key: 'a', reason: 'zero-ttl', detail: undefined })
  })

  test('get_ttlFunctionThatThrows_costsTheFill_notTheRead', async () => {
    const { cache } = openCache({
      ttl: () => {
        throw new Error('broken')
      },
    })
    const told = vi.fn()
    cache.on('refused', told)
    expect(await cache.get('a', () => 1)).toBe(1)
    expect(told).toHaveBeenCalledExactlyOnceWith({
      key: 'a',
      reason: 'uncacheable',
      detail: 'The ttl policy threw: broken',
    })
  })
})

describe('errors', () => {
  test('get_loaderFails_reachesEveryWaiterAsThrown_andIsNotCached', async () => {
    const { cache } = openCache()
    const { load, calls, call } = heldLoader<number>()
    const error = Object.assign(new Error('database'), { code: '57P01' })
    const reads = Array.from({ length: 3 }, () => cache.get('a', load))
    const many = cache.getMany(['a'], () => [1])
    ;(await call()).reject(error)
    for (const read of [...reads, many]) await expect(read).rejects.toBe(error)
    expect(calls).toHaveLength(1)
    expect(cache.stats()).toMatchObject({ loadErrors: 1, fills: 0, entries: 0 })
    expect(await cache.get('a', () => 2)).toBe(2)
  })

  test.each([
    [
      'synchronous',
      () => {
        throw new Error('broken')
      },
    ],
    [
      'asynchronous',
      async () => {
        throw new Error('broken')
      },
    ],
  ])('get_%sError_isThrownAsIs', async (_, load) => {
    const { cache } = openCache()
    await expect(cache.get('a', load)).rejects.toThrow('broken')
  })

  test.each([[undefined], [null], ['text'], [0]])('get_loaderThrows_%j_isThrownAsIs', async (thrown) => {
    const { cache } = openCache()
    const outcome = await cache
      .get('a', () => Promise.reject(thrown))
      .then(
        () => 'resolved',
        (error: unknown) => ['rejected', error],
      )
    expect(outcome).toEqual(['rejected', thrown])
  })

  test('get_backgroundErrorNobodyWaitsFor_isNoUnhandledRejection', async () => {
    const { cache, clock } = openCache({ ttl: '1s' })
    const told = vi.fn()
    cache.on('loadError', told)
    const options = { staleWhileRevalidate: '1m' } as const
    await cache.get('a', () => 1, options)
    await clock.advance(1_000)
    expect(await cache.get<string, number>('a', () => Promise.reject(new Error('broken')), options)).toBe(1)
    await settle()
    expect(told).toHaveBeenCalledTimes(1)
  })
})

describe('reload', () => {
  test('get_reload_loadsAnew_andReplaces', async () => {
    const { cache } = openCache()
    const { load } = countingLoader()
    await cache.get('a', load)
    expect(await cache.get('a', load, { freshness: 'reload' })).toBe(2)
    expect(await cache.get('a', load)).toBe(2)
  })

  test('get_committed_withMemoryAlone_isAsGoodAsBounded', async () => {
    const { cache } = openCache()
    const { load } = countingLoader()
    await cache.get('a', load)
    expect(await cache.get('a', load, { freshness: 'committed' })).toBe(1)
    await cache.invalidate({ keys: ['a'] })
    expect(await cache.get('a', load, { freshness: 'committed' })).toBe(2)
  })
})

describe('getEntry', () => {
  test('getEntry_tellsWhereFrom_ageAndEnd', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    const first = await cache.getEntry('a', () => 1)
    expect(first).toEqual({
      value: 1,
      status: 'miss',
      tier: 'loader',
      age: 0,
      expiresAt: clock.now() + 10_000,
      etag: expect.stringMatching(/^[\w-]{16}$/),
    })
    await clock.advance(4_000)
    expect(await cache.getEntry('a', () => 2)).toEqual({
      ...first,
      status: 'hit',
      tier: 'memory',
      age: 4_000,
    })
  })

  test('getEntry_etag_namesTheFill', async () => {
    const { cache } = openCache()
    const { etag } = await cache.getEntry('a', () => 1)
    expect((await cache.getEntry('a', () => 1)).etag).toBe(etag)
    expect((await cache.getEntry('a', () => 1, { freshness: 'reload' })).etag).not.toBe(etag)
  })
})

describe('peek', () => {
  test('peek_isSynchronous_andLoadsNothing', async () => {
    const { cache } = openCache()
    expect(cache.peek('a')).toBeUndefined()
    await cache.get('a', () => 1)
    expect(cache.peek('a')).toBe(1)
    expect(cache.stats().hits.memory).toBe(1)
  })

  test('peek_invalidated_isUndefined', async () => {
    const { cache } = openCache()
    await cache.get('a', () => 1)
    await cache.invalidate({ keys: ['a'] })
    expect(cache.peek('a')).toBeUndefined()
  })
})

describe('memory', () => {
  test('memory_false_keepsNothing_butSharesLoads', async () => {
    const { cache } = openCache({ memory: false })
    const { load, calls, call } = heldLoader<number>()
    const reads = [cache.get('a', load), cache.get('a', load)]
    ;(await call()).resolve(1)
    expect(await Promise.all(reads)).toEqual([1, 1])
    expect(calls).toHaveLength(1)
    expect(await cache.get<string, number>('a', () => 2)).toBe(2)
    expect(cache.peek('a')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: undefined })
    expect(cache.health().memoryLease).toBe('off')
  })

  test('memory_maxEntries_evictsTheLeastRecentlyUsed_andTells', async () => {
    const { cache } = openCache({ memory: { maxEntries: 2 } })
    const told = vi.fn()
    cache.on('evicted', told)
    for (const key of ['a', 'b']) await cache.get(key, () => key)
    await cache.get('a', () => 'a')
    await cache.get('c', () => 'c')
    expect(['a', 'b', 'c'].map((key) => cache.peek(key))).toEqual(['a', undefined, 'c'])
    expect(told).toHaveBeenCalledExactlyOnceWith({ key: 'b' })
    expect(cache.stats()).toMatchObject({ entries: 2, evictions: 1 })
  })

  test('memory_maxBytes_bounds_andAValueLargerThanAllIsNotKept', async () => {
    const { cache } = openCache({ memory: { maxBytes: 1_000 } })
    await cache.get('small', () => 'x')
    expect(await cache.get('large', () => 'x'.repeat(10_000))).toHaveLength(10_000)
    expect(cache.peek('large')).toBeUndefined()
    expect(cache.peek('small')).toBe('x')
    for (let at = 0; at < 100; at++) await cache.get(`key${at}`, () => 'y'.repeat(50))
    expect(cache.stats().bytes).toBeLessThanOrEqual(1_000)
    expect(cache.stats().entries).toBeGreaterThan(0)
  })

  test('memory_emptied_forgetsItsStamps', async () => {
    const { cache } = openCache({ memory: { maxEntries: 3 } })
    for (let at = 0; at < 50; at++) await cache.get(`key${at}`, () => at)
    expect(cache.stats().stamps).toBe(1)
    await cache.clear()
    expect(cache.stats()).toMatchObject({ entries: 0, stamps: 0 })
  })
})

test('get_thenables_areAwaited_andStartedOnce', async () => {
  const { cache } = openCache()
  const started = vi.fn()
  // As query builders are: nothing happens until somebody asks for the result.
  const query = {
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    then(resolve: (rows: string[]) => void) {
      started()
      resolve(['row'])
    },
  }
  expect(await cache.get<string, unknown>('a', () => query as never)).toEqual(['row'])
  expect(await cache.get<string, unknown>('a', () => query as never)).toEqual(['row'])
  expect(started).toHaveBeenCalledTimes(1)
})

test('get_loaderReadsTheClockItself_underTheSystemClockToo', async () => {
  // The one test under the machine's own clock: the defaults work together.
  const cache = createCache({ name: 'system-clock' })
  const value = deferred<number>()
  const read = cache.get('a', () => value.promise)
  value.resolve(1)
  expect(await read).toBe(1)
  expect((await cache.getEntry('a', () => 2)).expiresAt).toBeGreaterThan(Date.now() + 260_000)
  expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
  expect(manualClock().now()).toBe(Date.parse('2026-01-01T00:00:00Z'))
})
