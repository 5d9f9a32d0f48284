import { defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, errorOf, heldLoader, openCache } from '../support/caches.ts'

const swr = { staleWhileRevalidate: '1m' } as const
const ife = { staleIfError: '1m' } as const

describe('stale while revalidate', () => {
  test('swr_expired_isAnsweredAtOnce_andLoadedOnceInTheBackground', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1, swr)
    await clock.advance(10_000)
    const { load, calls, call } = heldLoader<number>()
    expect(await cache.getEntry('a', load, swr)).toMatchObject({
      value: 1,
      status: 'stale',
      tier: 'memory',
      age: 10_000,
    })
    expect(await cache.get('a', load, swr)).toBe(1)
    expect(calls).toHaveLength(1)
    ;(await call()).resolve(2)
    await settle()
    expect(await cache.getEntry('a', load, swr)).toMatchObject({ value: 2, status: 'hit' })
    expect(cache.stats().hits.stale).toBe(2)
  })

  test('swr_pastItsWindow_waits', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1, swr)
    await clock.advance(69_999)
    expect(await cache.get('a', heldLoader<number>().load, swr)).toBe(1)
    const { cache: other, clock: otherClock } = openCache({ ttl: '10s' })
    await other.get<string, number>('a', () => 1, swr)
    await otherClock.advance(70_000)
    expect(await other.get<string, number>('a', () => 2, swr)).toBe(2)
  })

  test('swr_aReaderThatDidNotAskForIt_waits', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1, swr)
    await clock.advance(10_000)
    expect(await cache.get<string, number>('a', () => 2)).toBe(2)
  })

  test('swr_invalidated_isNeverServed', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1, swr)
    await clock.advance(10_000)
    await cache.invalidate({ keys: ['a'] })
    expect(await cache.get<string, number>('a', () => 2, swr)).toBe(2)
    await cache.clear()
    expect(await cache.getMany<string, number>(['a'], () => [3], swr)).toEqual([3])
  })

  test('swr_itsTableWasWritten_isNeverServed', async () => {
    const dependencies = defineDependencies({ tables: { rows: ['row:*'] } })
    const { cache, clock } = openCache({ ttl: '10s', dependencies })
    for (const read of [cache.get<string, number>('row:1', () => 1, swr), cache.get('row:2', () => 1)])
      await read
    await clock.advance(10_000)
    await cache.invalidate({ table: 'rows' })
    expect(await cache.get<string, number>('row:1', () => 2, swr)).toBe(2)
    expect(await cache.getMany<string, number>(['row:2'], () => [2], swr)).toEqual([2])
  })

  test('swr_invalidatedWhileTheRefreshRuns_theRefreshIsNotKept', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1, swr)
    await clock.advance(10_000)
    const { load, call } = heldLoader<number>()
    expect(await cache.get('a', load, swr)).toBe(1)
    await cache.invalidate({ keys: ['a'] })
    ;(await call()).resolve(2)
    await settle()
    expect(cache.peek('a')).toBeUndefined()
    expect(await cache.get<string, number>('a', () => 3, swr)).toBe(3)
  })

  test('swr_getMany_answersTheStaleOnes_andLoadsThemInTheBackground', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.getMany<string, number>(['a', 'b'], () => [1, 2], swr)
    await clock.advance(10_000)
    await cache.get<string, number>('b', () => 20, swr)
    await settle()
    const load = vi.fn(async (missing: readonly string[]) => missing.map(() => 9))
    expect(await cache.getMany(['a', 'b', 'c'], load, swr)).toEqual([1, 20, 9])
    await settle()
    expect(load).toHaveBeenCalledExactlyOnceWith(['a', 'c'], expect.anything())
    expect(cache.peek('a')).toBe(9)
  })
})

