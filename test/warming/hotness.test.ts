import { type Cache, defineKeys, type } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { createHotness, familyLoader, type HotnessOptions, warm, warmItem } from 'coherent-cache/warming'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache, openFleet } from '../support/caches.ts'

const DAY = 86_400_000
const keys = defineKeys({
  report: { key: 'report:{id}', value: type<number>(), ttl: '30d' },
  other: { key: 'other:{id}', value: type<number>() },
})
const quiet = { progress: false } as const

async function read(cache: Cache, id: string, times: number, options = {}): Promise<void> {
  for (let at = 0; at < times; at++) await cache.get(keys.report({ id }), () => 1, options)
}

describe('in one process', () => {
  test('hottest_areThoseReadMost_hitsAndMisses', async () => {
    const { cache } = openCache({ keys })
    const hotness = createHotness(cache)
    await read(cache, 'a', 3)
    await read(cache, 'b', 10)
    await read(cache, 'c', 1)
    expect(hotness.hottest()).toEqual([
      { key: 'report:b', reads: 10 },
      { key: 'report:a', reads: 3 },
      { key: 'report:c', reads: 1 },
    ])
    expect(hotness.hottest(1)).toHaveLength(1)
    expect(await hotness.save()).toBe(false)
  })

  test('readsByWarming_andReloads_areNotCounted', async () => {
    const { cache } = openCache({ keys })
    const hotness = createHotness(cache)
    const items = ['a', 'b'].map((id) => warmItem(keys.report({ id }), () => 1))
    await warm(cache, items, quiet)
    await warm(cache, items, quiet)
    await read(cache, 'a', 3, { freshness: 'reload' })
    expect(hotness.hottest()).toEqual([])
    await read(cache, 'a', 1)
    expect(hotness.hottest()).toEqual([{ key: 'report:a', reads: 1 }])
  })

  test('window_halvesEveryCount', async () => {
    const { cache } = openCache({ keys })
    const hotness = createHotness(cache, { window: 10 })
    await read(cache, 'a', 8)
    await read(cache, 'b', 2)
    expect(hotness.hottest()).toEqual([
      { key: 'report:a', reads: 4 },
      { key: 'report:b', reads: 1 },
    ])
  })

  test('memory_isBounded', async () => {
    const { cache } = openCache({ keys })
    const hotness = createHotness(cache, { keep: 3 })
    for (let id = 0; id < 50; id++) await read(cache, String(id), 1 + (id % 5))
    expect(hotness.hottest()).toHaveLength(3)
  })

  test('plan_isTheHottestOfItsFamilies_hottestFirst', async () => {
    const { cache } = openCache({ keys })
    const hotness = createHotness(cache)
    await read(cache, 'a', 3)
    await read(cache, 'b', 5)
    await read(cache, 'c', 4)
    for (let at = 0; at < 9; at++) await cache.get(keys.other({ id: 1 }), () => 1)
    await cache.clear()
    const loaded: string[] = []
    const loader = familyLoader(keys.report, ({ id }) => {
      loaded.push(id)
      return 2
    })
    await warm(cache, hotness.plan([loader], { limit: 2 }), { ...quiet, concurrency: 1 })
    expect(loaded).toEqual(['b', 'c'])
  })

  test('closed_countsNoMore', async () => {
    const { cache } = openCache({ keys })
    const hotness = createHotness(cache)
    await hotness.close()
    await read(cache, 'a', 3)
    expect(hotness.hottest()).toEqual([])
  })

  test.each([{ keep: 0 }, { window: 1 }, { title: 'a b' }, { halflife: '1d' } as never])(
    'bad options %j are refused',
    (options: HotnessOptions) => {
      const { cache } = openCache({ keys })
      expect(() => createHotness(cache, options)).toThrow(errorOf('INVALID_OPTION') as Error)
    },
  )
})

