import type { CacheOptions } from 'coherent-cache'
import { type ManualClock, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { earliestMs, isDue } from '../../src/lifetimes/refresh-ahead.ts'
import { type Deferred, heldLoader, openCache, openFleet } from '../support/caches.ts'

const LOAD_MS = 1_000
/** A chance of which a load of 1 s makes a refresh due in the last two seconds of a lifetime. */
const LAST_TWO_SECONDS = 1 - Math.exp(-2)

function chance(fraction: () => number) {
  let tokens = 0
  return { token: () => String(++tokens).padStart(16, '-'), fraction }
}

/** Lets a load take its second. */
async function loadFor<T>(clock: ManualClock, call: Promise<Deferred<T>>, value: T) {
  const load = await call
  await clock.advance(LOAD_MS)
  load.resolve(value)
  await settle()
}

/** A cache that has loaded `a` in a second, for ten. */
async function loaded(options: Partial<Pick<CacheOptions, 'refreshAhead' | 'staleIfError'>> = {}) {
  const opened = openCache({
    ttl: '10s',
    refreshAhead: true,
    randomness: chance(() => LAST_TWO_SECONDS),
    ...options,
  })
  const { load, calls, call } = heldLoader<number>()
  const first = opened.cache.get('a', load)
  await loadFor(opened.clock, call(), 1)
  await first
  return { ...opened, load, calls, call }
}

describe('refreshAhead', () => {
  test('nearItsEnd_isLoadedInTheBackground_andNobodyWaits', async () => {
    const { cache, clock, load, calls, call } = await loaded()
    await clock.advance(7_999)
    expect(await cache.get('a', load)).toBe(1)
    expect(calls).toHaveLength(1)
    await clock.advance(1)
    const reasons: string[] = []
    cache.on('miss', ({ reason }) => reasons.push(reason))
    expect(await cache.getEntry('a', load)).toMatchObject({ value: 1, status: 'hit', tier: 'memory' })
    expect(await cache.get('a', load)).toBe(1)
    await call(1)
    expect([calls.length, reasons]).toEqual([2, ['ahead']])
    await loadFor(clock, call(1), 2)
    expect(cache.peek('a')).toBe(2)
    await clock.advance(7_999)
    expect(await cache.get('a', load)).toBe(2)
    expect(calls).toHaveLength(2)
  })

  test('read_byNobody_isNotRefreshed', async () => {
    const { cache, clock, calls } = await loaded()
    await clock.advance(20_000)
    expect(calls).toHaveLength(1)
    expect(cache.peek('a')).toBeUndefined()
  })

  test('peek_answersToTheEnd_andRefreshesNothing', async () => {
    const { cache, clock, calls } = await loaded()
    await clock.advance(9_999)
    expect(cache.peek('a')).toBe(1)
    await settle()
    expect(calls).toHaveLength(1)
  })

  test('endedWhileItsRefreshRuns_readersWaitForThat', async () => {
    const { cache, clock, load, calls, call } = await loaded()
    await clock.advance(9_500)
    expect(await cache.get('a', load)).toBe(1)
    await call(1)
    await clock.advance(500)
    const waiting = cache.get('a', load)
    await loadFor(clock, call(1), 2)
    expect(await waiting).toBe(2)
    expect(calls).toHaveLength(2)
  })

  test('invalidatedWhileItsRefreshRuns_isNeitherKeptNorShared', async () => {
    const { cache, clock, load, call } = await loaded()
    await clock.advance(8_000)
    expect(await cache.get('a', load)).toBe(1)
    await call(1)
    await cache.invalidate({ keys: ['a'] })
    const after = cache.get('a', () => 3)
    await loadFor(clock, call(1), 2)
    expect(await after).toBe(3)
    expect(cache.peek('a')).toBe(3)
  })

  test('itsLoadFails_theValueStays_andTheLoaderIsNotHammered', async () => {
    const { cache, clock, load, calls, call } = await loaded()
    await clock.advance(8_000)
    expect(await cache.get('a', load)).toBe(1)
    ;(await call(1)).reject(new Error('broken'))
    await settle()
    for (let read = 0; read < 9; read++) {
      expect(await cache.get('a', load)).toBe(1)
      await clock.advance(100)
    }
    expect(calls).toHaveLength(2)
    await clock.advance(200)
    expect(await cache.get('a', load)).toBe(1)
    await call(2)
  })

  test('getMany_refreshesInOneGo', async () => {
    const { cache, clock } = await loaded()
    const asked: (readonly string[])[] = []
    const many = async (missing: readonly string[]) => {
      asked.push(missing)
      return missing.map(() => 7)
    }
    await cache.getMany(['a', 'b'], many)
    await clock.advance(9_000)
    expect(await cache.getMany(['a', 'b'], many)).toEqual([1, 7])
    await settle()
    expect(asked).toEqual([['b'], ['a', 'b']])
    expect(cache.peek('a')).toBe(7)
  })

  test('off_byDefault', async () => {
    const { cache, clock, load, calls } = await loaded({ refreshAhead: undefined })
    await clock.advance(9_999)
    expect(await cache.get('a', load)).toBe(1)
    await settle()
    expect(calls).toHaveLength(1)
  })

  test('beta_refreshesEarlier', async () => {
    const { cache, clock, load, calls, call } = await loaded({ refreshAhead: { beta: 2 } })
    await clock.advance(5_999)
    await cache.get('a', load)
    expect(calls).toHaveLength(1)
    await clock.advance(1)
    await cache.get('a', load)
    await call(1)
  })

  test('insideATransaction_nothingIsRefreshed', async () => {
    const { cache, clock } = await loaded()
    await clock.advance(9_000)
    const unit = cache.unitOfWork()
    // Not certain to have written nothing: it reads past the cache.
    expect(await unit.run(() => cache.get('a', () => 9))).toBe(9)
    await settle()
    expect(cache.peek('a')).toBe(1)
    await unit.rollback()
  })
})

describe('refreshAhead in a fleet', () => {
  /** Two processes, one of which has loaded `a` in a second, for ten, of which nine have passed. */
  async function fleet() {
    let fraction = 0
    const randomness = chance(() => fraction)
    const opened = await openFleet(2, { ttl: '10s', refreshAhead: true, randomness })
    const [one, other] = opened.fleet as [(typeof opened.fleet)[0], (typeof opened.fleet)[0]]
    const { clock } = opened
    const { load, calls, call } = heldLoader<number>()
    for (const [cache, key] of [
      [one, 'a'],
      [other, 'b'],
    ] as const) {
      const first = cache.get(key, load)
      await loadFor(clock, call(calls.length), 1)
      await first
    }
    await clock.advance(8_000)
    const luck = (next: boolean) => {
      fraction = next ? LAST_TWO_SECONDS : 0
    }
    return { one, other, clock, load, calls, call, luck }
  }

  test('one process loads, the other is answered what is there, then what that has loaded', async () => {
    const { one, other, clock, load, calls, call, luck } = await fleet()
    luck(true)
    expect(await one.get('a', load)).toBe(1)
    await call(2)
    expect(await other.get('a', load)).toBe(1)
    await settle()
    expect(await other.get('a', load)).toBe(1)
    await settle()
    expect(calls).toHaveLength(3)
    ;(await call(2)).resolve(2)
    await settle()
    luck(false)
    await clock.advance(1_000)
    expect(await one.get('a', load)).toBe(2)
    expect(await other.get('a', load)).toBe(2)
    expect(calls).toHaveLength(3)
  })

  test('invalidated by another process while it runs, it fills nothing', async () => {
    const { one, other, load, call, luck } = await fleet()
    luck(true)
    expect(await one.get('a', load)).toBe(1)
    await call(2)
    luck(false)
    await other.invalidate({ keys: ['a'] })
    ;(await call(2)).resolve(2)
    await settle()
    expect(await other.get('a', () => 3)).toBe(3)
    expect(await one.get('a', () => 4)).toBe(3)
  })

  test('a value that another process has refreshed already is taken, not loaded', async () => {
    const { one, other, load, calls, call, luck } = await fleet()
    // Under its lease it holds the old one in memory.
    await other.get('a', load)
    await settle()
    expect(await other.getEntry('a', load)).toMatchObject({ tier: 'store' })
    expect(await other.getEntry('a', load)).toMatchObject({ tier: 'memory' })
    luck(true)
    expect(await one.get('a', load)).toBe(1)
    ;(await call(2)).resolve(2)
    await settle()
    expect(await other.getEntry('a', load)).toMatchObject({ value: 1, tier: 'memory' })
    await settle()
    luck(false)
    expect(await other.get('a', load)).toBe(2)
    expect(calls).toHaveLength(3)
  })
})

describe('the rule', () => {
  test('isDue_atAndAfterTheEnd_always', () => {
    expect(isDue(0, 100, 1, 0)).toBe(true)
    expect(isDue(-1, 100, 1, 0)).toBe(true)
    expect(isDue(1, 0, 1, 0.999)).toBe(false)
  })

  test('isDue_isAsLikelyAsThePaperSays', () => {
    for (const left of [50, 100, 300]) {
      const draws = 20_000
      let due = 0
      for (let at = 0; at < draws; at++) if (isDue(left, 100, 1, at / draws)) due++
      expect(due / draws).toBeCloseTo(Math.exp(-left / 100), 3)
    }
  })

  test('earliest_isHardlyEverMissed', () => {
    expect(Math.exp(-earliestMs(100, 2) / 200)).toBeLessThan(5e-5)
  })
})