describe('stale if error', () => {
  const broken = () => Promise.reject(new Error('broken'))

  test('staleIfError_loaderFails_expiredValueIsAnswered', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1)
    await clock.advance(10_000)
    expect(await cache.getEntry<string, number>('a', broken, ife)).toMatchObject({
      value: 1,
      status: 'stale',
    })
    await clock.advance(60_000)
    await expect(cache.get<string, number>('a', broken, ife)).rejects.toThrow('broken')
  })

  test('staleIfError_readersWithout_getTheError', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1)
    await clock.advance(10_000)
    const reads = [cache.get<string, number>('a', broken, ife), cache.get<string, number>('a', broken)]
    expect(await Promise.allSettled(reads)).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: new Error('broken') },
    ])
  })

  test('staleIfError_invalidated_isNeverServed', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1)
    await clock.advance(10_000)
    await cache.invalidate({ keys: ['a'] })
    await expect(cache.get<string, number>('a', broken, ife)).rejects.toThrow('broken')
  })

  test('staleIfError_invalidatedDuringTheLoad_isNeverServed', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    for (const request of [{ keys: ['a'] }, { pattern: 'a*' }]) {
      await cache.get<string, number>('a', () => 1)
      await clock.advance(10_000)
      const { load, call } = heldLoader<number>()
      const read = cache.get('a', load, ife)
      const many = cache.getMany(['a'], async () => [await load()], ife)
      await call()
      await cache.invalidate(request)
      ;(await call()).reject(new Error('broken'))
      await expect(read).rejects.toThrow('broken')
      await expect(many).rejects.toThrow('broken')
    }
  })

  test('staleIfError_getMany_answersWhatIsExpired', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.getMany<string, number>(['a', 'b'], () => [1, 2])
    await clock.advance(10_000)
    expect(await cache.getMany<string, number>(['a', 'b'], broken, ife)).toEqual([1, 2])
    await clock.advance(60_000)
    await expect(cache.getMany<string, number>(['a', 'b'], broken, ife)).rejects.toThrow('broken')
  })
})

describe('timeouts', () => {
  test('hard_passed_rejects_andTheLoadGoesOnAndFills', async () => {
    const { cache, clock } = openCache()
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load, { timeout: { hard: '2s' } })
    const outcome = expect(read).rejects.toEqual(
      errorOf('TIMEOUT', /a took longer than its hard timeout of 2000 ms/),
    )
    await call()
    await clock.advance(2_000)
    await outcome
    ;(await call()).resolve(1)
    await settle()
    expect(cache.peek('a')).toBe(1)
  })

  test('hard_notPassed_leavesNoTimer', async () => {
    const { cache, clock } = openCache()
    expect(await cache.get('a', () => 1, { timeout: { soft: '1s', hard: '2s' } })).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('hard_ofOneReader_isNotTheOthers', async () => {
    const { cache, clock } = openCache()
    const { load, call } = heldLoader<number>()
    const patient = cache.get('a', load)
    const impatient = expect(cache.get('a', load, { timeout: { hard: '1s' } })).rejects.toEqual(
      errorOf('TIMEOUT'),
    )
    await call()
    await clock.advance(1_000)
    await impatient
    ;(await call()).resolve(1)
    expect(await patient).toBe(1)
  })

  test('hard_getMany_countsFromTheCall_howeverManyItWaitsFor', async () => {
    const { cache, clock } = openCache()
    const one = heldLoader<number>()
    const other = heldLoader<number>()
    void cache.get('a', one.load)
    void cache.get('b', other.load)
    const many = cache.getMany<string, number>(['a', 'b'], () => [], { timeout: { hard: '2s' } })
    const outcome = expect(many).rejects.toEqual(errorOf('TIMEOUT'))
    await clock.advance(1_500)
    ;(await one.call()).resolve(1)
    await clock.advance(500)
    await outcome
    ;(await other.call()).resolve(2)
  })

  test.each([
    ['ttl of 0', { ttl: 0 }],
    ['a closed cache', {}],
  ])('hard_withNothingKept_%s_rejectsAllTheSame', async (what, options) => {
    const { cache, clock } = openCache()
    if (what === 'a closed cache') await cache.close()
    const { load } = heldLoader<number>()
    const outcomes = [
      cache.get('a', load, { ...options, timeout: { hard: '1s' } }),
      cache.getMany<string, number>(['a'], async () => [await load()], {
        ...options,
        timeout: { hard: '1s' },
      }),
    ].map((read) => expect(read).rejects.toEqual(errorOf('TIMEOUT')))
    await clock.advance(1_000)
    await Promise.all(outcomes)
  })

  test('hard_insideAUnit_rejectsAllTheSame', async () => {
    const { cache, clock } = openCache()
    const { load } = heldLoader<number>()
    const read = cache.unitOfWork().run(() => cache.get('a', load, { timeout: { hard: '1s' } }))
    const outcome = expect(read).rejects.toEqual(errorOf('TIMEOUT'))
    await clock.advance(1_000)
    await outcome
  })

  test('soft_passed_answersTheExpiredValue_andTheLoadGoesOn', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1)
    await clock.advance(10_000)
    const { load, call } = heldLoader<number>()
    const read = cache.getEntry('a', load, { ...ife, timeout: { soft: '200ms' } })
    await call()
    await clock.advance(200)
    expect(await read).toMatchObject({ value: 1, status: 'stale' })
    ;(await call()).resolve(2)
    await settle()
    expect(cache.peek('a')).toBe(2)
  })

  test('soft_passedWithNothingToAnswer_waitsOn', async () => {
    const { cache, clock } = openCache()
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load, { ...ife, timeout: { soft: '200ms' } })
    await call()
    await clock.advance(1_000)
    ;(await call()).resolve(1)
    expect(await read).toBe(1)
  })

  test('soft_passedAfterAnInvalidation_waitsOn', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.get<string, number>('a', () => 1)
    await clock.advance(10_000)
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load, { ...ife, timeout: { soft: '200ms' } })
    await call()
    await cache.invalidate({ keys: ['a'] })
    await clock.advance(200)
    ;(await call()).resolve(2)
    expect(await read).toBe(2)
  })

  test('soft_getMany_answersTheExpiredValues', async () => {
    const { cache, clock } = openCache({ ttl: '10s' })
    await cache.getMany<string, number>(['a', 'b'], () => [1, 2])
    await clock.advance(10_000)
    const { load, call } = heldLoader<readonly number[]>()
    const read = cache.getMany(['a', 'b'], load, { ...ife, timeout: { soft: '200ms' } })
    await call()
    await clock.advance(200)
    expect(await read).toEqual([1, 2])
    ;(await call()).resolve([3, 4])
  })
})

