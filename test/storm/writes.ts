import type { Receipt } from 'coherent-cache'
import type { JudgedWrite, Moment } from '../judging/promises.ts'
import type { Report, WrittenRow } from './messages.ts'

/** One version of one row, as far as it is known what became of it. */
export class RowWrite implements JudgedWrite {
  readonly process: number
  readonly deed: number
  readonly how: string
  readonly guarded: boolean
  readonly written: WrittenRow
  readonly sent: number
  committed: Moment | undefined
  acknowledged: Moment | undefined
  status: Receipt['status'] | undefined
  replayed: Moment | undefined
  /** Whether it is only from others that it is known to be committed. */
  inferred = false

  constructor(process: number, { deed, how, guarded, sent }: CommitReport, written: WrittenRow) {
    this.process = process
    this.deed = deed
    this.how = how
    this.guarded = guarded
    this.sent = sent
    this.written = written
  }
}

type CommitReport = Extract<Report, { t: 'commit' }>

/** How long a write is remembered, in milliseconds. Reads that began before cannot be judged. */
export const REMEMBERED_MS = 90_000

/**
 * What was written, by row and version. Every version names the one before it by its nonce, so that of transactions
 * whose outcome nobody told it is known from later versions, or from the row itself, whether they committed.
 */
export class Writes {
  readonly #rows: readonly Map<number, RowWrite>[]
  /** Those of which it is not known whether they were committed, by row. */
  readonly #open: readonly Set<RowWrite>[]
  readonly #deeds = new Map<number, RowWrite[]>()
  readonly #dead = new Set<number>()
  readonly #latest: number[]
  readonly #oldest: number[]
  readonly counts = {
    committed: 0,
    died: 0,
    rolledBack: 0,
    aborted: 0,
    applied: 0,
    queued: 0,
    unprotected: 0,
  }

  constructor(rows: number) {
    this.#rows = Array.from({ length: rows }, () => new Map())
    this.#open = Array.from({ length: rows }, () => new Set())
    this.#latest = Array.from({ length: rows }, () => 0)
    this.#oldest = Array.from({ length: rows }, () => 1)
  }

  sent(process: number, report: CommitReport): void {
    const writes = report.rows.map((written) => new RowWrite(process, report, written))
    this.#deeds.set(report.deed, writes)
    for (const write of writes) this.#open[write.written.row]?.add(write)
  }

  done({ deed, committed, acknowledged, status }: Extract<Report, { t: 'done' }>): void {
    this.counts.committed++
    this.counts[status]++
    for (const write of this.#deeds.get(deed) ?? []) {
      write.acknowledged = moment(acknowledged)
      write.status = status
      if (write.inferred) {
        write.inferred = false
        this.counts.died--
        write.committed = moment(Math.min(committed, write.committed?.time ?? committed))
      }
      this.#settle(write, committed)
    }
  }

  /** A process has told its store of everything that it had queued until then. */
  replayed(process: number, at: number): void {
    for (const writes of this.#deeds.values()) {
      const [first] = writes
      if (first?.process !== process || first.status !== 'queued' || first.replayed !== undefined) continue
      if ((first.acknowledged?.time ?? at) >= at) continue
      for (const write of writes) write.replayed = moment(at)
    }
  }

  /** Whether a process is no more. */
  died(process: number): boolean {
    return this.#dead.has(process)
  }

  /** A process is no more. @returns the rows that it wrote without anybody knowing what came of it */
  bury(process: number): readonly number[] {
    this.#dead.add(process)
    return this.#unsettled(process)
  }

  #unsettled(process: number): readonly number[] {
    const found = new Set<number>()
    for (const [row, open] of this.#open.entries())
      for (const write of open) if (write.process === process) found.add(row)
    return [...found]
  }

  /** What the database shows of a row, once nothing of that process is under way any more. */
  shown(row: number, version: number, nonce: number, process: number, at: number): void {
    this.#settleNamed(row, version, nonce, at)
    for (const write of [...(this.#open[row] ?? [])]) {
      const lost = write.process === process && write.written.version >= version
      if (lost) this.#open[row]?.delete(write)
    }
  }

  at(row: number, version: number): RowWrite | undefined {
    return this.#rows[row]?.get(version)
  }

  /** Whether a write that has this nonce may yet turn out to be committed. */
  isOpen(row: number, nonce: number): boolean {
    for (const write of this.#open[row] ?? []) if (write.written.nonce === nonce) return true
    return false
  }

  latest(row: number): number {
    return this.#latest[row] ?? 0
  }

  /** The oldest version of a row of which anything is remembered. */
  oldest(row: number): number {
    return this.#oldest[row] ?? 1
  }

  of(deed: number): readonly RowWrite[] {
    return this.#deeds.get(deed) ?? []
  }

  forgetBefore(time: number): void {
    for (const [deed, writes] of this.#deeds) {
      const [first] = writes
      if (first !== undefined && first.sent >= time) return
      this.#deeds.delete(deed)
      for (const { written } of writes) {
        const { row, version } = written
        this.#rows[row]?.delete(version)
        this.#oldest[row] = Math.max(this.oldest(row), version + 1)
      }
    }
  }

  #settle(write: RowWrite, committed: number): void {
    const { row, version, prev } = write.written
    if (!this.#open[row]?.delete(write)) return
    write.committed = moment(committed)
    this.#rows[row]?.set(version, write)
    this.#latest[row] = Math.max(this.latest(row), version)
    // What it was written over was committed before its row could be taken, whatever its own process had to say of it.
    this.#settleNamed(row, version - 1, prev, write.sent)
  }

  #settleNamed(row: number, version: number, nonce: number, by: number): void {
    for (const write of this.#open[row] ?? []) {
      const { written } = write
      if (written.version !== version || written.nonce !== nonce) continue
      this.counts.died++
      write.inferred = true
      this.#settle(write, by)
      return
    }
  }
}

function moment(time: number): Moment {
  return { step: time, time }
}
