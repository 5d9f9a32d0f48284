import { type Cache, defineKeys, type, type UnitOfWork } from 'coherent-cache'
import { type ManualClock, manualClock, memoryStore, settle } from 'coherent-cache/testing'
import {
  createHotness,
  familyLoader,
  type KeepWarm,
  type KeepWarmOptions,
  keepWarm,
  type WarmItem,
  warm,
  warmItem,
} from 'coherent-cache/warming'
import { afterEach, describe, expect, test } from 'vitest'
import { deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const keys = defineKeys({
  bundle: { key: 'bundle:{orgId}', value: type<number>(), ttl: '5m', jitter: 0 },
  other: { key: 'other:{id}', value: type<number>(), ttl: '5m' },
})

const keepers: KeepWarm[] = []
afterEach(() => {
  for (const keeper of keepers.splice(0)) keeper.close()
})

/** A loader that counts, and a keeper that uses it. */
function keeping(
  cache: Cache,
  options: KeepWarmOptions = {},
  answer: () => number | Promise<number> = () => 1,
) {
  const loads: string[] = []
  const loader = familyLoader(keys.bundle, ({ orgId }) => {
    loads.push(orgId)
    return answer()
  })
  const keeper = keepWarm(cache, { loaders: [loader], ...options })
  keepers.push(keeper)
  return { loads, keeper, loader }
}

const key = (orgId: number | string) => keys.bundle({ orgId })
const read = (cache: Cache, orgId: number | string = 7) => cache.getEntry(key(orgId), () => 1)

/** Passes time in steps, with a read before each. */
async function reading(cache: Cache, clock: ManualClock, every: number, until: number) {
  const found: string[] = []
  for (let passed = 0; passed < until; passed += every) {
    found.push((await read(cache)).status)
    await clock.advance(every)
  }
  return found
}

describe('while it is read', () => {
  test('anEntryOfFiveMinutes_warmedAtMidnight_isWarmInTheMorning', async () => {
    const { cache, clock } = openCache({ keys })
    const { loads, keeper, loader } = keeping(cache, { idle: '1h' })
    await warm(cache, [loader.item(key(7)) as WarmItem], { progress: false })
    const found = await reading(cache, clock, 30 * MINUTE, 8 * HOUR)
    expect(found.slice(1).every((status) => status === 'hit')).toBe(true)
    // Every four minutes or so.
    expect(loads.length).toBeGreaterThan((8 * 60) / 5)
    expect(loads.length).toBeLessThan((8 * 60) / 3.5)
    expect(keeper.stats()).toMatchObject({ kept: 1, failed: 0 })
  })

  test('withoutAKeeper_itIsColdAfterFiveMinutes', async () => {
    const { cache, clock } = openCache({ keys })
    expect(await reading(cache, clock, 30 * MINUTE, 2 * HOUR)).toEqual(['miss', 'miss', 'miss', 'miss'])
  })

  test('readNoMore_itIsLetGo_andNothingGoesOn', async () => {
    const { cache, clock } = openCache({ keys })
    const { loads, keeper } = keeping(cache, { idle: '20m' })
    await read(cache)
    await clock.advance(HOUR)
    const after = loads.length
    expect(after).toBeLessThanOrEqual(6)
    expect(keeper.stats()).toMatchObject({ kept: 0, dropped: 1 })
    await clock.advance(8 * HOUR)
    expect(loads.length).toBe(after)
    expect((await read(cache)).status).toBe('miss')
  })

  test('keysOfOtherFamilies_areLeftAlone', async () => {
    const { cache, clock } = openCache({ keys })
    const { loads, keeper } = keeping(cache)
    await cache.get(keys.other({ id: 1 }), () => 1)
    await clock.advance(HOUR)
    expect([loads, keeper.stats().kept]).toEqual([[], 0])
  })

  test('beyondTheLimit_thoseReadLongestAgoAreLetGo', async () => {
    const { cache, clock } = openCache({ keys })
    const { loads, keeper } = keeping(cache, { limit: 2 })
    for (const orgId of [1, 2]) await read(cache, orgId)
    await clock.advance(1_000)
    await read(cache, 1)
    await read(cache, 3)
    await clock.advance(5 * MINUTE)
    expect([...new Set(loads)].sort()).toEqual(['1', '3'])
    expect(keeper.stats()).toMatchObject({ kept: 2, dropped: 1 })
  })

  test('theOldValue_isAnswered_whileTheNewOneLoads', async () => {
    const { cache, clock } = openCache({ keys })
    const load = deferred<number>()
    const { loads } = keeping(cache, {}, () => load.promise)
    await read(cache)
    await clock.advance(4 * MINUTE + 30_000)
    expect(loads).toHaveLength(1)
    expect(await read(cache)).toMatchObject({ status: 'hit', value: 1 })
    load.resolve(2)
    await settle()
    expect(await read(cache)).toMatchObject({ status: 'hit', value: 2 })
  })

  test('invalidatedWhileItIsRefreshed_isNotPutBack', async () => {
    const { cache, clock } = openCache({ keys })
    const load = deferred<number>()
    keeping(cache, {}, () => load.promise)
    await read(cache)
    await clock.advance(4 * MINUTE + 30_000)
    await cache.invalidate({ keys: [key(7)] })
    load.resolve(2)
    await settle()
    expect(cache.peek(key(7))).toBeUndefined()
  })

  test('insideATransaction_aReadIsNoticed_andTheRefreshIsOutsideIt', async () => {
    const { cache, clock } = openCache({ keys })
    await read(cache)
    const { loads } = keeping(cache, {}, () => 5)
    const unit = cache.unitOfWork() as UnitOfWork & { setUntouched(untouched: boolean): void }
    unit.setUntouched(true)
    await unit.run(async () => {
      expect((await read(cache)).status).toBe('hit')
      await clock.advance(4 * MINUTE + 30_000)
    })
    await unit.rollback()
    expect(loads).toEqual(['7'])
    expect(cache.peek(key(7))).toBe(5)
  })

  test('refreshes_areNoReads_toHotnessNorToThemselves', async () => {
    const { cache, clock } = openCache({ keys })
    const hotness = createHotness(cache)
    keeping(cache, { idle: '1h' })
    await read(cache)
    await clock.advance(50 * MINUTE)
    expect(hotness.hottest()).toEqual([{ key: 'bundle:7', reads: 1 }])
  })
})

describe('listed', () => {
  test('isWarm_withoutAnyReader_untilItIsListedNoMore', async () => {
    const { cache, clock } = openCache({ keys })
    let tenants = [1, 2]
    const loads: number[] = []
    const listed = () =>
      tenants.map((orgId) =>
        warmItem(key(orgId) as never, () => {
          loads.push(orgId)
          return orgId as never
        }),
      )
    const keeper = keepWarm(cache, { listed, relist: '10m' })
    keepers.push(keeper)
    await clock.advance(8 * HOUR)
    expect(cache.peek(key(1))).toBe(1)
    expect(cache.peek(key(2))).toBe(2)
    tenants = [2]
    await clock.advance(20 * MINUTE)
    const ofOne = loads.filter((orgId) => orgId === 1).length
    await clock.advance(HOUR)
    expect(loads.filter((orgId) => orgId === 1).length).toBe(ofOne)
    expect(keeper.stats().kept).toBe(1)
  })

  test('moreThanTheLimit_isLeftOut_withAWarning', async () => {
    const { cache, clock } = openCache({ keys })
    const warnings: string[] = []
    cache.on('warning', ({ message }) => warnings.push(message))
    const listed = () => [1, 2, 3].map((orgId) => ({ key: key(orgId), load: () => orgId }))
    const keeper = keepWarm(cache, { listed, limit: 2 })
    keepers.push(keeper)
    await clock.advance(1_000)
    expect(keeper.stats()).toMatchObject({ kept: 2, refreshed: 2 })
    expect(warnings[0]).toMatch(/more keys are listed than limit \(2\)/)
  })

  test('thatCannotBeListed_warns_andIsTriedAgain', async () => {
    const { cache, clock } = openCache({ keys })
    const warnings: string[] = []
    cache.on('warning', ({ message }) => warnings.push(message))
    let broken = true
    const listed = () => {
      if (broken) throw new Error('no database')
      return [{ key: key(1), load: () => 1 }]
    }
    keepers.push(keepWarm(cache, { listed, relist: '1m' }))
    await clock.advance(1_000)
    expect(warnings).toEqual(['keepWarm: listed: no database'])
    broken = false
    await clock.advance(2 * MINUTE)
    expect(cache.peek(key(1))).toBe(1)
  })

  test('onlyWhile_itIsSaidSo', async () => {
    const { cache, clock } = openCache({ keys })
    let leads = false
    const loads: number[] = []
    const listed = () => [{ key: key(1), load: () => loads.push(1) }]
    keepers.push(keepWarm(cache, { listed, while: () => leads }))
    await clock.advance(HOUR)
    expect(loads).toEqual([])
    leads = true
    await clock.advance(2_000)
    expect(loads).toEqual([1])
  })
})

describe('trouble', () => {
  test('aLoaderThatFails_leavesTheValue_isNotHammered_andGoesOnWhenItWorksAgain', async () => {
    const { cache, clock } = openCache({ keys })
    let broken = true
    const { loads, keeper } = keeping(cache, { idle: '2h' }, () => {
      if (broken) throw new Error('no database')
      return 3
    })
    await read(cache)
    await clock.advance(4 * MINUTE + 20_000)
    expect(loads.length).toBeGreaterThanOrEqual(1)
    expect((await read(cache)).status).toBe('hit')
    await clock.advance(HOUR)
    // Twice as late each time, up to every five minutes.
    expect(loads.length).toBeLessThanOrEqual(8 + 12)
    expect(keeper.stats()).toMatchObject({ kept: 1, dropped: 0, refreshed: 0, failed: loads.length })
    broken = false
    await clock.advance(6 * MINUTE)
    expect(await read(cache)).toMatchObject({ status: 'hit', value: 3 })
  })

  test('aValueThatIsNeverKept_isNotLoadedOverAndOver', async () => {
    const { cache, clock } = openCache({ keys })
    let loads = 0
    const loader = familyLoader(keys.bundle, (_, context) => {
      context.skip()
      return ++loads
    })
    const keeper = keepWarm(cache, { loaders: [loader], idle: '2h' })
    keepers.push(keeper)
    await read(cache)
    await clock.advance(HOUR)
    expect(loads).toBe(5)
    expect(keeper.stats().kept).toBe(0)
  })

  test('closed_nothingGoesOn_andLoadsAreAborted', async () => {
    const { cache, clock } = openCache({ keys })
    let aborted = false
    const loader = familyLoader(keys.bundle, (_, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      return new Promise<number>(() => {})
    })
    const keeper = keepWarm(cache, { loaders: [loader] })
    await read(cache)
    await clock.advance(4 * MINUTE + 30_000)
    keeper.close()
    await settle()
    expect(aborted).toBe(true)
    await read(cache, 8)
    expect(keeper.stats().kept).toBe(0)
  })

  test.each([
    {},
    { loaders: [] },
    { listed: [] as never },
    { listed: () => [], ahead: 0 },
    { listed: () => [], ahead: 1 },
    { listed: () => [], limit: 0 },
    { listed: () => [], while: true as never },
    { listed: () => [], idel: '1m' } as never,
  ])('bad options %j are refused', (options: KeepWarmOptions) => {
    const { cache } = openCache({ keys })
    expect(() => keepWarm(cache, options)).toThrow(errorOf('INVALID_OPTION') as Error)
  })
})

describe('in a fleet', () => {
  test('severalProcessesThatReadOneKey_mostlyRefreshItOnce', async () => {
    const { fleet, clock } = await openFleet(3, { keys })
    const all = fleet.map((cache) => keeping(cache, { idle: '1h' }))
    const found: string[] = []
    for (let passed = 0; passed < 4 * 60; passed += 2) {
      for (const cache of fleet) found.push((await read(cache)).status)
      await clock.advance(2 * MINUTE)
    }
    expect(found.filter((status) => status === 'miss')).toHaveLength(1)
    const loads = all.reduce((sum, one) => sum + one.loads.length, 0)
    // A refresh about every four minutes is 60; three processes on their own would make 180.
    expect(loads).toBeLessThan(90)
    expect(all.reduce((sum, { keeper }) => sum + keeper.stats().spared, 0)).toBeGreaterThan(30)
  })

  test('aReaderThatFindsItInTheStore_keepsItToo', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const open = (instance: string) => openCache({ name: 'kept', instance, keys, store, clock }).cache
    const one = open('one')
    const other = open('other')
    await Promise.all([one.ready(), other.ready()])
    await read(one)
    const { loads } = keeping(other, { idle: '1h' })
    expect((await read(other)).status).toBe('hit')
    await clock.advance(30 * MINUTE)
    expect(loads.length).toBeGreaterThan(5)
    expect((await read(other)).status).toBe('hit')
  })
})
