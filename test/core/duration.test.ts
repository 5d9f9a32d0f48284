import { type Duration, milliseconds } from 'coherent-cache'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'

test.each<[Duration, number]>([
  [0, 0],
  [250, 250],
  [0.5, 0.5],
  ['0s', 0],
  ['200ms', 200],
  ['5s', 5_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
  ['3650d', 315_360_000_000],
])('milliseconds_%s_is_%d', (written, length) => {
  expect(milliseconds(written)).toBe(length)
})

test.each([
  -1,
  '-1s',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  'Infinity',
  '',
  ' ',
  's',
  '5',
  '5 sec',
  '5S',
  '1e3ms',
  '0x10ms',
  '1,5s',
  '.5s',
  '5.s',
  '3651d',
  null,
  undefined,
  {},
  [],
  5n,
  true,
  new Date(),
])('milliseconds_%s_refused', (given) => {
  expect(() => milliseconds(given as Duration)).toThrow(errorOf('INVALID_DURATION') as Error)
})

test('milliseconds_refused_namesTheOptionAndWhatToWrite', () => {
  expect(() => milliseconds('soon' as Duration, 'createCache: ttl')).toThrow(
    /^createCache: ttl: "soon" is not a duration\. Write .*'5s'/,
  )
})

test('milliseconds_anyText_isReadOrRefused_quickly', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 5_000 }), (text) => {
      try {
        expect(milliseconds(text as Duration)).toBeGreaterThanOrEqual(0)
      } catch (error) {
        expect(error).toEqual(errorOf('INVALID_DURATION'))
      }
    }),
    { numRuns: 200 },
  )
})
