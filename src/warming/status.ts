import type { HealthPart } from '../core/health.ts'
import type { RunRecord } from './run-record.ts'
import type { Entry } from './scheduler.ts'

/** A run, as it is on record. */
export interface RunStatus
  extends Pick<
    RunRecord,
    | 'status'
    | 'reason'
    | 'durationMs'
    | 'seen'
    | 'warmed'
    | 'fresh'
    | 'unkept'
    | 'failed'
    | 'error'
    | 'by'
    | 'attempt'
  > {
  /** When it fell due, or was asked for. */
  readonly due: Date | undefined
  readonly started: Date | undefined
  /** Undefined while it runs. */
  readonly ended: Date | undefined
}

/** A schedule, as it stands in the fleet. */
export interface ScheduleStatus {
  readonly name: string
  /** What it goes by now; undefined where it runs by hand and at the start only. */
  readonly cron: string | undefined
  readonly timeZone: string
  readonly off: boolean
  /** Whether that was changed since the code declared it. */
  readonly changed: boolean
  /** A run is under way in some process, as far as is on record. */
  readonly running: boolean
  /** A run has been asked for, and has not begun. */
  readonly asked: boolean
  readonly last: RunStatus | undefined
  /** When it falls due next, or fell due if nobody has run it yet; undefined where it does not. */
  readonly next: Date | undefined
  /** Runs that ended since the schedule is known, and how many of them failed. */
  readonly runs: number
  readonly failures: number
}

/** How the fleet's warming is doing. */
export interface WarmingStatus {
  /** Whether this process leads. */
  readonly leads: boolean
  /** The process that leads; undefined for none. */
  readonly leader: string | undefined
  readonly schedules: readonly ScheduleStatus[]
}

/** What status and health are made from. */
export interface Seen {
  readonly now: number
  readonly leads: boolean
  readonly leader: string
  /** Milliseconds since the store last answered. */
  readonly silentMs: number
  readonly termMs: number
  readonly entries: ReadonlyMap<string, Entry>
}

export function statusOf(seen: Seen): WarmingStatus {
  return {
    leads: seen.leads,
    leader: seen.leader === '' ? undefined : seen.leader,
    schedules: [...seen.entries.values()].map((entry) => scheduleStatus(entry, seen.now)),
  }
}

/** In a sentence why nothing is warmed, or less than should be. */
export function healthOf(seen: Seen): HealthPart {
  const { leads, leader, silentMs, termMs } = seen
  const { schedules } = statusOf(seen)
  const active = schedules.filter(({ off }) => !off)
  const late = active.filter(
    ({ next, running }) => !running && next !== undefined && seen.now - next.getTime() > 2 * termMs,
  )
  const failed = active.filter(({ last }) => last?.status === 'failed' || last?.status === 'lost')
  const details = {
    leads,
    leader: leader === '' ? undefined : leader,
    running: names(schedules.filter(({ running }) => running)),
    off: names(schedules.filter(({ off }) => off)),
    late: names(late),
    failed: names(failed),
  }
  const stopped =
    silentMs > 2 * termMs
      ? 'The store has not told for a while who leads.'
      : leader === ''
        ? 'No process leads: none that may lead runs, or the last one has just gone.'
        : schedules.length > 0 && active.length === 0
          ? 'Every schedule is switched off.'
          : undefined
  if (stopped !== undefined) return { status: 'stopped', reason: stopped, ...details }
  const reason =
    late.length > 0
      ? `Overdue: ${details.late.join(', ')}.`
      : failed.length > 0
        ? `The last run failed: ${failed.map(({ name, last }) => `${name} (${last?.error ?? 'its processes were lost'})`).join(', ')}.`
        : undefined
  return { status: reason === undefined ? 'ok' : 'degraded', reason, ...details }
}

function scheduleStatus({ settings, calendar, records }: Entry, now: number): ScheduleStatus {
  const { run, change, ask } = records
  const off = change?.off ?? settings.off
  const since =
    run !== undefined && run.calendar === calendar?.text ? Math.max(run.through, change?.at ?? 0) : now
  const next = off ? undefined : calendar?.next(Math.max(since, now - settings.makeUpMs))
  return {
    name: settings.name,
    cron: change?.cron ?? settings.cron,
    timeZone: change?.timeZone ?? settings.timeZone,
    off,
    changed: change !== undefined,
    running: run?.status === 'running',
    asked: ask !== undefined,
    last: run === undefined || run.status === 'none' ? undefined : runStatus(run),
    next: dateOf(next),
    runs: run?.runs ?? 0,
    failures: run?.failures ?? 0,
  }
}

function runStatus(run: RunRecord): RunStatus {
  const { status, reason, durationMs, seen, warmed, fresh, unkept, failed, error, by, attempt } = run
  const times = { due: dateOf(run.due), started: dateOf(run.started), ended: dateOf(run.ended) }
  return { status, reason, durationMs, seen, warmed, fresh, unkept, failed, error, by, attempt, ...times }
}

function dateOf(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time)
}

function names(schedules: readonly ScheduleStatus[]): readonly string[] {
  return schedules.map(({ name }) => name)
}
