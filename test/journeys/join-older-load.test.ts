import { type Cache, defineDependencies } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { heldLoader, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })

describe.each([
  ['memory alone', async () => openCache({ dependencies }).cache],
  ['a shared store', async () => (await openFleet(1, { dependencies })).fleet[0] as Cache],
])('over %s', (_, open) => {
  test.each([
    ['its row', { table: 't', operation: 'insert', rows: [{ id: 1 }] }],
    ['its key', { keys: ['row:1'] }],
    ['an ad-hoc pattern', { pattern: 'row:1*' }],
  ] as const)('reader_afterAnInvalidationBy_%s_doesNotShareTheOlderLoad', async (_what, change) => {
    const cache = await open()
    const older = heldLoader<string>()
    const newer = heldLoader<string>()
    const first = cache.get('row:1', older.load)
    await older.call()
    await cache.invalidate(change as never)
    const readers = [
      cache.get('row:1', newer.load),
      cache.getMany(['row:1'], async () => [await newer.load()]),
      cache.get('row:1', newer.load),
    ]
    ;(await newer.call()).resolve('new')
    expect(await Promise.all(readers)).toEqual(['new', ['new'], 'new'])
    expect(newer.calls).toHaveLength(1)
    // The older one comes home later, and replaces nothing.
    ;(await older.call()).resolve('old')
    expect(await first).toBe('old')
    expect(await cache.get<string, string>('row:1', () => 'loaded')).toBe('new')
  })

  test('olderLoad_thatComesHomeFirst_isNotKept_andTheNewerIs', async () => {
    const cache = await open()
    const older = heldLoader<string>()
    const newer = heldLoader<string>()
    const first = cache.get('row:1', older.load)
    await older.call()
    await cache.invalidate({ keys: ['row:1'] })
    const second = cache.get('row:1', newer.load)
    await newer.call()
    ;(await older.call()).resolve('old')
    expect(await first).toBe('old')
    expect(cache.peek('row:1')).toBeUndefined()
    ;(await newer.call()).resolve('new')
    expect(await second).toBe('new')
    expect(await cache.get<string, string>('row:1', () => 'loaded')).toBe('new')
  })

  test('olderLoad_thatFails_failsItsOwnReadersAlone', async () => {
    const cache = await open()
    const older = heldLoader<string>()
    const newer = heldLoader<string>()
    const first = cache.get('row:1', older.load)
    await older.call()
    await cache.clear()
    const second = cache.get('row:1', newer.load)
    await newer.call()
    ;(await older.call()).reject(new Error('broken'))
    await expect(first).rejects.toThrow('broken')
    ;(await newer.call()).resolve('new')
    expect(await second).toBe('new')
    expect(await cache.get<string, string>('row:1', () => 'loaded')).toBe('new')
  })

  test('manyInvalidations_eachReaderGetsALoadOfItsTime', async () => {
    const cache = await open()
    let version = 0
    const gates: (() => void)[] = []
    // Reads its version at once, and answers whenever the test says so.
    const load = () => {
      const seen = version
      return new Promise<number>((resolve) => gates.push(() => resolve(seen)))
    }
    const reads: Promise<number>[] = []
    for (let at = 0; at < 5; at++) {
      reads.push(cache.get('row:1', load))
      await settle()
      version++
      await cache.invalidate({ keys: ['row:1'] })
    }
    for (const gate of gates.reverse()) {
      gate()
      await settle()
    }
    expect(await Promise.all(reads)).toEqual([0, 1, 2, 3, 4])
    expect(await cache.get<string, number>('row:1', () => version)).toBe(5)
  })
})

test('withoutALease_onlyLoadsYoungerThanTAreShared', async () => {
  // The store never answers: nothing tells this process of what others invalidate.
  const clock = manualClock()
  const { cache } = openCache({
    store: memoryStore({ clock, schedule: () => {} }),
    clock,
    maxStaleness: '2s',
  })
  await clock.advance(5_000)
  const { load, calls } = heldLoader<number>()
  const reads = [cache.get('a', load)]
  await clock.advance(1_999)
  reads.push(cache.get('a', load))
  await settle()
  expect(calls).toHaveLength(1)
  await clock.advance(1)
  reads.push(cache.get('a', load))
  await settle()
  expect(calls).toHaveLength(2)
  for (const [at, call] of calls.entries()) call.resolve(at)
  expect(await Promise.all(reads)).toEqual([0, 0, 1])
})

describe('reload', () => {
  test('reload_doesNotShareALoadThatRuns_andTheOlderOneReplacesNothing', async () => {
    const { cache } = openCache()
    const older = heldLoader<string>()
    const newer = heldLoader<string>()
    const first = cache.get('a', older.load)
    await older.call()
    const reload = cache.get('a', newer.load, { freshness: 'reload' })
    ;(await newer.call()).resolve('new')
    expect(await reload).toBe('new')
    ;(await older.call()).resolve('old')
    expect(await first).toBe('old')
    expect(cache.peek('a')).toBe('new')
  })

  test('reload_thatComesHomeSecond_replacesTheOlderValue', async () => {
    const { cache } = openCache()
    const older = heldLoader<string>()
    const newer = heldLoader<string>()
    const first = cache.get('a', older.load)
    await older.call()
    const reload = cache.get('a', newer.load, { freshness: 'reload' })
    await newer.call()
    ;(await older.call()).resolve('old')
    expect(await first).toBe('old')
    ;(await newer.call()).resolve('new')
    expect(await reload).toBe('new')
    expect(cache.peek('a')).toBe('new')
  })

  test('reload_twiceAtOnce_theLaterOneStays', async () => {
    const { cache } = openCache()
    const one = heldLoader<string>()
    const other = heldLoader<string>()
    const first = cache.get('a', one.load, { freshness: 'reload' })
    await one.call()
    const second = cache.get('a', other.load, { freshness: 'reload' })
    ;(await other.call()).resolve('second')
    expect(await second).toBe('second')
    ;(await one.call()).resolve('first')
    expect(await first).toBe('first')
    expect(cache.peek('a')).toBe('second')
  })

  test('reload_thatFails_leavesTheValue', async () => {
    const { cache } = openCache()
    await cache.get('a', () => 'kept')
    await expect(
      cache.get<string, string>('a', () => Promise.reject(new Error('broken')), { freshness: 'reload' }),
    ).rejects.toThrow('broken')
    expect(cache.peek('a')).toBe('kept')
  })

  test('reload_invalidatedMeanwhile_isNotKept', async () => {
    const { cache } = openCache()
    await cache.get('a', () => 'old')
    const { load, call } = heldLoader<string>()
    const reload = cache.get('a', load, { freshness: 'reload' })
    const held = await call()
    await cache.invalidate({ keys: ['a'] })
    held.resolve('older')
    expect(await reload).toBe('older')
    expect(cache.peek('a')).toBeUndefined()
  })

  test('reload_inAFleet_replacesTheValueEverywhere', async () => {
    const { fleet } = await openFleet(2)
    const [one, other] = fleet as [Cache, Cache]
    await one.get('a', () => 'old')
    expect(await other.get<string, string>('a', () => 'loaded')).toBe('old')
    expect(await one.get<string, string>('a', () => 'new', { freshness: 'reload' })).toBe('new')
    await settle()
    expect(await other.get<string, string>('a', () => 'loaded')).toBe('new')
    expect(await one.get<string, string>('a', () => 'loaded')).toBe('new')
  })
})
