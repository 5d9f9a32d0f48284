import { beforeEach, describe, expect, test } from 'vitest'
import { Shop } from '../storm/app.ts'
import { FaultLog } from '../storm/fault-log.ts'
import { Judge, type JudgeOptions } from '../storm/judge.ts'
import { FRESHNESS, type WrittenRow } from '../storm/messages.ts'
import { ReadLog } from '../storm/read-log.ts'
import { upperBound } from '../storm/tally.ts'
import { Writes } from '../storm/writes.ts'

/** A history by hand: one row, one key of it, processes 1 (writes) and 2 (reads). Times count from here on. */
const START = 1_000_000
const shop = new Shop(8)
const ITEM = shop.byKey.get('item:1') as number
const BUNDLE = shop.byKey.get('bundle:1') as number
const { rows: [PART = -1, OTHER_PART = -1] = [] } = shop.keys[BUNDLE] ?? {}

let writes: Writes
let faults: FaultLog
beforeEach(() => {
  writes = new Writes(shop.rows.length)
  faults = new FaultLog(1_000, 500)
})

const row = (version: number, nonce: number, prev: number, of = 0): WrittenRow => ({
  row: of,
  version,
  nonce,
  prev,
})

function commit(deed: number, rows: readonly WrittenRow[], sent: number, process = 1): void {
  writes.sent(process, { t: 'commit', deed, how: 'by hand', guarded: true, rows, sent: START + sent })
}

function done(
  deed: number,
  committed: number,
  acknowledged: number,
  status: 'applied' | 'queued' = 'applied',
): void {
  const times = { committed: START + committed, acknowledged: START + acknowledged }
  writes.done({ t: 'done', deed, status, ...times })
}

/** Version 1 by write 11: COMMIT sent at 90, answered at 100, told `applied` at 110. */
function written(): void {
  commit(1, [row(1, 11, 0)], 90)
  done(1, 100, 110)
}

interface ReadByHand {
  readonly value?: readonly number[]
  readonly key?: number
  readonly process?: number
  readonly freshness?: (typeof FRESHNESS)[number]
  readonly behind?: number
}

/** Judges one read that took no time. */
function read(begin: number, given: ReadByHand = {}, options: Partial<JudgeOptions> = {}): Judge {
  const { value = [0, 0, 0], key = ITEM, process = 2, freshness = 'bounded', behind = -1 } = given
  const judge = new Judge(
    { mode: 'bounded', maxStalenessMs: 500, lifetimeMs: 5_000, ...options },
    ...([shop, writes, faults] as const),
  )
  const log = new ReadLog((data) => {
    // The log reads the clock for the end of a read.
    data[1] = START + begin
    judge.hear(process, data, START + begin)
  })
  log.note(START + begin, key, value, FRESHNESS.indexOf(freshness), 0, 0, behind)
  log.flush()
  judge.judge(START + begin + 10_000)
  expect(judge.all.reads).toBe(1)
  return judge
}

const promises = (judge: Judge) => judge.violations.map(({ promise }) => promise)

describe('an old answer', () => {
  test('is none before anything newer was committed', () => {
    written()
    const judge = read(95)
    expect(promises(judge)).toEqual([])
    expect(judge.all.behind).toBe(0)
  })
  test('within T is allowed, and counted with its age', () => {
    written()
    const judge = read(400)
    expect(promises(judge)).toEqual([])
    expect(judge.all.behind).toBe(1)
    expect(judge.all.ages.max).toBeCloseTo(299)
  })
  test('after T is found', () => {
    written()
    expect(promises(read(700))).toEqual(['after its acknowledgement: other processes, T'])
  })
  test.each([
    ['of the same process', { process: 1 }, {}, 'after its acknowledgement: same process'],
    [
      "'committed'",
      { freshness: 'committed' },
      {},
      'after its acknowledgement: other processes, committed read',
    ],
    ['with a token', { behind: 1 }, {}, 'a read with its token'],
    ['in mode strict', {}, { mode: 'strict' }, 'between COMMIT and rotation: strict'],
  ] as const)('%s is found at once', (_, given, options, promise) => {
    written()
    expect(promises(read(115, given, options))).toEqual([promise])
  })
  test('of which two versions are newer is judged by both', () => {
    written()
    commit(2, [row(2, 22, 11)], 300)
    done(2, 310, 320)
    expect(read(400).all.ages.max).toBeCloseTo(299)
    expect(promises(read(400, { process: 1 }))).toHaveLength(1)
    expect(promises(read(400, { process: 1, value: [0, 2, 22] }))).toEqual([])
  })
  test('is told with the writes around it and the last faults', () => {
    written()
    faults.begin('flushall', 'FLUSHALL', START + 50)
    const [violation] = read(700).violations
    expect(violation?.around.join()).toMatch(/version 1: process 1 .* applied .*fault flushall/)
  })
})

