import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Reservation, TouchLog } from '../../src/coherence/reservations.ts'

/** A fill as anybody would keep account of it: everything touched since, remembered one by one. */
interface Kept {
  readonly reservation: Reservation
  readonly touched: Set<string>
  released: boolean
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('reserve' as const),
    key: fc.constantFrom('a', 'b'),
    stamps: fc.subarray(['x', 'y', 'z']),
  }),
  fc.record({ kind: fc.constant('release' as const), at: fc.nat({ max: 20 }) }),
  fc.record({ kind: fc.constant('stamp' as const), name: fc.constantFrom('x', 'y', 'z', 'other') }),
  fc.record({ kind: fc.constant('key' as const), name: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ kind: fc.constant('everything' as const) }),
)

test('touchLog_anyHistory_agreesWithRememberingEverything', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const log = new TouchLog()
      const all: Kept[] = []
      const touch = (name: string) => {
        for (const kept of all) kept.touched.add(name)
      }
      for (const one of steps) {
        if (one.kind === 'reserve')
          all.push({ reservation: log.reserve(one.key, one.stamps), touched: new Set(), released: false })
        else if (one.kind === 'release') {
          const kept = all[one.at % Math.max(1, all.length)]
          if (kept === undefined || kept.released) continue
          log.release(kept.reservation)
          kept.released = true
        } else if (one.kind === 'everything') {
          log.everything()
          touch('everything')
        } else {
          log[one.kind](one.name)
          touch(`${one.kind}:${one.name}`)
        }
        for (const { reservation, touched, released } of all) {
          const { key, stamps } = reservation
          const intact = ![`key:${key}`, 'everything', ...stamps.map((name) => `stamp:${name}`)].some(
            (name) => touched.has(name),
          )
          // Of a fill that is over less may be known, but nothing wrong while anything is remembered.
          if (!released) expect(log.intact(reservation)).toBe(intact)
        }
      }
    }),
    { numRuns: 1_000 },
  )
})

test('intact_askedAtTheVeryEndOfTheLastFill_stillKnowsWhatTouchedIt', () => {
  const log = new TouchLog()
  const touched = log.reserve('a', ['x'])
  log.key('a')
  log.release(touched)
  expect(log.intact(touched)).toBe(false)
  const untouched = log.reserve('a', ['x'])
  log.release(untouched)
  expect(log.intact(untouched)).toBe(true)
})

test('touches_withoutAnyFill_costNothing', () => {
  const log = new TouchLog()
  for (let at = 0; at < 1_000; at++) log.stamp(`s${at}`)
  expect(log.intact(log.reserve('a', ['s1']))).toBe(true)
})

test('touches_pastAllMeasure_revokeEveryFill_ratherThanGrow', () => {
  const log = new TouchLog()
  const reservation = log.reserve('a', ['x'])
  for (let at = 0; at <= 50_001; at++) log.stamp(`s${at}`)
  expect(log.intact(reservation)).toBe(false)
  expect(log.intact(log.reserve('a', ['x']))).toBe(true)
})

test('touched_tellsWhatWasNamed_fromWhatWasFlushed', () => {
  const log = new TouchLog()
  const [key, stamp, neither, all] = [
    log.reserve('a', ['x']),
    log.reserve('b', ['y']),
    log.reserve('c', ['z']),
    log.reserve('d', ['z']),
  ]
  log.key('a')
  log.stamp('y')
  const later = log.reserve('a', ['y'])
  expect([key, stamp, neither, all, later].map((one) => log.touched(one))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  log.everything()
  expect([key, stamp, all].map((one) => log.touched(one))).toEqual([false, false, false])
})
