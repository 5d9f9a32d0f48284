import { defineDependencies, type Mark } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, errorOf, heldLoader, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { t: ['a*'] } })

describe('mark and set', () => {
  test('set_afterMark_isKept', async () => {
    const { cache, clock } = openCache()
    const mark = await cache.mark('a')
    expect(mark).toMatchObject({ key: 'a' })
    expect(await cache.set('a', 1, { mark, ttl: '2s' })).toBe(true)
    expect(await cache.getEntry<string, number>('a', () => 2)).toMatchObject({
      value: 1,
      status: 'hit',
      expiresAt: clock.now() + 2_000,
    })
  })

  test.each([[undefined], [null], [0], ['']])('set_%j_isAValue', async (value) => {
    const { cache } = openCache()
    expect(await cache.set<string, unknown>('a', value, { mark: await cache.mark('a') })).toBe(true)
    expect(await cache.getEntry<string, unknown>('a', () => 'loaded')).toMatchObject({ status: 'hit', value })
  })

  test('set_replacesAValidValue', async () => {
    const { cache } = openCache()
    await cache.get('a', () => 1)
    const mark = await cache.mark('a')
    expect(cache.peek('a')).toBe(1)
    expect(await cache.set('a', 2, { mark })).toBe(true)
    expect(cache.peek('a')).toBe(2)
  })

  test.each([
    ['its table', { table: 't' }],
    ['its key', { keys: ['a'] }],
    ['a pattern', { pattern: 'a' }],
    ['an own pattern', { pattern: 'a*' }],
  ])('set_invalidatedSinceTheMark_by_%s_isNotKept', async (_, request) => {
    const { cache } = openCache({ dependencies })
    const mark = await cache.mark('a')
    await cache.invalidate(request)
    expect(await cache.set('a', 1, { mark })).toBe(false)
    expect(cache.peek('a')).toBeUndefined()
  })

  test('set_otherKeyInvalidated_isKept', async () => {
    const { cache } = openCache({ dependencies })
    const mark = await cache.mark('a')
    await cache.invalidate({ keys: ['b'] })
    expect(await cache.set('a', 1, { mark })).toBe(true)
  })

  test('set_clearedSinceTheMark_isNotKept', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    await cache.clear()
    expect(await cache.set('a', 1, { mark })).toBe(false)
  })

  test('set_zeroTtl_isNotKept', async () => {
    const { cache } = openCache()
    expect(await cache.set('a', 1, { mark: await cache.mark('a'), ttl: 0 })).toBe(false)
  })

  test('set_uncacheableValue_isNotKept', async () => {
    const { cache } = openCache({ memory: { isolate: 'clone' } })
    expect(await cache.set('a', new (class Money {})(), { mark: await cache.mark('a') })).toBe(false)
  })
})

describe('readers meanwhile', () => {
  test('get_betweenMarkAndSet_loadsForItself_andKeepsNothing', async () => {
    const { cache } = openCache()
    const told = vi.fn()
    cache.on('refused', told)
    const { load } = countingLoader()
    const mark = await cache.mark('a')
    expect(await cache.get('a', load)).toBe(1)
    expect(await cache.get('a', load)).toBe(2)
    expect(told).toHaveBeenCalledWith({ key: 'a', reason: 'no-claim', detail: undefined })
    expect(await cache.set('a', 9, { mark })).toBe(true)
    expect(await cache.get('a', load)).toBe(9)
  })

  test('set_whileAReaderLoads_isKept_andTheReadersValueIsNot', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load)
    await call()
    expect(await cache.set('a', 9, { mark })).toBe(true)
    ;(await call()).resolve(1)
    expect(await read).toBe(1)
    expect(cache.peek('a')).toBe(9)
  })

  test('mark_whileAReaderLoads_takesTheRightToFill', async () => {
    const { cache } = openCache()
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load)
    await call()
    const mark = await cache.mark('a')
    ;(await call()).resolve(1)
    expect(await read).toBe(1)
    expect(cache.peek('a')).toBeUndefined()
    expect(await cache.set('a', 2, { mark })).toBe(true)
    expect(cache.peek('a')).toBe(2)
  })

  test('set_afterAReload_doesNotReplaceWhatIsNewer', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    expect(await cache.get<string, number>('a', () => 2, { freshness: 'reload' })).toBe(2)
    expect(await cache.set('a', 1, { mark })).toBe(false)
    expect(cache.peek('a')).toBe(2)
  })

  test('set_twoMarks_theLaterOneFills', async () => {
    const { cache } = openCache()
    const first = await cache.mark('a')
    const second = await cache.mark('a')
    expect(await cache.set('a', 1, { mark: first })).toBe(false)
    expect(await cache.set('a', 2, { mark: second })).toBe(true)
    expect(cache.peek('a')).toBe(2)
  })

  test('set_twoMarksTheLaterFirst_theLaterOneStays', async () => {
    const { cache } = openCache()
    const first = await cache.mark('a')
    const second = await cache.mark('a')
    expect(await cache.set('a', 2, { mark: second })).toBe(true)
    expect(await cache.set('a', 1, { mark: first })).toBe(false)
    expect(cache.peek('a')).toBe(2)
  })
})

