import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/coherence/reservations.ts'
import { StampTable } from '../../src/coherence/stamp-table.ts'
import type { Vector } from '../../src/coherence/vector.ts'

const EPOCH = 'epoch'
const filled = (table: StampTable, key: string, stamps: string[], tokens: string[]) => {
  const reservation = table.reserve(key, stamps)
  const vector = table.admit(reservation, tokens, EPOCH)
  if (vector !== undefined) table.hold(vector)
  table.release(reservation)
  return vector
}

describe('admit', () => {
  test('admit_untouched_makesTheStampsKnown', () => {
    const table = new StampTable()
    const vector = filled(table, 'a', ['x', 'y'], ['1', '2']) as Vector
    expect(vector.generations().map(({ name, token }) => [name, token])).toEqual([
      ['x', '1'],
      ['y', '2'],
    ])
    expect(table.isLive(vector)).toBe(true)
    expect(table.token('x', EPOCH)).toBe('1')
    expect(table.token('z', EPOCH)).toBeUndefined()
    expect(table.token('x', 'other epoch')).toBeUndefined()
  })

  test('admit_sameTokens_sharesTheVector', () => {
    const table = new StampTable()
    const one = filled(table, 'a', ['x', 'y'], ['1', '2']) as Vector
    const other = filled(table, 'b', ['x', 'y'], ['1', '2']) as Vector
    expect(other).toBe(one)
    expect(table.vector(['x', 'y'], EPOCH)).toBe(one)
    table.touch(['x'], [])
    expect(table.isLive(one)).toBe(false)
  })

  test.each([
    ['their first', ['x', 'y'], ['x', 'z']],
    ['their last', ['x', 'z'], ['y', 'z']],
  ])('admit_stampsThatShare_%s_areToldApart_howeverTheyTakeTurns', (_, some, others) => {
    const table = new StampTable()
    const tokens = { x: '1', y: '2', z: '3' } as Readonly<Record<string, string>>
    const fill = (key: string, names: string[]) =>
      filled(
        table,
        key,
        names,
        names.map((name) => tokens[name] as string),
      ) as Vector
    const one = [fill('a', some), fill('b', others), fill('c', some), fill('d', others)]
    const namesOf = (vector: Vector | undefined) => vector?.generations().map(({ name }) => name)
    expect(one.map(namesOf)).toEqual([some, others, some, others])
    table.touch([some.find((name) => !others.includes(name)) as string], [])
    expect(one.map((vector) => table.isLive(vector))).toEqual([false, true, false, true])
  })

  test.each([
    ['a stamp', (table: StampTable) => table.touch(['y'], [])],
    ['its key', (table: StampTable) => table.touch([], ['a'])],
    ['every key', (table: StampTable) => table.touchEveryKey()],
    ['a flush', (table: StampTable) => table.flush()],
    ['a rotation under way', (table: StampTable) => table.block(['x'], [], false)],
    ['a rotation of its key under way', (table: StampTable) => table.block([], ['a'], false)],
    ['an ad-hoc pattern under way', (table: StampTable) => table.block([], [], true)],
    [
      'a rotation that has ended',
      (table: StampTable) => {
        table.block(['x'], [], false)
        table.unblock(['x'], [], false)
      },
    ],
  ])('admit_touchedBy_%s_isRefused', (_, touch) => {
    const table = new StampTable()
    const reservation = table.reserve('a', ['x', 'y'])
    touch(table)
    expect(table.intact(reservation)).toBe(false)
    expect(table.admit(reservation, ['1', '2'], EPOCH)).toBeUndefined()
    expect(table.size).toBe(0)
  })

  test('admit_otherThingsTouched_isGranted', () => {
    const table = new StampTable()
    const reservation = table.reserve('a', ['x'])
    table.touch(['y'], ['b'])
    table.block(['z'], ['c'], false)
    expect(table.admit(reservation, ['1'], EPOCH)).toBeDefined()
  })

  test('admit_contradictingWhatIsKnown_isRefused_andTheKnownForgotten', () => {
    const table = new StampTable()
    const vector = filled(table, 'a', ['x', 'y'], ['1', '2']) as Vector
    expect(filled(table, 'b', ['x'], ['9'])).toBeUndefined()
    expect(table.isLive(vector)).toBe(false)
    expect(table.token('x', EPOCH)).toBeUndefined()
    expect(table.token('y', EPOCH)).toBe('2')
  })
})

describe('block', () => {
  test('block_twice_needsUnblockingTwice', () => {
    const table = new StampTable()
    table.block(['x'], ['k'], true)
    table.block(['x'], ['k'], true)
    table.unblock(['x'], ['k'], true)
    expect(table.blocked('other', ['x'])).toBe(true)
    table.unblock(['x'], ['k'], true)
    expect(table.blocked('other', ['x'])).toBe(false)
    expect(table.blocked('k', [])).toBe(false)
  })

  test('block_endsWhatWasKnown_atOnce', () => {
    const table = new StampTable()
    const vector = filled(table, 'a', ['x'], ['1']) as Vector
    table.block(['x'], [], false)
    expect(table.isLive(vector)).toBe(false)
  })
})

describe('any history', () => {
  const NAMES = ['x', 'y', 'z']
  const step = fc.oneof(
    fc.record({ kind: fc.constant('open' as const), stamps: fc.subarray(NAMES, { minLength: 1 }) }),
    fc.record({ kind: fc.constant('close' as const), at: fc.nat({ max: 9 }), evict: fc.boolean() }),
    fc.record({ kind: fc.constant('rotate' as const), stamps: fc.subarray(NAMES, { minLength: 1 }) }),
    fc.record({ kind: fc.constant('drop' as const), at: fc.nat({ max: 9 }) }),
    fc.record({ kind: fc.constant('flush' as const) }),
  )

  test('entries_ofAnyHistory_areLiveExactlyUntilAStampOfTheirsIsRotated', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new StampTable()
        const tokens = new Map(NAMES.map((name) => [name, 0]))
        const open: { reservation: Reservation; tokens: string[] }[] = []
        const entries: { vector: Vector; tokens: string[]; flushed: boolean }[] = []
        const current = (stamps: readonly string[]) => stamps.map((name) => `${name}${tokens.get(name)}`)
        for (const one of steps) {
          if (one.kind === 'open')
            open.push({ reservation: table.reserve('key', one.stamps), tokens: current(one.stamps) })
          else if (one.kind === 'close') {
            const [fill] = open.splice(one.at % Math.max(1, open.length), 1)
            if (fill === undefined) continue
            const vector = table.admit(fill.reservation, fill.tokens, EPOCH)
            const stillCurrent = current(fill.reservation.stamps).join() === fill.tokens.join()
            if (vector !== undefined) {
              expect(stillCurrent).toBe(true)
              table.hold(vector)
              entries.push({ vector, tokens: fill.tokens, flushed: false })
            }
            table.release(fill.reservation)
          } else if (one.kind === 'rotate') {
            for (const name of one.stamps) tokens.set(name, (tokens.get(name) ?? 0) + 1)
            table.touch(one.stamps, [])
          } else if (one.kind === 'drop') {
            const [entry] = entries.splice(one.at % Math.max(1, entries.length), 1)
            if (entry !== undefined) table.drop(entry.vector)
          } else {
            table.flush()
            expect(table.size).toBe(0)
            for (const entry of entries) entry.flushed = true
          }
          for (const { vector, tokens: under, flushed } of entries) {
            const names = vector.generations().map(({ name }) => name)
            expect(table.isLive(vector)).toBe(!flushed && current(names).join() === under.join())
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
