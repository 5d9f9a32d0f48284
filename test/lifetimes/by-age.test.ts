import { type ByAgeOptions, byAge, type Duration, defineKeys } from 'coherent-cache'
import { manualClock } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

const tiers = { 0: '5s', 1: '10s', 3: '30s', 7: '2m', 30: '5m' } as const

/** The lifetime in seconds of a value whose key has this date, decided at this moment. */
function seconds(date: string, now: string, options: Partial<ByAgeOptions> = {}): number {
  const policy = byAge('date', { tiers, beyond: '15m', ...options })
  const context = { key: 'k', params: { date }, value: undefined, now: new Date(now).getTime() }
  return policy.lifetime(context) / 1_000
}

describe('tiers', () => {
  test.each([
    ['2026-11-20', 5],
    ['2026-11-19', 10],
    ['2026-11-18', 30],
    ['2026-11-17', 30],
    ['2026-11-16', 120],
    ['2026-11-13', 120],
    ['2026-11-12', 300],
    ['2026-10-21', 300],
    ['2026-10-20', 900],
    ['1999-01-01', 900],
    ['2026-11-21', 5],
    ['2027-01-01', 5],
    ['9999-12-31', 5],
  ])('byAge_%s_on20November_%dSeconds', (date, expected) => {
    expect(seconds(date, '2026-11-20T12:00:00Z')).toBe(expected)
  })

  test('byAge_tiersInAnyOrder_areSorted', () => {
    expect(seconds('2026-11-19', '2026-11-20T12:00:00Z', { tiers: { 30: '5m', 1: '10s', 0: '5s' } })).toBe(10)
  })

  test('byAge_noTiers_isBeyondAlone', () => {
    expect(seconds('2026-11-20', '2026-11-20T12:00:00Z', { tiers: { 0: '1s' }, beyond: '1m' })).toBe(1)
    expect(seconds('2026-11-20', '2026-11-20T12:00:00Z', { tiers: {}, beyond: '1m' })).toBe(60)
  })

  test('byAge_zeroLifetime_isALifetime', () => {
    expect(seconds('2026-11-20', '2026-11-20T12:00:00Z', { tiers: { 0: 0 } })).toBe(0)
  })
})

describe('dates', () => {
  test.each(['2026-11-19T23:59:59Z', '2026-11-19 08:00', '2026-11-19:suffix', '2026-11-19'])(
    'byAge_%s_isReadUpToTheDay',
    (date) => {
      expect(seconds(date, '2026-11-20T12:00:00Z')).toBe(10)
    },
  )

  test.each([
    '',
    'today',
    '20261119',
    '2026-13-01',
    '2026-02-30',
    '2025-02-29',
    '2026-11-1',
    '26-11-19',
    '2026-11-190',
    ' 2026-11-19',
  ])('byAge_%j_isNoDate_andGetsTheShortestLifetime', (date) => {
    expect(seconds(date, '2026-11-20T12:00:00Z')).toBe(5)
    expect(seconds(date, '2026-11-20T12:00:00Z', { tiers: { 0: '1h' }, beyond: '1s' })).toBe(1)
  })

  test('byAge_parameterLeftOut_getsTheShortestLifetime', () => {
    const policy = byAge('date', { tiers, beyond: '15m' })
    expect(policy.lifetime({ key: 'k', params: {}, value: undefined, now: 0 })).toBe(5_000)
  })

  test('byAge_leapDays_areDays', () => {
    expect(seconds('2028-02-29', '2028-03-01T12:00:00Z')).toBe(10)
    expect(seconds('2028-02-28', '2028-03-01T12:00:00Z')).toBe(30)
    expect(seconds('2027-02-28', '2027-03-01T12:00:00Z')).toBe(10)
    expect(seconds('2028-02-29', '2028-02-29T00:00:00Z')).toBe(5)
  })

  test('byAge_yearsEnd_isOneDay', () => {
    expect(seconds('2026-12-31', '2027-01-01T00:00:00Z')).toBe(10)
  })
})

