import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrequencySketch } from '../../src/warming/sketch.ts'
import { TopKeys } from '../../src/warming/top-keys.ts'

/** A stream of keys of which few are read often and many seldom, the same for the same seed. */
function* zipf(keys: number, reads: number, seed = 1): Iterable<string> {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  for (let at = 0; at < reads; at++) yield `report:${Math.floor(keys ** random())}:2026-11-20`
}

describe('FrequencySketch', () => {
  const WIDTH = 1_024
  const bound = (total: number) => (Math.E / WIDTH) * total

  test('withoutAgeing_neverTooLow_andSeldomTooHighByMoreThanItsBound', () => {
    const sketch = new FrequencySketch(WIDTH, Number.MAX_SAFE_INTEGER)
    const exact = new Map<string, number>()
    for (const key of zipf(50_000, 200_000)) {
      sketch.add(key)
      exact.set(key, (exact.get(key) ?? 0) + 1)
    }
    expect(exact.size).toBeGreaterThan(10 * WIDTH)
    const errors = [...exact].map(([key, count]) => sketch.estimate(key) - count)
    expect(Math.min(...errors)).toBeGreaterThanOrEqual(0)
    const beyond = errors.filter((error) => error > bound(200_000)).length
    expect(beyond / errors.length).toBeLessThan(Math.exp(-4))
  })

  test('ofKeysNeverAdded_theSame', () => {
    const sketch = new FrequencySketch(WIDTH, Number.MAX_SAFE_INTEGER)
    for (const key of zipf(50_000, 200_000)) sketch.add(key)
    const estimates = Array.from({ length: 10_000 }, (_, at) => sketch.estimate(`never:${at}`))
    expect(estimates.filter((count) => count > bound(200_000)).length / 10_000).toBeLessThan(Math.exp(-4))
  })

  test('aged_tooLowByLessThanOne_andSeldomTooHighByMoreThanItsBound', () => {
    const window = 20_000
    const sketch = new FrequencySketch(WIDTH, window)
    const aged = new Map<string, number>()
    let ageings = 0
    for (const key of zipf(50_000, 200_000, 7)) {
      sketch.add(key)
      aged.set(key, (aged.get(key) ?? 0) + 1)
      if (!sketch.full) continue
      sketch.age()
      ageings++
      for (const [one, count] of aged) aged.set(one, count / 2)
    }
    expect(ageings).toBeGreaterThan(10)
    const errors = [...aged].map(([key, count]) => sketch.estimate(key) - count)
    expect(Math.min(...errors)).toBeGreaterThan(-1)
    const beyond = errors.filter((error) => error > bound(window)).length
    expect(beyond / errors.length).toBeLessThan(Math.exp(-4))
  })

  test('whatWasReadLongAgo_fades', () => {
    const sketch = new FrequencySketch(WIDTH, 1_000)
    for (let at = 0; at < 900; at++) sketch.add('yesterday')
    for (let at = 0; at < 5_000; at++) {
      sketch.add('today')
      if (sketch.full) sketch.age()
    }
    expect(sketch.estimate('yesterday')).toBeLessThan(5)
    expect(sketch.estimate('today')).toBeGreaterThan(400)
  })

  test('keysThatDifferLittle_doNotCollide', () => {
    const sketch = new FrequencySketch(16_384, Number.MAX_SAFE_INTEGER)
    const keys = Array.from({ length: 2_000 }, (_, at) => `bundle:${at}`)
    for (const key of keys) sketch.add(key)
    expect(keys.filter((key) => sketch.estimate(key) > 1).length).toBeLessThan(20)
  })
})

describe('TopKeys', () => {
  test('keepsTheHighest_whateverTheOrder', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 300 }),
        fc.integer({ min: 1, max: 8 }),
        (reads, limit) => {
          const top = new TopKeys(limit)
          const counts = new Map<string, number>()
          for (const read of reads) {
            const key = `k${read}`
            counts.set(key, (counts.get(key) ?? 0) + 1)
            top.offer(key, counts.get(key) as number)
          }
          const expected = [...counts.values()].sort((a, b) => b - a).slice(0, limit)
          const list = top.list()
          expect(list.map(({ count }) => count)).toEqual(expected)
          for (const { key, count } of list) expect(counts.get(key)).toBe(count)
        },
      ),
    )
  })

  test('ageing_keepsTheOrder', () => {
    const top = new TopKeys(4)
    for (const [key, count] of Object.entries({ a: 9, b: 3, c: 6, d: 1 })) top.offer(key, count)
    top.age()
    top.offer('e', 2)
    expect(top.list()).toEqual([
      { key: 'a', count: 4 },
      { key: 'c', count: 3 },
      { key: 'e', count: 2 },
      { key: 'b', count: 1 },
    ])
  })

  test('amongMany_ofASketch_areTheHottest', () => {
    const sketch = new FrequencySketch(16 * 128, Number.MAX_SAFE_INTEGER)
    const top = new TopKeys(100)
    const exact = new Map<string, number>()
    for (const key of zipf(20_000, 200_000, 3)) {
      exact.set(key, (exact.get(key) ?? 0) + 1)
      top.offer(key, sketch.add(key))
    }
    const hottest = [...exact].sort(([, a], [, b]) => b - a).slice(0, 50)
    const kept = new Set(top.list().map(({ key }) => key))
    expect(hottest.filter(([key]) => !kept.has(key))).toEqual([])
  })
})
