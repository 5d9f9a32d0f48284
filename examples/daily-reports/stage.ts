import { setTimeout as sleep } from 'node:timers/promises'
import { applyChange } from './bookings.ts'
import { computeReports, type DailyReport, type ReportId, type ReportsDatabase } from './database.ts'
import { Judge } from './judge.ts'
import type { Replica } from './service.ts'
import { type Change, SLOW_LOAD, type Traffic } from './traffic.ts'

/** One change as the story tells it: what the report says from now on, and what each replica answered. */
export interface Scene {
  readonly change: Change
  readonly truth: DailyReport
  readonly seen: readonly { readonly value: DailyReport; readonly current: boolean }[]
}

/** When every replica reads what has changed, in milliseconds after the writer's answer. */
const FOLLOW_MS = [0, 5, 20, 60, 150, 300]

/** The replicas, the database under them, and the judge who sees everything. */
export class Stage {
  readonly judge = new Judge()
  readonly #replicas: readonly Replica[]
  readonly #database: ReportsDatabase
  readonly #durations: number[] = []
  readonly #running: Promise<unknown>[] = []

  constructor(replicas: readonly Replica[], database: ReportsDatabase) {
    this.#replicas = replicas
    this.#database = database
  }

  /** Shows the judge the first state of every report, and the replicas those that people look at. */
  async prepare({ warm, changes }: Traffic): Promise<void> {
    const reports = [...warm, ...changes.flatMap((change) => change.reports)]
    const properties = new Map<string, ReportId[]>()
    for (const report of reports) {
      const property = `${report.orgId}/${report.propertyId}`
      properties.set(property, [...(properties.get(property) ?? []), report])
    }
    for (const ofProperty of properties.values()) {
      const values = await computeReports(this.#database.client, ofProperty)
      for (const [at, value] of values.entries()) this.judge.begin(ofProperty[at] as ReportId, value)
    }
    for (const replica of this.#replicas) {
      for (const report of warm) await replica.read(report, () => this.#database.report(report), 'bounded')
    }
  }

  /** A view of a page. */
  read(replica: number, report: ReportId, { committed = false, extraMs = 0 } = {}): Promise<DailyReport> {
    const load = async () => {
      const value = await this.#database.report(report)
      if (extraMs > 0) await sleep(extraMs)
      return value
    }
    const run = async () => {
      const beganAt = performance.now()
      const freshness = committed ? 'committed' : 'bounded'
      const value = await (this.#replicas[replica] as Replica).read(report, load, freshness)
      const endedAt = performance.now()
      this.#durations.push(endedAt - beganAt)
      this.judge.answered({ replica, report, beganAt, endedAt, value, committed })
      return value
    }
    const reading = run()
    this.#running.push(reading)
    return reading
  }

  /** A change, from the writer's request to its answer; what follows goes on without the writer. */
  async play(change: Change): Promise<{ readonly told: Promise<Scene> }> {
    const { replica, reports, loading } = change
    const [report] = reports
    if (loading !== undefined) {
      void this.read(loading, report, { extraMs: SLOW_LOAD.takesMs })
      await sleep(SLOW_LOAD.changedAfterMs)
    }
    const truth = await this.#commit(change)
    const follows = FOLLOW_MS.map(async (afterMs) => {
      if (afterMs > 0) await sleep(afterMs)
      return Promise.all(this.#replicas.map((_, at) => this.read(at, report)))
    })
    for (const other of this.#replicas.keys()) {
      if (other !== replica) void this.read(other, report, { committed: true })
    }
    this.#running.push(...follows)
    const told = async () => {
      const answers = (await follows.at(loading === undefined ? 0 : -1)) ?? []
      return {
        change,
        truth,
        seen: answers.map((value) => ({ value, current: this.judge.isCurrent(report, value) })),
      }
    }
    return { told: told() }
  }

  /** The transaction; inside it the judge learns what the rows now add up to. */
  async #commit(change: Change): Promise<DailyReport> {
    const { replica, reports } = change
    const { values, acknowledge } = await (this.#replicas[replica] as Replica).write(async (tx) => {
      await applyChange(tx, change)
      const values = await computeReports(tx, reports)
      const states = reports.map((report, at) =>
        this.judge.written(report, values[at] as DailyReport, replica),
      )
      return { values, acknowledge: (at: number) => states.map((answered) => answered(at)) }
    }, reports)
    acknowledge(performance.now())
    return values[0] as DailyReport
  }

  /** Waits until every reader has its answer. */
  async empty(): Promise<void> {
    while (this.#running.length > 0) await Promise.all(this.#running.splice(0))
  }

  counts() {
    const counts = this.#replicas.map((replica) => replica.counts())
    const sum = (of: 'hits' | 'misses' | 'queued') => counts.reduce((total, one) => total + one[of], 0)
    return {
      queries: this.#database.queries,
      hits: sum('hits'),
      misses: sum('misses'),
      queued: sum('queued'),
    }
  }

  /** Of how long reads took, in milliseconds. */
  percentile(percent: number): number {
    const sorted = this.#durations.toSorted((one, other) => one - other)
    return sorted[Math.floor((sorted.length * percent) / 100)] ?? 0
  }
}
