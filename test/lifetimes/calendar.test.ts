import { localDate } from 'coherent-cache'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayNumber, parseDate } from '../../src/lifetimes/calendar.ts'
import { errorOf } from '../support/caches.ts'

test.each([
  ['2026-11-19T20:00:00Z', 'Asia/Kolkata', '2026-11-20'],
  ['2026-11-19T18:29:59Z', 'Asia/Kolkata', '2026-11-19'],
  ['2026-03-08T06:59:59Z', 'America/New_York', '2026-03-08'],
  ['2026-01-01T00:00:00Z', 'UTC', '2026-01-01'],
  ['2026-01-01T00:00:00Z', 'America/Los_Angeles', '2025-12-31'],
  ['2028-02-29T12:00:00Z', 'UTC', '2028-02-29'],
  ['0999-06-01T00:00:00Z', 'UTC', '0999-06-01'],
])('localDate_%s_in_%s_is_%s', (moment, timeZone, date) => {
  expect(localDate(new Date(moment), timeZone)).toBe(date)
  expect(localDate(moment, timeZone)).toBe(date)
  expect(localDate(Date.parse(moment), timeZone)).toBe(date)
})

test.each([
  ['no moment', 'yesterday', 'UTC'],
  ['invalid date', new Date(Number.NaN), 'UTC'],
  ['undefined', undefined, 'UTC'],
  ['unknown zone', new Date(0), 'Mars/Olympus'],
  ['no zone', new Date(0), ''],
])('localDate_%s_refused', (_, moment, timeZone) => {
  expect(() => localDate(moment as Date, timeZone)).toThrow(errorOf('INVALID_ARGUMENT') as Error)
})

test('localDate_inUtc_agreesWithIsoText', () => {
  const moments = fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  fc.assert(fc.property(moments, (moment) => localDate(moment, 'UTC') === moment.toISOString().slice(0, 10)))
})

test('parseDate_everyDay_isOneAfterTheDayBefore', () => {
  const days = fc.integer({ min: -30_000, max: 60_000 })
  fc.assert(
    fc.property(days, (day) => {
      const text = (at: number) => new Date(at * 86_400_000).toISOString().slice(0, 10)
      expect(parseDate(text(day))).toBe(day)
      expect(dayNumber(text(day + 1)) - dayNumber(text(day))).toBe(1)
    }),
  )
})

test('parseDate_firstCentury_isNotThe20th', () => {
  expect(parseDate('0050-01-01')).toBeLessThan(parseDate('1900-01-01') as number)
})
