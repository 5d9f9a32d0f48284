import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { type Calendar, type CronClass, calendarOf } from './calendar.ts'
import type { DueSettings } from './due.ts'
import type { Plan } from './plan.ts'
import type { RunSettings } from './plan-run.ts'
import type { ScheduleChange } from './run-record.ts'
import { readWarmOptions } from './warm.ts'

/** A plan, and when it is carried out. An option that is `undefined` is not given. */
export interface Schedule {
  /** What to warm: a function, since it is asked anew for each run. */
  readonly plan: Exclude<Plan, Iterable<unknown> | AsyncIterable<unknown>>
  /** When, as five fields (or six, with seconds first): `'0 0 * * *'` is midnight. @default by hand and at the start only */
  readonly cron?: string | undefined
  /** Where: an IANA time zone. @default 'UTC' */
  readonly timeZone?: string | undefined
  /** Declared, but switched off until somebody switches it on. @default false */
  readonly off?: boolean | undefined
  /**
   * Also runs when the fleet starts, once, unless a run was done within this time. No start waits for it.
   *
   * @default not at the start
   */
  readonly atStart?: Duration | undefined
  /** How late a run that was missed, because no process led, is made up. 0: not at all. @default '1d' */
  readonly makeUp?: Duration | undefined
  /** Ends a run that takes longer. @default no limit */
  readonly timeout?: Duration | undefined
  /** As for `warm`. @default 8 */
  readonly concurrency?: number | undefined
  /** As for `warm`. @default no limit */
  readonly rate?: number | undefined
}

const OPTIONS = ['plan', 'cron', 'timeZone', 'off', 'atStart', 'makeUp', 'timeout', 'concurrency', 'rate']

/** A schedule with every default in place. */
export interface ScheduleSettings {
  readonly name: string
  readonly plan: Schedule['plan']
  readonly cron: string | undefined
  readonly timeZone: string
  readonly off: boolean
  readonly atStartMs: number | undefined
  readonly makeUpMs: number
  readonly timeoutMs: number | undefined
  readonly run: RunSettings
}

/** @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`, naming the schedule */
export function readSchedule(
  name: string,
  schedule: Schedule,
  cron: CronClass | undefined,
): ScheduleSettings {
  const what = `createWarming: schedules.${name}`
  if (!/^[^\s]{1,200}$/.test(name))
    throw new CacheError('INVALID_OPTION', `${what}: a name has no white space, and at most 200 characters.`)
  checkOptions(schedule, OPTIONS, what)
  if (typeof schedule?.plan !== 'function') {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: plan: ${show(schedule?.plan)} is no function. A plan that runs more than once gives its items anew each time.`,
    )
  }
  const { concurrency, rate, timeZone = 'UTC', off = false } = schedule
  const duration = (option: 'atStart' | 'makeUp' | 'timeout') => {
    const given = schedule[option]
    return given === undefined ? undefined : milliseconds(given, `${what}: ${option}`)
  }
  const settings: ScheduleSettings = {
    name,
    plan: schedule.plan,
    cron: schedule.cron,
    timeZone,
    off,
    atStartMs: duration('atStart'),
    makeUpMs: duration('makeUp') ?? milliseconds('1d'),
    timeoutMs: duration('timeout'),
    run: readWarmOptions({ name, concurrency, rate, progress: false }, what).settings,
  }
  calendarFor(settings, undefined, cron, what)
  return settings
}

/** When a schedule falls due, with what was changed of it; undefined where it has no times. */
export function calendarFor(
  { cron, timeZone }: Pick<ScheduleSettings, 'cron' | 'timeZone'>,
  change: ScheduleChange | undefined,
  Cron: CronClass | undefined,
  what: string,
): Calendar | undefined {
  const pattern = change?.cron ?? cron
  if (pattern === undefined) return undefined
  if (Cron === undefined) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${show(pattern)} needs croner: pass { Cron } with the class Cron of that package.`,
    )
  }
  return calendarOf(Cron, pattern, change?.timeZone ?? timeZone, what)
}

/** What a schedule is decided by. */
export function dueSettings(
  { off, makeUpMs, atStartMs }: ScheduleSettings,
  change: ScheduleChange | undefined,
  calendar: Calendar | undefined,
  punctualMs: number,
): DueSettings {
  return { calendar, off: change?.off ?? off, makeUpMs, atStartMs, punctualMs }
}
