import type { CancelTimer } from '../core/clock.ts'
import type { Extension } from '../core/extension.ts'
import type { Leads } from '../core/store.ts'
import type { Calendar } from './calendar.ts'
import { type Decision, decide } from './due.ts'
import type { Term } from './leadership.ts'
import type { PlanItems } from './plan.ts'
import { PlanRun, type WarmedCache } from './plan-run.ts'
import type { WarmingResult } from './result.ts'
import { type RunRecord, recordNames, type ScheduleRecords } from './run-record.ts'
import { dueSettings, type ScheduleSettings } from './schedule.ts'

/** A schedule as it stands, with what was changed of it and what is on record. */
export interface Entry {
  readonly settings: ScheduleSettings
  calendar: Calendar | undefined
  records: ScheduleRecords
  /** The run of this process, while it runs. */
  running: AbortController | undefined
}

/** What a scheduler works with. */
export interface SchedulerRoom {
  readonly cache: WarmedCache
  readonly extension: Extension
  readonly leads: Leads
  readonly title: string
  readonly entries: ReadonlyMap<string, Entry>
  readonly runsAtOnce: number
  readonly punctualMs: number
  /** The longest pause between two looks at the wall clock, which may jump. */
  readonly longestPauseMs: number
  /** Reads the records anew. */
  refresh(): Promise<void>
  /** The store has refused what only a leader may write. */
  refused(): void
  /** A run has ended, of this term or the last. */
  ended(): void
}

const RETRY_MS = 1_000

/**
 * Runs what is due, while this process leads: one scheduler for each term. Nothing begins before it is on record, and
 * whatever it writes is refused once its term is over: what a leader that was paused leaves on record as running is the
 * next one's to resume.
 */
export class Scheduler {
  readonly #room: SchedulerRoom
  readonly #term: Term
  #cancel: CancelTimer = () => {}
  #looking: Promise<void> | undefined
  #again = false
  #running = 0