describe('refused', () => {
  test.each([
    ['no options', undefined],
    ['no mark', {}],
    ['a mark that is none', { mark: { key: 'a', nonce: 'forged' } }],
    ['a mark that is text', { mark: 'a' }],
  ])('set_%s_refused', async (_, options) => {
    const { cache } = openCache()
    await expect(cache.set('a', 1, options as never)).rejects.toEqual(
      errorOf('INVALID_MARK', /is no open mark/),
    )
  })

  test('set_markOfAnotherKey_refused_andStaysOpen', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    await expect(cache.set('b', 1, { mark: mark as Mark as never })).rejects.toEqual(
      errorOf('INVALID_MARK', /is for "a", not for "b"/),
    )
    expect(await cache.set('a', 1, { mark })).toBe(true)
  })

  test('set_twice_refused', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    await cache.set('a', 1, { mark })
    await expect(cache.set('a', 2, { mark })).rejects.toEqual(errorOf('INVALID_MARK'))
  })

  test('set_badOption_refused_andTheMarkStaysOpen', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    await expect(cache.set('a', 1, { mark, ttl: 'soon' as never })).rejects.toEqual(
      errorOf('INVALID_DURATION'),
    )
    await expect(cache.set('a', 1, { mark, tll: '5s' } as never)).rejects.toEqual(
      errorOf('INVALID_OPTION', /"tll"/),
    )
    expect(await cache.set('a', 1, { mark })).toBe(true)
    expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
  })

  test('markAndSet_insideAUnit_refused', async () => {
    const { cache } = openCache()
    const mark = await cache.mark('a')
    await cache.unitOfWork().run(async () => {
      await expect(cache.mark('a')).rejects.toEqual(errorOf('INSIDE_UNIT'))
      await expect(cache.set('a', 1, { mark })).rejects.toEqual(errorOf('INSIDE_UNIT', /after the commit/))
    })
    expect(await cache.set('a', 1, { mark })).toBe(true)
  })
})

describe('a mark that nobody comes back for', () => {
  test('mark_expired_isGivenUp_andReadersFillAgain', async () => {
    const { cache, clock } = openCache()
    const mark = await cache.mark('a')
    await clock.advance(30_000)
    await expect(cache.set('a', 1, { mark })).rejects.toEqual(errorOf('INVALID_MARK', /for 30 seconds/))
    await cache.get('a', () => 2)
    expect(cache.peek('a')).toBe(2)
    expect(clock.pending).toBe(0)
  })

  test('mark_openWhenTheCacheCloses_isNotWaitedForEndlessly', async () => {
    const { cache, clock } = openCache()
    const mark = await cache.mark('a')
    const closing = cache.close({ timeout: '1s' })
    await clock.advance(1_000)
    await closing
    await expect(cache.set('a', 1, { mark })).rejects.toEqual(errorOf('CACHE_CLOSED'))
    await expect(cache.mark('a')).rejects.toEqual(errorOf('CACHE_CLOSED'))
    expect(clock.pending).toBe(0)
  })
})

describe('in a fleet', () => {
  test('set_replacingAValue_isHeardElsewhere', async () => {
    const { fleet } = await openFleet(2, { dependencies })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    await one.get('a', () => 1)
    expect(await other.get<string, number>('a', () => 9)).toBe(1)
    const mark = await one.mark('a')
    expect(await one.set('a', 2, { mark })).toBe(true)
    await settle()
    expect(await other.get<string, number>('a', () => 9)).toBe(2)
    expect(await one.get<string, number>('a', () => 9)).toBe(2)
  })

  test('set_invalidatedElsewhereSinceTheMark_isNotKept', async () => {
    const { fleet } = await openFleet(2, { dependencies })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const mark = await one.mark('a')
    await other.invalidate({ table: 't' })
    expect(await one.set('a', 1, { mark })).toBe(false)
    const again = await one.mark('a')
    await other.invalidate({ keys: ['a'] })
    expect(await one.set('a', 1, { mark: again })).toBe(false)
  })
})
