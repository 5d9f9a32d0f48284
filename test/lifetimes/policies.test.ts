import {
  byAge,
  type Cache,
  type CacheOptions,
  createCache,
  defineKeys,
  type FamilyDefinition,
  type LifetimePolicy,
  type Store,
  type StoreDriver,
} from 'coherent-cache'
import { type ManualClock, manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { countingLoader, errorOf, openCache, openFleet } from '../support/caches.ts'

/** Chance in hand: the fractions given, over and over. */
function chance(...fractions: readonly number[]) {
  let tokens = 0
  let drawn = 0
  return {
    token: () => String(++tokens).padStart(16, '-'),
    fraction: () => fractions[drawn++ % fractions.length] as number,
  }
}

/** Lets time pass while memory is in use, so that its lease is kept. */
async function passReading(cache: Pick<Cache, 'get'>, clock: ManualClock, milliseconds: number) {
  for (let left = milliseconds; left > 0; left -= 300) {
    await cache.get('in use', () => true)
    await clock.advance(Math.min(left, 300))
  }
}

describe('jitter', () => {
  const lengths = async (options: Pick<CacheOptions, 'jitter' | 'ttl' | 'randomness'>, count = 1) => {
    const { cache, clock } = openCache(options)
    const found: number[] = []
    for (let at = 0; at < count; at++) {
      const { expiresAt = 0 } = await cache.getEntry(`k${at}`, () => at)
      found.push(expiresAt - clock.now())
    }
    return found
  }

  test('jitter_byDefault_cutsUpToATenth_neverLengthens', async () => {
    const drawn = { jitter: undefined, ttl: '100s', randomness: chance(0, 0.5, 0.999_999_999) } as const
    expect(await lengths(drawn, 3)).toEqual([100_000, 95_000, 90_000])
    const many = await lengths({ jitter: undefined, ttl: '100s' }, 200)
    expect(Math.max(...many)).toBeLessThanOrEqual(100_000)
    expect(Math.min(...many)).toBeGreaterThanOrEqual(90_000)
    expect(new Set(many).size).toBeGreaterThan(100)
  })

  test('jitter_0_isOff_and_1_mayLeaveAMillisecond', async () => {
    expect(await lengths({ jitter: 0, ttl: '100s', randomness: chance(0.9) })).toEqual([100_000])
    expect(await lengths({ jitter: 1, ttl: '100s', randomness: chance(0.999_999_999) })).toEqual([1])
  })

  test('jitter_ofTheFamily_standsOverTheCaches', async () => {
    const keys = defineKeys({ a: { key: 'a:{id}', jitter: 0.5 }, b: 'b:{id}' })
    const { cache, clock } = openCache({ keys, jitter: 0, ttl: '100s', randomness: chance(0.5) })
    const left = async (key: string) => ((await cache.getEntry(key, () => 1)).expiresAt ?? 0) - clock.now()
    expect(await left(keys.a({ id: 1 }))).toBe(75_000)
    expect(await left(keys.b({ id: 1 }))).toBe(100_000)
  })

  test('jitter_isDrawnOnce_forTheWholeFleet', async () => {
    const { fleet } = await openFleet(3, { jitter: 0.5, ttl: '100s' })
    const ends: (number | undefined)[] = []
    for (const cache of fleet) ends.push((await cache.getEntry('a', () => 1)).expiresAt)
    expect(new Set(ends).size).toBe(1)
  })

  test('jitter_cutsWhatReaderAndLoaderName_too', async () => {
    const { cache, clock } = openCache({ jitter: 0.5, randomness: chance(0.5) })
    const byReader = await cache.getEntry('a', () => 1, { ttl: '100s' })
    const byLoader = await cache.getEntry('b', ({ setTtl }) => setTtl('10s'))
    expect([byReader, byLoader].map(({ expiresAt = 0 }) => expiresAt - clock.now())).toEqual([75_000, 7_500])
  })
})

describe('memoryTtl', () => {
  test('memoryTtl_over_asksTheStore_andLoadsNothing', async () => {
    const { fleet, clock } = await openFleet(1, { ttl: '60s', memoryTtl: '10s' })
    const [cache] = fleet as [(typeof fleet)[0]]
    const { load } = countingLoader()
    const tier = async () => (await cache.getEntry('a', load)).tier
    expect(await tier()).toBe('loader')
    await passReading(cache, clock, 9_999)
    expect(await tier()).toBe('memory')
    await clock.advance(1)
    expect(cache.peek('a')).toBeUndefined()
    expect(await tier()).toBe('store')
    expect(cache.peek('a')).toBe(1)
    await passReading(cache, clock, 9_999)
    expect(await tier()).toBe('memory')
  })

  test('memoryTtl_aRefill_neverOutlivesTheEntry', async () => {
    const { fleet, clock } = await openFleet(2, { ttl: '60s', memoryTtl: '50s' })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const { load } = countingLoader()
    const { expiresAt } = await one.getEntry('a', load)
    await passReading(other, clock, 40_000)
    expect(await other.getEntry('a', load)).toMatchObject({ value: 1, tier: 'store', expiresAt })
    await passReading(other, clock, 19_999)
    expect(await other.getEntry('a', load)).toMatchObject({ value: 1, tier: 'memory', expiresAt })
    await clock.advance(1)
    expect(await other.get('a', load)).toBe(2)
  })

  test('memoryTtl_withoutAStore_limitsTheLifetime', async () => {
    const { cache, clock } = openCache({ ttl: '60s', memoryTtl: '10s' })
    const { load } = countingLoader()
    const { expiresAt = 0 } = await cache.getEntry('a', load)
    expect(expiresAt - clock.now()).toBe(10_000)
    await clock.advance(10_000)
    expect(await cache.get('a', load)).toBe(2)
  })

  test('memoryTtl_over_getMany_asksTheStoreToo', async () => {
    const { fleet, clock } = await openFleet(1, { ttl: '60s', memoryTtl: '10s' })
    const [cache] = fleet as [(typeof fleet)[0]]
    const { load } = countingLoader()
    await cache.getMany(['a'], async () => [await load()])
    await clock.advance(10_000)
    expect(await cache.getMany(['a'], async () => [await load()])).toEqual([1])
    expect(cache.stats().hits.store).toBe(1)
  })

  test('memoryTtl_over_staleOptions_doNotServeWhatTheStoreMayKnowBetter', async () => {
    const { fleet, clock } = await openFleet(2, { ttl: '60s', memoryTtl: '10s', staleWhileRevalidate: '1h' })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    await one.get('a', () => 'old')
    await clock.advance(10_000)
    await other.get('a', () => 'new', { freshness: 'reload' })
    expect(await one.get('a', () => 'unexpected')).toBe('new')
  })
})

describe('idleTtl', () => {
  test('idleTtl_eachReadPutsTheEndOff_upToTheTtl', async () => {
    const { cache, clock } = openCache({ ttl: '60s', idleTtl: '10s' })
    const { load } = countingLoader()
    await cache.get('a', load)
    for (let second = 0; second < 54; second += 9) {
      expect(await cache.get('a', load)).toBe(1)
      await clock.advance(9_000)
    }
    expect(cache.peek('a')).toBe(1)
    await clock.advance(6_000)
    expect(await cache.get('a', load)).toBe(2)
  })

  test('idleTtl_notRead_ends', async () => {
    const { cache, clock } = openCache({ ttl: '60s', idleTtl: '10s' })
    const { load } = countingLoader()
    await cache.get('a', load)
    await clock.advance(9_999)
    expect(cache.peek('a')).toBe(1)
    await clock.advance(10_000)
    expect(cache.peek('a')).toBeUndefined()
    expect(await cache.get('a', load)).toBe(2)
  })

  test('idleTtl_expiresAt_isTheEndIfNobodyReads', async () => {
    const { cache, clock } = openCache({ ttl: '15s', idleTtl: '10s' })
    const left = async () => ((await cache.getEntry('a', () => 1)).expiresAt ?? 0) - clock.now()
    expect(await left()).toBe(10_000)
    await clock.advance(8_000)
    expect(await left()).toBe(7_000)
  })

  test('idleTtl_readInOneProcess_keepsItForTheOthers', async () => {
    const { fleet, clock } = await openFleet(2, { ttl: '10m', idleTtl: '20s' })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const { load } = countingLoader()
    await one.get('a', load)
    for (let reads = 0; reads < 20; reads++) {
      await clock.advance(5_000)
      expect(await one.get('a', load)).toBe(1)
    }
    expect(await other.getEntry('a', load)).toMatchObject({ value: 1, tier: 'store' })
  })

  test('idleTtl_readByNobody_endsInTheStoreToo', async () => {
    const { fleet, clock } = await openFleet(2, { ttl: '10m', idleTtl: '20s' })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const { load } = countingLoader()
    await one.get('a', load)
    await clock.advance(20_000)
    expect(await other.get('a', load)).toBe(2)
  })

  test('idleTtl_readOutOfTheStoreAlone_isPutOffToo', async () => {
    const { fleet, clock } = await openFleet(1, { memory: false, ttl: '10m', idleTtl: '20s' })
    const [cache] = fleet as [(typeof fleet)[0]]
    const { load } = countingLoader()
    await cache.get('a', load)
    for (let reads = 0; reads < 10; reads++) {
      await clock.advance(8_000)
      expect(await cache.get('a', load)).toBe(1)
    }
    await clock.advance(20_000)
    expect(await cache.get('a', load)).toBe(2)
  })

  test.each([
    ['bounded', true],
    ['committed', true],
    ['committed', false],
  ] as const)('idleTtl_theStoreIsTold_noMoreThanFourTimesInIt %s %s', async (freshness, memory) => {
    const clock = manualClock()
    const server = memoryStore({ clock })
    let told = 0
    const connect: StoreDriver['connect'] = (session) => {
      const store = server.connect(session)
      const prolong: Store['prolong'] = (...args) => {
        told++
        return store.prolong(...args)
      }
      return new Proxy(store, {
        get: (_, name) => {
          if (name === 'prolong') return prolong
          const member: unknown = Reflect.get(store, name, store)
          return typeof member === 'function' ? member.bind(store) : member
        },
      })
    }
    const store: StoreDriver = { kind: server.kind, holdsValues: true, connect }
    const { cache } = openCache({ clock, store, ttl: '10m', idleTtl: '20s', ...(memory ? {} : { memory }) })
    await cache.ready()
    const { load } = countingLoader()
    for (let reads = 0; reads <= 400; reads++) {
      expect(await cache.get('a', load, { freshness })).toBe(1)
      await clock.advance(100)
    }
    expect(told).toBeGreaterThanOrEqual(7)
    expect(told).toBeLessThanOrEqual(8)
  })

  test('idleTtl_invalidated_isGoneHoweverOftenItIsRead', async () => {
    const { fleet } = await openFleet(2, { ttl: '10m', idleTtl: '20s' })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const { load } = countingLoader()
    await one.get('a', load)
    await one.get('a', load)
    await other.invalidate({ keys: ['a'] })
    await settle()
    expect(await one.get('a', load)).toBe(2)
  })
})

test('aPolicyMadeByHand_mayHandOnACopyOfWhatItWasGiven', async () => {
  const keys = defineKeys({ dated: 'dated:{date}' })
  const byDate = byAge('date', { tiers: { 0: '5s' }, beyond: '1m' })
  const ttl: LifetimePolicy = {
    ...byDate,
    lifetime: (context) => byDate.lifetime({ ...context, now: context.now + 1 }),
  }
  const { cache } = openCache({ keys })
  const key = keys.dated({ date: '2020-01-01' })
  expect(await cache.get(key, () => 1, { ttl })).toBe(1)
  expect(cache.peek(key)).toBe(1)
})

describe('what overrides what', () => {
  const keys = defineKeys({
    a: { key: 'a:{id}', ttl: '10s', negativeTtl: '1s' },
    b: 'b:{id}',
    dated: 'dated:{date}',
  })

  test('setPolicy_ofAFamily_standsOverItsDeclaration_untilTakenBack', async () => {
    const { cache, clock } = openCache({ keys })
    const left = async (key: string) => {
      await cache.invalidate({ keys: [key] })
      return ((await cache.getEntry(key, () => 1)).expiresAt ?? 0) - clock.now()
    }
    const [a, b] = [keys.a({ id: 1 }), keys.b({ id: 1 })]
    expect([await left(a), await left(b)]).toEqual([10_000, 300_000])
    cache.setPolicy({ ttl: '2s' }, keys.a)
    cache.setPolicy({ ttl: '3s' })
    expect([await left(a), await left(b), await left('raw')]).toEqual([2_000, 3_000, 3_000])
    cache.setPolicy({}, keys.a)
    expect([await left(a), await left(b)]).toEqual([10_000, 3_000])
    cache.setPolicy({ ttl: undefined })
    expect(await left(b)).toBe(300_000)
  })

  test('setPolicy_leavesWhatIsCached_asItWasFilled', async () => {
    const { cache, clock } = openCache({ keys })
    const { load } = countingLoader()
    const key = keys.a({ id: 1 })
    await cache.get(key, load)
    cache.setPolicy({ ttl: '1s' }, keys.a)
    await clock.advance(5_000)
    expect(await cache.get(key, load)).toBe(1)
    await clock.advance(5_000)
    expect(await cache.get(key, load)).toBe(2)
    await clock.advance(1_000)
    expect(await cache.get(key, load)).toBe(3)
  })

  test('setPolicy_ttl0_neitherReadsNorStores', async () => {
    const { cache } = openCache({ keys })
    const { load } = countingLoader()
    await cache.get(keys.a({ id: 1 }), load)
    await cache.get(keys.b({ id: 1 }), () => 'kept')
    cache.setPolicy({ ttl: 0 }, keys.a)
    expect(await cache.getEntry(keys.a({ id: 1 }), load)).toMatchObject({ value: 2, status: 'bypass' })
    // Nor does the way of a memory hit.
    expect(await cache.get(keys.a({ id: 1 }), load)).toBe(3)
    expect([cache.peek(keys.a({ id: 1 })), cache.peek(keys.b({ id: 1 }))]).toEqual([undefined, 'kept'])
  })

  test('aPolicyOfOnesOwn_thatThrows_costsTheFill_notTheRead_norTheSetting', async () => {
    const { cache } = openCache({ keys })
    const refused: unknown[] = []
    cache.on('refused', ({ reason, detail }) => refused.push([reason, detail]))
    await cache.get(keys.a({ id: 1 }), () => 1)
    const broken: LifetimePolicy = {
      description: 'a broken one',
      parameters: [],
      lifetime: () => {
        throw new Error('broken')
      },
    }
    cache.setPolicy({ ttl: broken }, keys.a)
    expect(await cache.get(keys.a({ id: 1 }), () => 2)).toBe(1)
    expect(await cache.get(keys.a({ id: 2 }), () => 2)).toBe(2)
    expect(refused).toEqual([['uncacheable', 'The ttl policy threw: broken']])
  })

  test('staleOptions_ofTheFamily_holdForReadsThatSayNothing', async () => {
    const { cache, clock } = openCache({ keys, staleIfError: '1m' })
    const broken = () => Promise.reject(new Error('broken'))
    const key = keys.a({ id: 1 })
    await cache.get(key, () => 1)
    await clock.advance(10_000)
    expect(await cache.getEntry(key, broken)).toMatchObject({ value: 1, status: 'stale' })
    await expect(cache.get(key, broken, { staleIfError: 0 })).rejects.toThrow('broken')
    cache.setPolicy({ staleIfError: 0 }, keys.a)
    await expect(cache.get(key, broken)).rejects.toThrow('broken')
  })

  test('timeout_ofTheCache_halfOverriddenByTheRead', async () => {
    const { cache, clock } = openCache({ timeout: { soft: '1s', hard: '2s' } })
    const read = cache.get('a', () => new Promise<number>(() => {}), { timeout: { hard: '5s' } })
    const outcome = expect(read).rejects.toEqual(errorOf('TIMEOUT', /5000 ms/))
    await clock.advance(5_000)
    await outcome
  })

  test('explain_tellsThePolicyThatHolds', async () => {
    const { cache } = openCache({ keys, memoryTtl: '30s', jitter: 0.2 })
    cache.setPolicy({ staleIfError: '1h', timeout: { hard: '2s' } }, keys.a)
    const { ttl, policy } = await cache.explain(keys.a({ id: 1 }))
    expect(ttl).toBe('10s')
    expect(policy).toEqual({
      ttl: '10s',
      negativeTtl: '1s',
      memoryTtl: 30_000,
      idleTtl: undefined,
      jitter: 0.2,
      staleWhileRevalidate: 0,
      staleIfError: 3_600_000,
      timeout: { soft: undefined, hard: 2_000 },
      refreshAhead: false,
    })
  })

  test.each([
    [{ jitter: 1.1 }, 'INVALID_OPTION', /jitter: 1\.1 is not a share/],
    [{ jitter: Number.NaN }, 'INVALID_OPTION', /jitter/],
    [{ jitter: '10%' }, 'INVALID_OPTION', /jitter/],
    [{ memoryTtl: 0 }, 'INVALID_DURATION', /memoryTtl: 0/],
    [{ idleTtl: '0s' }, 'INVALID_DURATION', /idleTtl: 0/],
    [{ idleTtl: 'soon' }, 'INVALID_DURATION', /idleTtl/],
    [{ staleIfError: -1 }, 'INVALID_DURATION', /staleIfError/],
    [{ staleWhileRevalidate: null }, 'INVALID_DURATION', /staleWhileRevalidate/],
    [{ timeout: '2s' }, 'INVALID_OPTION', /timeout/],
    [{ timeout: { sotf: '2s' } }, 'INVALID_OPTION', /"soft"/],
    [{ timeout: { hard: -1 } }, 'INVALID_DURATION', /timeout\.hard/],
    [{ breaker: true }, 'INVALID_OPTION', /breaker/],
    [{ refreshAhead: { beta: 0 } }, 'INVALID_OPTION', /refreshAhead\.beta: 0/],
    [{ refreshAhead: 2 }, 'INVALID_OPTION', /refreshAhead/],
    [{ breaker: { failures: 0 } }, 'INVALID_OPTION', /breaker\.failures/],
    [{ breaker: { pause: 0 } }, 'INVALID_DURATION', /breaker\.pause/],
  ] as const)('badValues_%j_areRefusedEverywhere', (options, code, message) => {
    const refused = errorOf(code, message) as Error
    const bad = options as unknown as Partial<FamilyDefinition>
    expect(() => createCache({ name: 'bad', clock: manualClock(), ...(bad as object) })).toThrow(refused)
    expect(() => defineKeys({ a: { key: 'a:{id}', ...(bad as object) } })).toThrow(refused)
    const { cache } = openCache({ keys })
    expect(() => cache.setPolicy(bad as object)).toThrow(refused)
    expect(() => cache.setPolicy(bad as object, keys.a)).toThrow(refused)
  })

  test('setPolicy_refusesWhatIsNoPolicy_orNoFamilyOfItsOwn', () => {
    const { cache } = openCache({ keys })
    const foreign = defineKeys({ other: 'other:{id}' })
    expect(() => cache.setPolicy({}, foreign.other)).toThrow(errorOf('UNKNOWN_FAMILY', /setPolicy/) as Error)
    expect(() => cache.setPolicy({ tll: '5s' } as never)).toThrow(errorOf('INVALID_OPTION', /"ttl"/) as Error)
    expect(() => cache.setPolicy(undefined as never)).toThrow(errorOf('INVALID_OPTION') as Error)
  })
})