  constructor(room: SchedulerRoom, term: Term) {
    this.#room = room
    this.#term = term
    term.signal.addEventListener('abort', () => this.#cancel())
  }

  /** Looks at what is on record and due, and begins it. Never rejects. */
  look(): Promise<void> {
    if (this.#looking !== undefined) this.#again = true
    this.#looking ??= this.#looks().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #looks(): Promise<void> {
    do {
      this.#again = false
      this.#cancel()
      await this.#lookOnce().catch(() => this.#later(RETRY_MS))
    } while (this.#again && this.#term.held())
  }

  async #lookOnce(): Promise<void> {
    const { extension, entries, runsAtOnce, longestPauseMs } = this.#room
    await this.#room.refresh()
    if (!this.#term.held()) return
    const now = extension.clock.now()
    let next = now + longestPauseMs
    const due: { readonly entry: Entry; readonly decision: Decision & { readonly what: 'run' } }[] = []
    for (const entry of entries.values()) {
      if (entry.running !== undefined) continue
      const decision = this.#decide(entry, now)
      if (decision.what === 'run') due.push({ entry, decision })
      else if (decision.what === 'wait') next = Math.min(next, decision.until ?? next)
      else {
        if (!(await this.#note(entry, decision, now))) return this.#refused()
        this.#again = true
      }
    }
    due.sort((one, other) => one.decision.due - other.decision.due)
    for (const { entry, decision } of due) {
      // The others begin as turns come free.
      if (this.#running >= runsAtOnce) break
      if (!(await this.#begin(entry, decision))) return this.#refused()
    }
    this.#later(Math.max(0, next - extension.clock.now()))
  }

  #decide({ settings, calendar, records }: Entry, now: number): Decision {
    return decide(records, dueSettings(settings, records.change, calendar, this.#room.punctualMs), now)
  }

  #later(milliseconds: number): void {
    this.#cancel()
    if (!this.#term.held()) return
    this.#cancel = this.#room.extension.clock.after(milliseconds, () => void this.look())
  }

  /** Whether this process leads is for the store to say: asks it, and looks again later if it does. */
  #refused(): void {
    this.#room.refused()
    this.#later(RETRY_MS)
  }

  async #note(entry: Entry, decision: Decision, now: number): Promise<boolean> {
    const { settings, records, calendar } = entry
    if (decision.what !== 'note') return this.#write([[recordNames.ask(settings.name), '']])
    const { run } = records
    const ended = { status: 'lost', ended: now, failures: (run?.failures ?? 0) + 1 } as const
    const noted: RunRecord = {
      ...(run ?? { status: 'none', failures: 0 }),
      ...(decision.lost ? ended : {}),
      calendar: calendar?.text ?? '',
      through: now,
      runs: (run?.runs ?? 0) + (decision.lost ? 1 : 0),
    }
    return this.#write([[recordNames.run(settings.name), JSON.stringify(noted)]])
  }

  /** Puts a run on record and begins it. @returns whether it was put there */
  async #begin(
    entry: Entry,
    { due, reason, attempt }: Decision & { readonly what: 'run' },
  ): Promise<boolean> {
    const { extension } = this.#room
    const { settings, calendar, records } = entry
    const started = extension.clock.now()
    const { runs = 0, failures = 0 } = records.run ?? {}
    const { fence } = this.#term
    const record: RunRecord = {
      calendar: calendar?.text ?? '',
      through: started,
      status: 'running',
      reason,
      due,
      started,
      by: extension.process,
      fence,
      attempt,
      runs,
      failures,
    }
    const running = new AbortController()
    entry.running = running
    this.#running++
    let written = false
    try {
      written = await this.#write([
        [recordNames.run(settings.name), JSON.stringify(record)],
        [recordNames.ask(settings.name), ''],
      ])
    } finally {
      if (!written) this.#end(entry)
    }
    if (!written) return false
    void this.#run(entry, record, running).finally(() => {
      this.#end(entry)
      this.#room.ended()
    })
    return true
  }

  #end(entry: Entry): void {
    entry.running = undefined
    this.#running--
  }

  /** Never rejects. */
  async #run(entry: Entry, record: RunRecord, running: AbortController): Promise<void> {
    const { cache, extension } = this.#room
    const { settings, calendar } = entry
    const { clock } = extension
    const stop = () => running.abort(this.#term.signal.reason)
    if (this.#term.held()) this.#term.signal.addEventListener('abort', stop)
    else stop()
    const late =
      settings.timeoutMs === undefined
        ? () => {}
        : clock.after(settings.timeoutMs, () =>
            running.abort(new Error(`It ran longer than its timeout of ${settings.timeoutMs} ms.`)),
          )
    const plan = (): PlanItems | Promise<PlanItems> => settings.plan({ signal: running.signal })
    const result = await new PlanRun(cache, extension, { ...settings.run, signal: running.signal }).run(plan)
    late()
    this.#term.signal.removeEventListener('abort', stop)
    const ended = clock.now()
    await this.#writeResult(settings.name, {
      ...record,
      ...ofResult(result),
      calendar: calendar?.text ?? '',
      // What fell due while it ran is covered by it.
      through: ended,
      ended,
      runs: record.runs + 1,
      failures: record.failures + (hasFailed(result) ? 1 : 0),
    })
  }

  /** Tries until it is written, or the term is over: then the run stays on record as running, for the next leader. */
  async #writeResult(name: string, record: RunRecord): Promise<void> {
    const { clock } = this.#room.extension
    while (this.#term.held()) {
      try {
        await this.#write([[recordNames.run(name), JSON.stringify(record)]])
        return
      } catch {
        await new Promise<void>((resolve) => {
          clock.after(RETRY_MS, resolve)
        })
      }
    }
  }

  async #write(entries: readonly (readonly [string, string])[]): Promise<boolean> {
    const { leads, title } = this.#room
    const { holder, fence } = this.#term
    const reply = await leads.record({ title, entries: new Map(entries), term: { holder, fence } })
    return reply.written
  }
}

function hasFailed({ status, failed, warmed, fresh }: WarmingResult): boolean {
  return status === 'failed' || (failed > 0 && warmed + fresh === 0)
}

function ofResult(result: WarmingResult) {
  const { status, seen, warmed, fresh, unkept, failed, durationMs, failures } = result
  const error = result.error ?? failures[0]?.error
  return {
    status: hasFailed(result) ? ('failed' as const) : status,
    seen,
    warmed,
    fresh,
    unkept,
    failed,
    durationMs: Math.round(durationMs),
    error: error === undefined ? undefined : messageOf(error),
  }
}

const LONGEST_MESSAGE = 300

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE - 1)}…` : text
}
