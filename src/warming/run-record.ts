/** Why a run began. */
export type RunReason =
  /** Its time had come. */
  | 'due'
  /** Its time had come while nobody led, or while the last run still ran. */
  | 'missed'
  /** Somebody asked for it. */
  | 'asked'
  /** The fleet was started. */
  | 'start'
  /** The process that ran it was lost. */
  | 'resumed'

/** What is on record of a schedule's last run. Times are milliseconds since 1970. */
export interface RunRecord {
  /** What the schedule went by. */
  readonly calendar: string
  /** Up to when everything that fell due has been dealt with. */
  readonly through: number
  /** `'none'`: it has not run yet. `'lost'`: its process was, too often to try again. */
  readonly status: 'none' | 'running' | 'done' | 'aborted' | 'failed' | 'lost'
  readonly reason?: RunReason | undefined
  readonly due?: number | undefined
  readonly started?: number | undefined
  readonly ended?: number | undefined
  readonly durationMs?: number | undefined
  readonly seen?: number | undefined
  readonly warmed?: number | undefined
  readonly fresh?: number | undefined
  readonly unkept?: number | undefined
  readonly failed?: number | undefined
  readonly error?: string | undefined
  /** The process that ran it. */
  readonly by?: string | undefined
  /** Its term. */
  readonly fence?: number | undefined
  /** Which attempt at this due time it was. */
  readonly attempt?: number | undefined
  /** Runs that ended, and those of them that failed or were lost, since the schedule is known. */
  readonly runs: number
  readonly failures: number
}

/** What was changed of a schedule while the fleet runs. */
export interface ScheduleChange {
  readonly cron?: string | undefined
  readonly timeZone?: string | undefined
  readonly off?: boolean | undefined
}

/** A change on record. */
export interface ChangeRecord extends ScheduleChange {
  readonly at: number
  readonly by: string
}

/** A run that was asked for. */
export interface AskRecord {
  readonly at: number
  readonly by: string
  readonly reason: 'asked' | 'start'
}

/** Everything on record of one schedule. */
export interface ScheduleRecords {
  readonly run: RunRecord | undefined
  readonly change: ChangeRecord | undefined
  readonly ask: AskRecord | undefined
}

export const recordNames = {
  run: (schedule: string) => `run:${schedule}`,
  change: (schedule: string) => `set:${schedule}`,
  ask: (schedule: string) => `ask:${schedule}`,
} as const

/** What is on record of a schedule. What cannot be read counts as nothing: another version may have written it. */
export function recordsOf(entries: ReadonlyMap<string, string>, schedule: string): ScheduleRecords {
  const run = read(entries.get(recordNames.run(schedule)), RUN)
  const change = read(entries.get(recordNames.change(schedule)), CHANGE)
  const ask = read(entries.get(recordNames.ask(schedule)), ASK)
  return {
    run: run as RunRecord | undefined,
    change: change as ChangeRecord | undefined,
    ask: ask as AskRecord | undefined,
  }
}

type Check = (value: unknown) => boolean
/** A time that a Date can have. */
const number: Check = (value) => typeof value === 'number' && Math.abs(value) <= 8.64e15
const text: Check = (value) => typeof value === 'string'
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string)

/** What a record has to have so that it is acted upon; what it has besides is shown as it is. */
const RUN: Readonly<Record<string, Check>> = {
  calendar: text,
  through: number,
  status: oneOf('none', 'running', 'done', 'aborted', 'failed', 'lost'),
  due: maybe(number),
  started: maybe(number),
  ended: maybe(number),
  attempt: maybe(number),
  error: maybe(text),
  runs: number,
  failures: number,
}
const CHANGE: Readonly<Record<string, Check>> = {
  cron: maybe(text),
  timeZone: maybe(text),
  off: maybe((value) => typeof value === 'boolean'),
  at: number,
}
const ASK: Readonly<Record<string, Check>> = { at: number, reason: oneOf('asked', 'start') }

function read(stored: string | undefined, checks: Readonly<Record<string, Check>>): unknown {
  if (stored === undefined) return undefined
  try {
    const value: unknown = JSON.parse(stored)
    if (typeof value !== 'object' || value === null) return undefined
    const fields = value as Readonly<Record<string, unknown>>
    return Object.entries(checks).every(([name, check]) => check(fields[name])) ? value : undefined
  } catch {
    return undefined
  }
}