describe('time zones', () => {
  test('byAge_midnightInItsZone_notInUtc', () => {
    const zone = { timeZone: 'Asia/Kolkata' }
    expect(seconds('2026-11-19', '2026-11-19T18:29:59Z', zone)).toBe(5)
    expect(seconds('2026-11-19', '2026-11-19T18:30:00Z', zone)).toBe(10)
    expect(seconds('2026-11-20', '2026-11-19T18:30:00Z', zone)).toBe(5)
  })

  test('byAge_westOfUtc', () => {
    const zone = { timeZone: 'America/Los_Angeles' }
    expect(seconds('2026-11-19', '2026-11-20T07:59:59Z', zone)).toBe(5)
    expect(seconds('2026-11-19', '2026-11-20T08:00:00Z', zone)).toBe(10)
  })

  test('byAge_furthestZones', () => {
    expect(seconds('2026-11-21', '2026-11-20T10:00:00Z', { timeZone: 'Pacific/Kiritimati' })).toBe(5)
    expect(seconds('2026-11-20', '2026-11-20T10:00:00Z', { timeZone: 'Pacific/Kiritimati' })).toBe(10)
    expect(seconds('2026-11-19', '2026-11-20T10:59:59Z', { timeZone: 'Pacific/Niue' })).toBe(5)
    expect(seconds('2026-11-19', '2026-11-20T11:00:00Z', { timeZone: 'Pacific/Niue' })).toBe(10)
  })

  // New York: 8 March 2026 has 23 hours, 1 November 2026 has 25.
  test.each([
    ['2026-03-07', '2026-03-08T04:59:59Z', 5],
    ['2026-03-07', '2026-03-08T05:00:00Z', 10],
    ['2026-03-08', '2026-03-09T03:59:59Z', 5],
    ['2026-03-08', '2026-03-09T04:00:00Z', 10],
    ['2026-10-31', '2026-11-01T03:59:59Z', 5],
    ['2026-10-31', '2026-11-01T04:00:00Z', 10],
    ['2026-11-01', '2026-11-02T04:59:59Z', 5],
    ['2026-11-01', '2026-11-02T05:00:00Z', 10],
    ['2026-11-01', '2026-11-01T05:30:00Z', 5],
    ['2026-11-01', '2026-11-01T06:30:00Z', 5],
  ])('byAge_aroundAChangeOfClocks_%s_at_%s', (date, now, expected) => {
    expect(seconds(date, now, { timeZone: 'America/New_York' })).toBe(expected)
  })

  test('byAge_dayThatAZoneSkipped_isADayOfTheCalendar', () => {
    // Samoa had no 30 December 2011.
    expect(seconds('2011-12-29', '2011-12-30T10:00:00Z', { timeZone: 'Pacific/Apia' })).toBe(30)
  })
})

describe('refused', () => {
  test.each([
    ['no parameter', () => byAge('', { tiers, beyond: '1m' }), 'INVALID_OPTION', /name the key parameter/],
    [
      'parameter that is no text',
      () => byAge(5 as never, { tiers, beyond: '1m' }),
      'INVALID_OPTION',
      /byAge\(5\)/,
    ],
    ['no options', () => byAge('date', undefined as never), 'INVALID_OPTION', /byAge\("date"\)/],
    ['options that are text', () => byAge('date', '5m' as never), 'INVALID_OPTION', /options object/],
    [
      'misspelt option',
      () => byAge('date', { tires: tiers, beyond: '1m' } as never),
      'INVALID_OPTION',
      /"tires".*"tiers"/,
    ],
    ['no beyond', () => byAge('date', { tiers } as never), 'INVALID_DURATION', /beyond/],
    ['no tiers', () => byAge('date', { beyond: '1m' } as never), 'INVALID_OPTION', /tiers/],
    [
      'tiers that are a list',
      () => byAge('date', { tiers: ['1m'] as never, beyond: '1m' }),
      'INVALID_OPTION',
      /tiers/,
    ],
    ['negative age', () => byAge('date', { tiers: { [-1]: '1m' }, beyond: '1m' }), 'INVALID_OPTION', /"-1"/],
    ['half a day', () => byAge('date', { tiers: { 0.5: '1m' }, beyond: '1m' }), 'INVALID_OPTION', /"0.5"/],
    [
      'bad lifetime',
      () => byAge('date', { tiers: { 3: 'x' as Duration }, beyond: '1m' }),
      'INVALID_DURATION',
      /tier 3/,
    ],
    [
      'unknown zone',
      () => byAge('date', { timeZone: 'Mars/Olympus', tiers, beyond: '1m' }),
      'INVALID_OPTION',
      /"Mars\/Olympus"/,
    ],
  ] as const)('byAge_%s', (_, define, code, message) => {
    expect(define).toThrow(errorOf(code, message) as Error)
  })
})

