import { describe, expect, test } from 'vitest'
import { Pattern } from '../../src/core/pattern.ts'
import { ROOT } from '../../src/core/stamp.ts'
import { type Owed, ReplayQueue } from '../../src/write/replay-queue.ts'

const none: Owed = { stamps: [], keys: [], patterns: [], covered: [], writes: [] }
const place = (key: string) => ({ key, shard: key })
const pattern = (text: string) => new Pattern(text, 'a test')

describe('what is owed', () => {
  test('take_several_isOneChange_andEmptiesTheQueue', () => {
    const queue = new ReplayQueue()
    queue.add({ ...none, stamps: ['user:*', 'order:*'], writes: [{ table: 'users', rows: [{ id: 1 }] }] })
    queue.add({ ...none, stamps: ['user:*'], keys: [place('a'), place('b')] })
    queue.add({ ...none, keys: [place('a')], patterns: [pattern('page:*')] })
    expect(queue.length).toBe(3)
    expect(queue.take()).toMatchObject({
      stamps: ['user:*', 'order:*'],
      keys: [place('a'), place('b')],
      // The rows are this map's: for maps of others the whole table has changed.
      writes: [{ table: 'users' }],
      changes: 3,
    })
    expect(queue.length).toBe(0)
    expect(queue.take()).toMatchObject({ ...none, changes: 0 })
  })

  test('putBack_goesTogetherWithWhatCameMeanwhile', () => {
    const queue = new ReplayQueue()
    queue.add({ ...none, stamps: ['user:*'] })
    queue.add({ ...none, stamps: ['order:*'] })
    const taken = queue.take()
    queue.add({ ...none, stamps: ['page:*'] })
    queue.putBack(taken)
    expect(queue.length).toBe(3)
    expect(new Set(queue.take().stamps)).toEqual(new Set(['user:*', 'order:*', 'page:*']))
  })
})

describe('bounded, and nothing is dropped', () => {
  test('add_stampsOfOnePattern_becomeThePattern', () => {
    const queue = new ReplayQueue()
    for (let id = 0; id < 1_500; id++) queue.add({ ...none, stamps: [`user:{id}|${id}`, '|currency=USD'] })
    const { stamps } = queue.take()
    expect(stamps).toContain('user:{id}')
    expect(stamps).toContain('|currency=USD')
    expect(stamps.length).toBeLessThanOrEqual(1_000)
  })

  test.each([
    ['patterns of their own', (at: number): Owed => ({ ...none, stamps: [`pattern-${at}:*`] })],
    ['scopes', (at: number): Owed => ({ ...none, stamps: [`|orgId=${at}`] })],
    ['keys', (at: number): Owed => ({ ...none, keys: [place(`key:${at}`)] })],
    ['tables', (at: number): Owed => ({ ...none, writes: [{ table: `table-${at}` }] })],
    ['ad-hoc patterns', (at: number): Owed => ({ ...none, patterns: [pattern(`page:${at}:*`)] })],
  ])('add_tooMany %s_becomeEverything', (_, owed) => {
    const queue = new ReplayQueue()
    for (let at = 0; at < 10_001; at++) queue.add(owed(at))
    expect(queue.length).toBe(10_001)
    const taken = queue.take()
    expect(taken.stamps).toContain(ROOT)
    expect(taken.changes).toBe(10_001)
    expect(
      taken.patterns.length + taken.stamps.length + taken.keys.length + taken.writes.length,
    ).toBeLessThan(10_000)
  })

  test('add_adHocPatterns_areFew_becauseEachSearchesAllKeys', () => {
    const queue = new ReplayQueue()
    for (let at = 0; at < 40; at++) queue.add({ ...none, patterns: [pattern(`page:${at}:*`)] })
    const { stamps, patterns } = queue.take()
    expect(stamps).toEqual([ROOT])
    expect(patterns.length).toBeLessThan(33)
  })
})