describe('abort signals', () => {
  test('abort_rejectsTheReader_andAbortsALoadNobodyWaitsFor', async () => {
    const { cache } = openCache()
    const controller = new AbortController()
    let loading: AbortSignal | undefined
    const read = cache.get(
      'a',
      ({ signal }) => {
        loading = signal
        return new Promise<number>(() => {})
      },
      { signal: controller.signal },
    )
    const outcome = expect(read).rejects.toEqual(errorOf('ABORTED'))
    await settle()
    expect(loading?.aborted).toBe(false)
    controller.abort(new Error('enough'))
    await outcome
    await expect(read).rejects.toMatchObject({ cause: new Error('enough'), key: 'a' })
    expect(loading?.aborted).toBe(true)
    expect(loading?.reason).toEqual(new Error('enough'))
  })

  test('abort_ofOneOfTwo_leavesTheLoadToTheOther', async () => {
    const { cache } = openCache()
    const controller = new AbortController()
    const { load, call } = heldLoader<number>()
    let loading: AbortSignal | undefined
    const patient = cache.get('a', (context) => {
      loading = context.signal
      return load()
    })
    const outcome = expect(cache.get('a', load, { signal: controller.signal })).rejects.toEqual(
      errorOf('ABORTED'),
    )
    await call()
    controller.abort()
    await outcome
    expect(loading?.aborted).toBe(false)
    ;(await call()).resolve(1)
    expect(await patient).toBe(1)
  })

  test('abort_aReaderThatComesAfterwards_doesNotShareTheAbortedLoad', async () => {
    const { cache } = openCache()
    const controller = new AbortController()
    // As a database client does it: the query ends with the signal's own error.
    const first = cache.get<string, number>(
      'a',
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => setImmediate(() => reject(signal.reason)))
        }),
      { signal: controller.signal },
    )
    const outcome = expect(first).rejects.toEqual(errorOf('ABORTED'))
    await settle()
    controller.abort()
    const second = cache.get<string, number>('a', () => 2)
    const many = cache.getMany<string, number>(['a'], () => [2])
    await outcome
    expect(await second).toBe(2)
    expect(await many).toEqual([2])
    expect(cache.peek('a')).toBe(2)
  })

  test('abort_beforeTheRead_loadsNothing', async () => {
    const { cache } = openCache()
    const load = vi.fn(() => 1)
    const signal = AbortSignal.abort(new Error('gone'))
    await expect(cache.get('a', load, { signal })).rejects.toEqual(errorOf('ABORTED'))
    await expect(cache.getMany(['a', 'b'], load as never, { signal })).rejects.toEqual(errorOf('ABORTED'))
    await settle()
    expect(load).not.toHaveBeenCalled()
    expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
  })

  test('abort_afterTheAnswer_changesNothing', async () => {
    const { cache } = openCache()
    const controller = new AbortController()
    expect(await cache.get('a', () => 1, { signal: controller.signal })).toBe(1)
    controller.abort()
    expect(cache.peek('a')).toBe(1)
  })

  test.each([
    ['ttl of 0', { ttl: 0 }],
    ['a closed cache', {}],
  ])('abort_withNothingKept_%s_reachesTheLoader', async (what, options) => {
    const { cache } = openCache()
    if (what === 'a closed cache') await cache.close()
    const controller = new AbortController()
    const signals: AbortSignal[] = []
    const never = (signal: AbortSignal) => {
      signals.push(signal)
      return new Promise<never>(() => {})
    }
    const outcomes = [
      cache.get('a', (context) => never(context.signal), { ...options, signal: controller.signal }),
      cache.getMany(['a'], (_, context) => never(context.signal), { ...options, signal: controller.signal }),
    ].map((read) => expect(read).rejects.toEqual(errorOf('ABORTED')))
    await settle()
    controller.abort()
    await Promise.all(outcomes)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('abort_ofABatch_whileAnotherReaderWaitsForOneOfItsKeys_abortsNothing', async () => {
    for (const shared of ['a', 'b']) {
      const { cache } = openCache()
      const controller = new AbortController()
      const { load, call } = heldLoader<number[]>()
      let loading: AbortSignal | undefined
      const many = cache.getMany(
        ['a', 'b'],
        (_, context) => {
          loading = context.signal
          return load()
        },
        { signal: controller.signal },
      )
      const outcome = expect(many).rejects.toEqual(errorOf('ABORTED'))
      const other = cache.get<string, number>(shared, () => 9)
      await call()
      controller.abort()
      await outcome
      expect(loading?.aborted).toBe(false)
      ;(await call()).resolve([1, 2])
      expect(await other).toBe(shared === 'a' ? 1 : 2)
    }
  })

  test('abort_ofABatchNobodyElseWaitsFor_abortsItsLoad', async () => {
    const { cache } = openCache()
    const controller = new AbortController()
    let loading: AbortSignal | undefined
    const many = cache.getMany(
      ['a', 'b'],
      (_, context) => {
        loading = context.signal
        return new Promise<number[]>(() => {})
      },
      { signal: controller.signal },
    )
    const outcome = expect(many).rejects.toEqual(errorOf('ABORTED'))
    await settle()
    controller.abort()
    await outcome
    expect(loading?.aborted).toBe(true)
  })

  test('abort_ofASingleRead_doesNotAbortWhatABatchWaitsFor', async () => {
    const { cache } = openCache()
    const controller = new AbortController()
    const first = heldLoader<number>()
    const second = heldLoader<number>()
    const slow = cache.get('a', first.load)
    let loading: AbortSignal | undefined
    const gone = cache.get(
      'b',
      (context) => {
        loading = context.signal
        return second.load()
      },
      { signal: controller.signal },
    )
    const outcome = expect(gone).rejects.toEqual(errorOf('ABORTED'))
    const many = cache.getMany<string, number>(['a', 'b'], () => [])
    await settle()
    controller.abort()
    await outcome
    expect(loading?.aborted).toBe(false)
    ;(await second.call()).resolve(2)
    ;(await first.call()).resolve(1)
    expect(await many).toEqual([1, 2])
    expect(await slow).toBe(1)
  })
})

test('patience_freshReadsWithPatience_areHitsLikeAnyOther', async () => {
  const { cache } = openCache()
  const { load } = countingLoader()
  const options = {
    ...swr,
    ...ife,
    timeout: { soft: '1ms', hard: '2ms' },
    signal: new AbortController().signal,
  } as const
  expect(await cache.get('a', load, options)).toBe(1)
  expect(await cache.get('a', load, options)).toBe(1)
})