test('byAge_inACache_decidesWhenTheValueIsLoaded', async () => {
  const clock = manualClock('2026-11-20T12:00:00Z')
  const keys = defineKeys({
    report: { key: 'report:{date}', ttl: byAge('date', { timeZone: 'Asia/Kolkata', tiers, beyond: '15m' }) },
  })
  const { cache } = openCache({ keys, clock })
  const expiresIn = async (date: string) =>
    ((await cache.getEntry(keys.report({ date }), () => 1)).expiresAt ?? 0) - clock.now()
  expect(await expiresIn('2026-11-20')).toBe(5_000)
  expect(await expiresIn('2026-11-19')).toBe(10_000)
  expect(await expiresIn('2020-01-01')).toBe(900_000)
  expect((await cache.explain(keys.report({ date: '2026-11-20' }))).ttl).toBe(
    'by age of {date} in Asia/Kolkata',
  )
})

describe('a day that ends while the value lives', () => {
  const shrinking = {
    tiers: { 0: '6h', 1: '10m', 7: '1m' },
    beyond: '10s',
    timeZone: 'Asia/Kolkata',
  } as const
  // Midnight in India is 18:30 UTC.
  test.each([
    ['long before', '2026-11-20T06:30:00Z', 6 * 3_600],
    ['with the tier ending first', '2026-11-20T12:30:00Z', 6 * 3_600],
    ['a minute short of that', '2026-11-20T12:31:00Z', 6 * 3_600 - 60],
    ['at midnight it has lived longer than the next tier allows', '2026-11-20T18:00:00Z', 30 * 60],
    ['at midnight it has not', '2026-11-20T18:29:00Z', 10 * 60],
    ['on the next day', '2026-11-20T18:30:00Z', 10 * 60],
  ])('byAge_loaded_%s', (_, now, expected) => {
    expect(seconds('2026-11-20', now, shrinking)).toBe(expected)
  })

  test('byAge_severalDaysEnd_theShortestOfThemCounts', () => {
    const tiers = { 0: '30d', 1: '20d', 3: '30d', 7: '1h' } as const
    // Loaded at the beginning of the day: tier 7 begins four days later.
    expect(seconds('2026-11-20', '2026-11-20T00:00:00Z', { tiers, beyond: '40d' })).toBe(4 * 86_400)
    // Its own first day is still to come: the tiers begin that much later.
    expect(seconds('2026-11-22', '2026-11-20T00:00:00Z', { tiers, beyond: '40d' })).toBe(6 * 86_400)
  })

  test('byAge_nextTierIsLonger_changesNothing', () => {
    expect(seconds('2026-11-20', '2026-11-20T23:59:59Z')).toBe(5)
  })

  test('byAge_nextTierIs0_endsWithTheDay', () => {
    expect(seconds('2026-11-20', '2026-11-20T23:59:00Z', { tiers: { 0: '1h' }, beyond: 0 })).toBe(60)
  })

  // New York: 8 March 2026 has 23 hours, 1 November 2026 has 25.
  test.each([
    ['2026-03-08', '2026-03-08T05:00:00Z', 23],
    ['2026-11-01', '2026-11-01T04:00:00Z', 25],
    ['2026-06-01', '2026-06-01T04:00:00Z', 24],
  ])('byAge_dayOf_%s_hasItsHours', (date, now, hours) => {
    const zone = { timeZone: 'America/New_York', tiers: { 0: '48h' }, beyond: '1s' } as const
    expect(seconds(date, now, zone)).toBe(hours * 3_600)
  })

  test('byAge_leapDay_isADayBetween', () => {
    const tiers = { 1: '30d' } as const
    expect(seconds('2028-02-28', '2028-02-28T00:00:00Z', { tiers, beyond: '1s' })).toBe(2 * 86_400)
  })

  test('byAge_dayThatAZoneSkipped_beginsWithTheNext', () => {
    // Samoa went from 29 to 31 December 2011, at 10:00 UTC.
    const zone = { timeZone: 'Pacific/Apia', tiers: { 0: '48h' }, beyond: '1s' } as const
    expect(seconds('2011-12-29', '2011-12-30T09:00:00Z', zone)).toBe(3_600)
  })

  test('byAge_theValueInACache_endsThen', async () => {
    const clock = manualClock('2026-11-20T18:00:00Z')
    const keys = defineKeys({ report: { key: 'report:{date}', ttl: byAge('date', shrinking) } })
    const { cache } = openCache({ keys, clock })
    const key = keys.report({ date: '2026-11-20' })
    await cache.get(key, () => 'as of the day')
    await clock.advance(30 * 60_000 - 1)
    expect(cache.peek(key)).toBe('as of the day')
    await clock.advance(1)
    expect(cache.peek(key)).toBeUndefined()
  })
})