describe('a value that nobody should see', () => {
  test.each([
    ['of a write that was never told', [0, 1, 99], 500],
    ['of a write that was rolled back, under a version that another one has now', [0, 1, 12], 500],
    ['from before its COMMIT was sent', [0, 1, 11], 80],
  ])('%s is found', (_, value, begin) => {
    written()
    expect(promises(read(begin, { value }))).toEqual(['nobody reads what is not committed'])
  })
  test('one that has lost a row is found', () => {
    expect(promises(read(100, { key: BUNDLE, value: [PART, 0, 0] }))).toEqual(['a value is whole'])
  })
  test('a composite of an old part is judged by the part', () => {
    commit(1, [row(1, 11, 0, PART)], 90)
    done(1, 100, 110)
    const value = [PART, 0, 0, OTHER_PART, 0, 0]
    expect(promises(read(400, { key: BUNDLE, value }))).toEqual([])
    expect(promises(read(700, { key: BUNDLE, value }))).toHaveLength(1)
    expect(promises(read(700, { key: BUNDLE, value: [PART, 1, 11, OTHER_PART, 0, 0] }))).toEqual([])
  })
})

describe('a writer that died', () => {
  test('after its COMMIT: from then on until the end of the lifetime is allowed, later is not', () => {
    commit(1, [row(1, 11, 0)], 90)
    expect(writes.bury(1)).toEqual([0])
    writes.shown(0, 1, 11, 1, START + 200)
    expect(writes.counts.died).toBe(1)
    const judge = read(4_000)
    expect(promises(judge)).toEqual([])
    expect([...judge.allowed]).toEqual([['its writer died', 1]])
    expect(promises(read(5_300))).toEqual(['whatever went wrong: the end of its lifetime'])
    expect(promises(read(300, { freshness: 'committed' }, { mode: 'committed' }))).toEqual([
      'between COMMIT and rotation: committed',
    ])
  })
  test('before its COMMIT: nobody owes its version, and nobody may show it', () => {
    commit(1, [row(1, 11, 0)], 90)
    writes.shown(0, 0, 0, 1, START + 200)
    expect(promises(read(20_000))).toEqual([])
    expect(promises(read(300, { value: [0, 1, 11] }))).toEqual(['nobody reads what is not committed'])
  })
  test('is known to have committed by who wrote over it', () => {
    commit(1, [row(1, 11, 0)], 90)
    commit(2, [row(2, 22, 11)], 300, 3)
    done(2, 310, 320)
    expect(writes.at(0, 1)?.committed?.time).toBe(START + 300)
    expect(promises(read(700, { process: 3, value: [0, 1, 11] }))).toHaveLength(1)
  })
  test('of which nothing is known yet makes its value neither true nor false', () => {
    commit(1, [row(1, 11, 0)], 90)
    const judge = read(300, { value: [0, 1, 11] })
    expect(promises(judge)).toEqual([])
    expect(judge.unjudged.unknownWrite).toBe(1)
  })
})

describe('a change that was queued', () => {
  test('is owed by others from T after its replay', () => {
    commit(1, [row(1, 11, 0)], 90)
    done(1, 100, 110, 'queued')
    expect(promises(read(2_000))).toEqual([])
    expect(promises(read(115, { process: 1 }))).toHaveLength(1)
    writes.replayed(1, START + 1_000)
    expect(promises(read(1_400))).toEqual([])
    expect(promises(read(1_600))).toEqual(['after its acknowledgement: other processes, T'])
  })
})

describe('an old primary that is isolated', () => {
  test('excuses what was read meanwhile, and what it acknowledged until that is told again, and nothing else', () => {
    written()
    const isolation = faults.isolated(START + 105)
    isolation.to = START + 120
    expect([...read(300, { freshness: 'committed' }).allowed.keys()]).toEqual([
      'read while an old primary was isolated',
    ])
    const long = { lifetimeMs: 60_000 }
    expect([...read(900).allowed.keys()]).toContain('acknowledged by an old primary, not told again yet')
    expect(promises(read(5_200, {}, long))).toEqual(['after its acknowledgement: other processes, T'])
    expect(promises(read(5_200))).toEqual(['whatever went wrong: the end of its lifetime'])
    writes.bury(1)
    expect([...read(5_200, {}, long).allowed.keys()]).toContain(
      'acknowledged by an old primary to a writer that died',
    )
    commit(2, [row(2, 22, 11)], 300)
    done(2, 310, 320)
    expect(promises(read(900, { value: [0, 1, 11] }))).toHaveLength(1)
  })
})

test('with no violation in n reads the share is at most 3/n', () => {
  expect(upperBound(0, 3_000)).toBeCloseTo(0.001)
  expect(upperBound(10, 1_000)).toBeGreaterThan(0.0162)
})
