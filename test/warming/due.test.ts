import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendarOf } from '../../src/warming/calendar.ts'
import { decide } from '../../src/warming/due.ts'
import { type RunRecord, recordsOf, type ScheduleRecords } from '../../src/warming/run-record.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const at = (text: string) => Date.parse(text)
const midnight = calendarOf(Cron, '0 0 * * *', 'UTC', 'test')
const settings = {
  calendar: midnight,
  off: false,
  makeUpMs: 24 * HOUR,
  punctualMs: 30_000,
  atStartMs: undefined as number | undefined,
}
const nothing: ScheduleRecords = { run: undefined, change: undefined, ask: undefined }
const ran = (through: string, more: Partial<RunRecord> = {}): ScheduleRecords => ({
  ...nothing,
  run: { calendar: midnight.text, through: at(through), status: 'done', runs: 1, failures: 0, ...more },
})

describe('decide', () => {
  test('neverSeen_isNoted_soThatWhatIsMissedFromNowOnIsKnown', () => {
    expect(decide(nothing, settings, at('2026-03-01T12:00:00Z'))).toEqual({ what: 'note', lost: false })
  })

  test('beforeItsTime_waitsForIt', () => {
    expect(decide(ran('2026-03-01T00:00:01Z'), settings, at('2026-03-01T12:00:00Z'))).toEqual({
      what: 'wait',
      until: at('2026-03-02T00:00:00Z'),
    })
  })

  test('atItsTime_runs', () => {
    expect(decide(ran('2026-03-01T00:00:01Z'), settings, at('2026-03-02T00:00:00Z'))).toEqual({
      what: 'run',
      due: at('2026-03-02T00:00:00Z'),
      reason: 'due',
      attempt: 1,
    })
  })

  test('missed_isMadeUp_once_forAllThatWasMissedWithinTheTime', () => {
    expect(decide(ran('2026-02-25T00:00:01Z'), settings, at('2026-03-02T09:00:00Z'))).toEqual({
      what: 'run',
      due: at('2026-03-02T00:00:00Z'),
      reason: 'missed',
      attempt: 1,
    })
  })

  test('missed_longerAgoThanIsMadeUp_waitsForTheNext', () => {
    const soon = { ...settings, makeUpMs: HOUR }
    expect(decide(ran('2026-02-25T00:00:01Z'), soon, at('2026-03-02T09:00:00Z'))).toEqual({
      what: 'wait',
      until: at('2026-03-03T00:00:00Z'),
    })
  })

  test('missed_andNeverMadeUp_stillRunsWhenItIsALittleLate', () => {
    const never = { ...settings, makeUpMs: 0 }
    expect(decide(ran('2026-03-01T00:00:01Z'), never, at('2026-03-02T00:00:29Z'))).toMatchObject({
      what: 'run',
      reason: 'due',
    })
    expect(decide(ran('2026-03-01T00:00:01Z'), never, at('2026-03-02T00:00:31Z')).what).toBe('wait')
  })

  test('underAnotherCalendar_nothingWasDue', () => {
    const hourly = { ...settings, calendar: calendarOf(Cron, '0 * * * *', 'UTC', 'test') }
    expect(decide(ran('2026-03-01T00:00:01Z'), hourly, at('2026-03-01T12:00:00Z'))).toEqual({
      what: 'note',
      lost: false,
    })
  })

  test('switchedOff_waits_andWhatFellDueMeanwhileIsNotMadeUp', () => {
    const records = ran('2026-02-25T00:00:01Z')
    expect(decide(records, { ...settings, off: true }, at('2026-03-02T09:00:00Z'))).toEqual({
      what: 'wait',
      until: undefined,
    })
    const on = { ...records, change: { off: false, at: at('2026-03-02T08:00:00Z'), by: 'me' } }
    expect(decide(on, settings, at('2026-03-02T09:00:00Z'))).toEqual({
      what: 'wait',
      until: at('2026-03-03T00:00:00Z'),
    })
  })

  test('asked_runs_evenSwitchedOff_orWithoutACalendar', () => {
    const now = at('2026-03-01T12:00:00Z')
    const asked = { ...nothing, ask: { at: now - 5, by: 'me', reason: 'asked' as const } }
    for (const changed of [{}, { off: true }, { calendar: undefined }]) {
      expect(decide(asked, { ...settings, ...changed }, now)).toEqual({
        what: 'run',
        due: now - 5,
        reason: 'asked',
        attempt: 1,
      })
    }
  })

  test('askedAtTheStart_isSparedByARunJustDone_notByOneThatFailed', () => {
    const now = at('2026-03-01T12:00:00Z')
    const ask = { at: now, by: 'me', reason: 'start' as const }
    const withStart = { ...settings, atStartMs: HOUR }
    const just = ran('2026-03-01T11:30:00Z', { ended: now - 30 * MINUTE })
    expect(decide({ ...just, ask }, withStart, now)).toEqual({ what: 'satisfied' })
    const long = ran('2026-03-01T10:30:00Z', { ended: now - 90 * MINUTE })
    expect(decide({ ...long, ask }, withStart, now)).toMatchObject({ what: 'run', reason: 'start' })
    const failed = ran('2026-03-01T11:30:00Z', { ended: now - 30 * MINUTE, status: 'failed' })
    expect(decide({ ...failed, ask }, withStart, now)).toMatchObject({ what: 'run', reason: 'start' })
    expect(decide({ ...long, ask }, { ...withStart, off: true }, now)).toEqual({ what: 'satisfied' })
  })

  test('onRecordAsRunning_itsProcessWasLost_isResumed_butNotForEver', () => {
    const now = at('2026-03-01T00:20:00Z')
    const due = at('2026-03-01T00:00:00Z')
    const lost = (attempt: number) => ran('2026-03-01T00:00:00Z', { status: 'running', due, attempt })
    expect(decide(lost(1), settings, now)).toEqual({ what: 'run', due, reason: 'resumed', attempt: 2 })
    expect(decide(lost(4), settings, now)).toMatchObject({ attempt: 5 })
    expect(decide(lost(5), settings, now)).toEqual({ what: 'note', lost: true })
  })
})