describe('in a fleet', () => {
  test('countsOfAllProcesses_comeTogether', async () => {
    const { fleet, clock } = await openFleet(3, { keys })
    const all = fleet.map((cache) => createHotness(cache))
    const [one, two, three] = fleet as [Cache, Cache, Cache]
    await read(one, 'a', 5)
    await read(two, 'a', 5)
    await read(two, 'b', 7)
    await read(three, 'c', 1)
    await clock.advance(10 * 60_000)
    await clock.advance(10 * 60_000)
    for (const hotness of all) {
      expect(hotness.hottest().map(({ key, reads }) => [key, Math.round(reads)])).toEqual([
        ['report:a', 10],
        ['report:b', 7],
        ['report:c', 1],
      ])
    }
  })

  test('savedAtOnce_nothingIsOverwritten', async () => {
    const { fleet, clock } = await openFleet(4, { keys })
    const all = fleet.map((cache) => createHotness(cache))
    for (const [at, cache] of fleet.entries()) await read(cache, `of-${at}`, 2)
    const saving = Promise.all(all.map((hotness) => hotness.save()))
    await clock.advance(5_000)
    expect(await saving).toEqual([true, true, true, true])
    // With nothing of its own to add, it only reads.
    await all[0]?.save()
    expect(all[0]?.hottest().length).toBe(4)
  })

  test('yesterdaysMostRead_areWarm_afterEveryProcessWasRestarted', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const open = (instance: string) => openCache({ name: 'restarted', instance, keys, store, clock }).cache
    const before = open('before')
    await before.ready()
    createHotness(before)
    await read(before, 'old', 100)
    await clock.advance(60_000)
    const closing = before.close()
    await clock.advance(1_000)
    await closing
    store.evictKey('restarted', 'restarted', keys.report({ id: 'old' }), 'value')
    await clock.advance(DAY)

    const after = open('after')
    await after.ready()
    const hotness = createHotness(after)
    const loader = familyLoader(keys.report, () => 2)
    expect(await warm(after, hotness.plan([loader]), quiet)).toMatchObject({ warmed: 1 })
    // A day later it counts for half.
    expect(hotness.hottest()[0]?.reads).toBeCloseTo(50, 0)
    expect(after.peek(keys.report({ id: 'old' }))).toBe(2)
    await read(after, 'new', 60)
    expect(hotness.hottest().map(({ key }) => key)).toEqual(['report:new', 'report:old'])
  })

  test('aStoreThatIsAway_losesNoCounts', async () => {
    let away = false
    const schedule = (step: () => void) => {
      if (!away) queueMicrotask(step)
    }
    const { fleet, clock } = await openFleet(1, { keys, schedule })
    const [cache] = fleet as [Cache]
    await cache.ready()
    const hotness = createHotness(cache)
    await read(cache, 'a', 4)
    away = true
    const saving = hotness.save()
    await clock.advance(2_000)
    expect(await saving).toBe(false)
    expect(hotness.hottest()).toEqual([{ key: 'report:a', reads: 4 }])
    away = false
    await clock.advance(3_000)
    expect(await hotness.save()).toBe(true)
    expect(hotness.hottest()).toEqual([{ key: 'report:a', reads: 4 }])
  })

  test('aListThatCannotBeRead_isEmpty', async () => {
    const { fleet, clock, store, name } = await openFleet(1, { keys })
    const session = { name, namespace: name } as Parameters<typeof store.connect>[0]
    const { leads } = store.connect({ ...session, clock, process: 'x' })
    await leads?.record({
      title: 'hotness',
      entries: new Map([['top', '{"at":1,"keys":[[7,"x"],["a",3]]}']]),
    })
    const hotness = createHotness(fleet[0] as Cache, { halfLife: '3650d' })
    await hotness.save()
    expect(hotness.hottest().map(({ key }) => key)).toEqual(['a'])
    await leads?.record({ title: 'hotness', entries: new Map([['top', 'garbage']]) })
    await hotness.save()
    expect(hotness.hottest()).toEqual([])
    await settle()
  })
})
