import fc from 'fast-check'
import { milliseconds } from '../../../src/core/duration.ts'
import { checkName } from '../../../src/core/options.ts'
import { byAge } from '../../../src/lifetimes/by-age.ts'
import { localDate, parseDate } from '../../../src/lifetimes/calendar.ts'
import { anyText, ofPieces } from '../damage.ts'
import { checked, type FuzzTarget, must, unlessRefused } from '../target.ts'

const LONGEST_MS = 3_650 * 86_400_000
const duration = anyText(
  fc
    .tuple(fc.nat({ max: 5_000 }), fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w'))
    .map(([n, unit]) => `${n}${unit}`),
  ['ms', 's', '.', '-', '1', '0', 'e9', ' ', '\n', '٣', 'h', 'Infinity', '0x', '1.5'],
)
const date = anyText(
  fc
    .tuple(fc.integer({ min: 0, max: 9_999 }), fc.nat({ max: 13 }), fc.nat({ max: 32 }))
    .map((parts) => parts.map((part, at) => String(part).padStart(at === 0 ? 4 : 2, '0')).join('-')),
  ['-', '0', '1', 'T', 'Z', '+', '٣', '\n'],
)

const POLICY = byAge('date', {
  timeZone: 'Asia/Kolkata',
  tiers: { 0: '5s', 1: '10s', 30: '5m' },
  beyond: '15m',
})
const NOW = Date.UTC(2026, 10, 20)

/** Durations, dates in keys, names and time zones. */
export const options: FuzzTarget = {
  name: 'options',
  parses: 'durations, names, dates in keys, moments and time zones',
  wrong: 'a length of time that is none; a date that no calendar has; a lifetime that no tier gives',
  property: checked(
    fc.record({
      duration: fc.oneof(duration, fc.double(), fc.anything()),
      date,
      name: ofPieces(['a', ':', ' ', '-', '@', 'é', '{'], 4),
    }),
    ({ duration, date, name }) => {
      const length = unlessRefused(['INVALID_DURATION'], () => milliseconds(duration as '1s'))
      must(length === undefined || (length >= 0 && length <= LONGEST_MS), () => `${length} ms`)
      const day = parseDate(date)
      if (day !== undefined)
        must(
          new Date(day * 86_400_000).toISOString().slice(0, 10) === date.slice(0, 10),
          () => `the date ${date}`,
        )
      const lifetime = POLICY.lifetime({ key: '', params: { date }, value: undefined, now: NOW })
      must([5_000, 10_000, 300_000, 900_000].includes(lifetime), () => `a lifetime of ${lifetime} ms`)
      must(day !== undefined || lifetime === 5_000, 'a text that is no date lives longest')
      const checkedName = unlessRefused(['INVALID_OPTION'], () => checkName(name, 'fuzz'))
      must(checkedName === undefined || !/[\s:{}]/.test(checkedName), () => `the name ${checkedName}`)
      unlessRefused(['INVALID_ARGUMENT'], () => localDate(date, date.length % 2 === 0 ? 'UTC' : name))
    },
  ),
  hard: Object.fromEntries(
    ['1', '1.', ' ', 'a', '-'].map((piece) => [
      `many ${JSON.stringify(piece)}`,
      (length: number) => {
        const whole = piece.repeat(length / piece.length)
        return () => {
          unlessRefused(['INVALID_DURATION'], () => milliseconds(`${whole}x` as '1s'))
          unlessRefused(['INVALID_OPTION'], () => checkName(whole, 'fuzz'))
          parseDate(whole)
        }
      },
    ]),
  ),
}