describe('calendars', () => {
  test('goByTheirTimeZone', () => {
    const kolkata = calendarOf(Cron, '0 0 * * *', 'Asia/Kolkata', 'test')
    expect(kolkata.next(at('2026-03-01T12:00:00Z'))).toBe(at('2026-03-01T18:30:00Z'))
  })

  test('throughSummerTime_aTimeThatDoesNotExistComesJustAfter_oneThatComesTwiceCountsOnce', () => {
    const berlin = calendarOf(Cron, '30 2 * * *', 'Europe/Berlin', 'test')
    expect(berlin.next(at('2026-03-28T12:00:00Z'))).toBe(at('2026-03-29T01:00:00Z'))
    expect(berlin.next(at('2026-10-24T12:00:00Z'))).toBe(at('2026-10-25T00:30:00Z'))
    expect(berlin.next(at('2026-10-25T00:30:00Z'))).toBe(at('2026-10-26T01:30:00Z'))
    const hourly = calendarOf(Cron, '0 * * * *', 'Europe/Berlin', 'test')
    expect(hourly.next(at('2026-10-25T00:30:00Z'))).toBe(at('2026-10-25T01:00:00Z'))
    expect(hourly.next(at('2026-10-25T01:00:00Z'))).toBe(at('2026-10-25T02:00:00Z'))
  })

  test('aDayThatNeverComes_isNever', () => {
    expect(calendarOf(Cron, '0 0 31 2 *', 'UTC', 'test').next(0)).toBeUndefined()
  })

  test.each([
    ['x', 'UTC'],
    ['* * *', 'UTC'],
    ['0 0 * * *', 'Mars/Base'],
  ])('%j in %j is refused', (cron, timeZone) => {
    expect(() => calendarOf(Cron, cron, timeZone, 'test')).toThrow(/is no schedule/)
  })
})

describe('what is on record', () => {
  const field = fc.oneof(
    fc.jsonValue(),
    fc.double(),
    fc.constantFrom('running', 'done', 'none', 'asked', 'start', midnight.text, '0 0 * * *', true),
    fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') }),
  )
  const names = ['calendar', 'through', 'status', 'due', 'started', 'ended', 'attempt', 'runs', 'failures']
  const object = fc.dictionary(
    fc.constantFrom(...names, 'cron', 'timeZone', 'off', 'at', 'by', 'reason', 'error'),
    field,
  )
  const stored = fc.oneof(
    object.map((one) => JSON.stringify(one)),
    fc.json(),
    fc.string(),
  )

  test('whateverItIs_itIsReadOrLeftOut_andDecidedUpon', () => {
    const now = at('2026-03-01T12:00:00Z')
    fc.assert(
      fc.property(stored, stored, stored, (run, set, ask) => {
        const entries = new Map([
          ['run:a', run],
          ['set:a', set],
          ['ask:a', ask],
        ])
        const records = recordsOf(entries, 'a')
        const { what } = decide(records, settings, now)
        expect(['run', 'wait', 'note', 'satisfied']).toContain(what)
        JSON.stringify(
          [records.run?.due, records.run?.ended].map((time) => time && new Date(time).toISOString()),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  test('whatThisVersionWrites_isRead', () => {
    const { run } = ran('2026-03-01T00:00:00Z', { due: 5, started: 6, ended: 7, attempt: 2, error: 'text' })
    const change = { cron: '0 1 * * *', at: 7, by: 'me' }
    const ask = { at: 8, by: 'me', reason: 'start' }
    const entries = new Map([
      ['run:a', JSON.stringify(run)],
      ['set:a', JSON.stringify(change)],
      ['ask:a', JSON.stringify(ask)],
    ])
    expect(recordsOf(entries, 'a')).toEqual({ run, change, ask })
    expect(recordsOf(entries, 'b')).toEqual(nothing)
  })
})
