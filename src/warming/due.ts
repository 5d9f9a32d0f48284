import type { Calendar } from './calendar.ts'
import type { RunReason, ScheduleRecords } from './run-record.ts'

/** What a schedule is decided by. */
export interface DueSettings {
  /** Undefined where it has no times of its own, or is switched off. */
  readonly calendar: Calendar | undefined
  readonly off: boolean
  /** How late a run may be made up, in milliseconds. */
  readonly makeUpMs: number
  /** How late a run is without having been missed. */
  readonly punctualMs: number
  /** A run that ended so short a time ago spares the one at the start. */
  readonly atStartMs: number | undefined
}

/** What is to be done about a schedule now. */
export type Decision =
  | { readonly what: 'run'; readonly due: number; readonly reason: RunReason; readonly attempt: number }
  /** Nothing before this time; undefined: nothing until somebody changes something. */
  | { readonly what: 'wait'; readonly until: number | undefined }
  /** Put on record that all up to now has been dealt with, and decide again. */
  | { readonly what: 'note'; readonly lost: boolean }
  /** Take what was asked for off the record: it has been satisfied. */
  | { readonly what: 'satisfied' }

/** A run whose process was lost so often takes its processes with it. */
const MOST_ATTEMPTS = 5

/**
 * What a leader does about a schedule, from what is on record and the time alone. A run that is on record as running
 * under another term belongs to a process that leads no more: the caller asks only about what it does not run itself.
 */
export function decide({ run, change, ask }: ScheduleRecords, settings: DueSettings, now: number): Decision {
  const { calendar, off, makeUpMs, punctualMs, atStartMs } = settings
  if (ask !== undefined) {
    const spared =
      ask.reason === 'start' &&
      run?.ended !== undefined &&
      now - run.ended < (atStartMs ?? 0) &&
      run.status === 'done'
    if (spared || (ask.reason === 'start' && off)) return { what: 'satisfied' }
    return { what: 'run', due: ask.at, reason: ask.reason, attempt: 1 }
  }
  if (off) return { what: 'wait', until: undefined }
  if (run?.status === 'running') {
    const attempt = (run.attempt ?? 1) + 1
    if (attempt > MOST_ATTEMPTS) return { what: 'note', lost: true }
    return { what: 'run', due: run.due ?? now, reason: 'resumed', attempt }
  }
  if (calendar === undefined) return { what: 'wait', until: undefined }
  // Under another calendar nothing that came before was ever due.
  if (run === undefined || run.calendar !== calendar.text) return { what: 'note', lost: false }
  const since = Math.max(run.through, change?.at ?? 0)
  // The newest that may still be made up; older ones are covered by it.
  const due = calendar.next(Math.max(since, now - Math.max(makeUpMs, punctualMs)))
  if (due === undefined) return { what: 'wait', until: undefined }
  if (due > now) return { what: 'wait', until: due }
  return { what: 'run', due, reason: now - due > punctualMs ? 'missed' : 'due', attempt: 1 }
}
