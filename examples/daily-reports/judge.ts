import type { DailyReport, ReportId } from './database.ts'

/** One state of one report, in the order in which the database committed them. */
interface State {
  readonly print: string
  readonly writer: number
  /** When the writer had its answer; until then nobody may expect the change to be seen. */
  acknowledgedAt: number
}

/** One answer that a reader got. */
export interface Answer {
  readonly replica: number
  readonly report: ReportId
  readonly beganAt: number
  readonly endedAt: number
  readonly value: DailyReport
  /** Whether the read asked never to be older than any acknowledged write. */
  readonly committed: boolean
}

/** Answers that were older than a write acknowledged before their read began. */
export interface Staleness {
  readonly reads: number
  readonly stale: number
  /** How long before such a read began the write had been acknowledged, at most, in milliseconds. */
  readonly oldestMs: number
  /** Those beyond {@link LATE_MS}. */
  readonly late: number
  /** The worst of them, in words. */
  readonly worst: string | undefined
}

/** Longer than any event was under way: what is stale then was put back by a load that began before the write. */
export const LATE_MS = 200

export interface Verdict {
  /** All of them. */
  readonly any: Staleness
  /** Measured against writes that the very replica had acknowledged. */
  readonly own: Staleness
  /** Measured against writes that other replicas had acknowledged. */
  readonly others: Staleness
  /** Reads that asked for `committed`, against all. */
  readonly committed: Staleness
  /** Answers that the database never gave. */
  readonly wrong: number
}

/**
 * Checks every answer against the states that the database went through. A read that began before a write was
 * acknowledged may see the state before it or after it; one that began later may not see the one before.
 */
export class Judge {
  readonly #states = new Map<string, State[]>()
  readonly #answers: Answer[] = []

  /** A state before anything is written. */
  begin(report: ReportId, value: DailyReport): void {
    this.#states.set(name(report), [{ print: print(value), writer: -1, acknowledgedAt: 0 }])
  }

  /** A state inside the transaction that makes it. @returns what is to be called when the writer has its answer */
  written(report: ReportId, value: DailyReport, writer: number): (at: number) => void {
    const state = { print: print(value), writer, acknowledgedAt: Number.POSITIVE_INFINITY }
    this.#states.get(name(report))?.push(state)
    return (at) => {
      state.acknowledgedAt = at
    }
  }

  answered(answer: Answer): void {
    this.#answers.push(answer)
  }

  /** Whether an answer is the report's last state. */
  isCurrent(report: ReportId, value: DailyReport): boolean {
    return this.#states.get(name(report))?.at(-1)?.print === print(value)
  }

  verdict(): Verdict {
    const own = new Tally()
    const others = new Tally()
    const committed = new Tally()
    const any = new Tally()
    let wrong = 0
    for (const answer of this.#answers) {
      const states = this.#states.get(name(answer.report)) ?? []
      const seen = states.findLastIndex((state) => state.print === print(answer.value))
      if (seen < 0) wrong++
      const missed = states.slice(seen + 1).filter((state) => state.acknowledgedAt <= answer.beganAt)
      const isOwn = (state: State) => state.writer === answer.replica
      any.count(answer, missed)
      own.count(answer, missed.filter(isOwn))
      others.count(
        answer,
        missed.filter((state) => !isOwn(state)),
      )
      if (answer.committed) committed.count(answer, missed)
    }
    return { any, own, others, committed, wrong }
  }
}

class Tally implements Staleness {
  reads = 0
  stale = 0
  oldestMs = 0
  late = 0
  worst: string | undefined

  count({ beganAt, replica, report, value }: Answer, missed: readonly State[]): void {
    this.reads++
    const [first] = missed
    if (first === undefined) return
    this.stale++
    const ageMs = beganAt - first.acknowledgedAt
    if (ageMs > LATE_MS) this.late++
    if (this.worst !== undefined && ageMs <= this.oldestMs) return
    this.oldestMs = ageMs
    this.worst = `replica-${replica + 1} answered ${print(value)} for ${name(report)}, ${ageMs.toFixed(1)} ms after replica-${first.writer + 1} had acknowledged ${first.print}`
  }
}

function name({ orgId, propertyId, date }: ReportId): string {
  return `organisation ${orgId}, property ${propertyId}, ${date}`
}

function print({ revenue, expenses, pending }: DailyReport): string {
  return `${revenue} - ${expenses} (${pending} pending)`
}
