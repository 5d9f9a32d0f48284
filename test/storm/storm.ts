import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'pg'
import { Dice } from '../explorer/dice.ts'
import type { Mode } from '../judging/promises.ts'
import { sharedNow } from '../support/version-judge.ts'
import { Shop } from './app.ts'
import { FaultLog } from './fault-log.ts'
import { Fleet } from './fleet.ts'
import { Judge } from './judge.ts'
import type { Report, Subject } from './messages.ts'
import { type Fault, Scene } from './scene.ts'
import type { StormServer } from './servers.ts'
import { RELAY_MS, stormJournal } from './subject.ts'
import { Writes } from './writes.ts'

/** What a storm is made of. */
export interface StormOptions {
  readonly mode: Mode
  readonly subject: Subject
  readonly journal: boolean
  readonly seconds: number
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly readers: number
  readonly writers: number
  readonly items: number
  /** Reads a second that each process aims at. */
  readonly rate: number
  /** Ends it sooner. */
  readonly enough?: (judge: Judge) => boolean
}

export const MAX_STALENESS_MS = 500
const SOFT_LOCK_MS = 2_000
const TTL_MS = 8_000
/** How long a load can take: its own dawdling, a process that is stopped in it, and a busy machine. */
const LOAD_MS = 8_000
const AFTERMATH_MS = 2 * MAX_STALENESS_MS + SOFT_LOCK_MS
/** By how much the finding of a failover that nobody meant may be off. */
const UNMEANT_MS = 4_000
const CALM_FIRST_MS = 1_500
const NO_BACKENDS_MS = 10_000
/** How often all writers die at the end of a storm with a journal, and how long that may take them. */
const BEREAVEMENTS = 3
const DEATH_MS = 2_000

/** What came of a storm. */
export interface StormResult {
  readonly options: StormOptions
  readonly judge: Judge
  readonly writes: Writes
  readonly faults: FaultLog
  readonly seconds: number
  /** Answers by tier, counted by the caches themselves. */
  readonly answered: { readonly memory: number; readonly store: number; readonly loads: number }
}

/** Processes that read and write over one Redis and one PostgreSQL, to which things happen, and a judge of what they saw. */
export class Storm {
  readonly #options: StormOptions
  readonly #server: StormServer
  readonly #pool: Pool
  readonly #shop: Shop
  readonly #writes: Writes
  readonly #faults = new FaultLog(AFTERMATH_MS, MAX_STALENESS_MS)
  readonly #judge: Judge
  readonly #fleet: Fleet
  readonly #scene: Scene
  readonly #answered = new Map<number, { memory: number; store: number; loads: number }>()

  constructor(options: StormOptions, server: StormServer, databaseUrl: string, firstProcess: number) {
    const { mode, subject, journal, items, rate, seed } = options
    this.#options = options
    this.#server = server
    this.#pool = new Pool({ connectionString: databaseUrl, max: 2 })
    this.#pool.on('error', () => {})
    this.#shop = new Shop(items)
    this.#writes = new Writes(this.#shop.rows.length)
    const judging = {
      ...{ mode, maxStalenessMs: MAX_STALENESS_MS, lifetimeMs: TTL_MS + LOAD_MS },
      ...(journal ? { relayMs: RELAY_MS + MAX_STALENESS_MS } : {}),
    }
    this.#judge = new Judge(judging, this.#shop, this.#writes, this.#faults)
    this.#fleet = new Fleet(
      {
        ...{ mode, subject, journal, items, rate, seed, postgresUrl: databaseUrl },
        ...{ maxStalenessMs: MAX_STALENESS_MS, softLockMs: SOFT_LOCK_MS, ttlMs: TTL_MS },
        redis: () => server.address,
      },
      firstProcess,
      {
        report: (process, report) => this.#hear(process, report),
        died: (_, why) => this.#judge.trouble(why, sharedNow()),
        killed: (process) => this.#settle(process),
      },
    )
    this.#scene = new Scene(mode, new Dice(seed), this.#fleet, server, this.#faults)
  }

  async run(): Promise<StormResult> {
    const { readers, writers, seconds, faults, enough } = this.#options
    await this.#pool.query(this.#shop.schema())
    if (this.#options.journal) await stormJournal('old').ensure(this.#pool)
    const viaProxies = faults.some(({ name }) => name === 'proxy') && this.#server.kind === 'standalone'
    await this.#fleet.start(readers, writers, viaProxies ? await this.#server.port() : undefined)
    const began = performance.now()
    const watching = this.#watchPrimary()
    const judging = setInterval(() => {
      this.#judge.judge(sharedNow())
      if (enough?.(this.#judge) === true) this.#scene.over = true
    }, 100)
    try {
      await this.#strike(began + 1_000 * seconds)
      if (this.#options.journal) await this.#bereave()
    } finally {
      this.#scene.over = true
      await this.#fleet.stop()
      clearInterval(judging)
      clearInterval(watching)
      this.#scene.close()
    }
    this.#judge.judge(sharedNow(), true)
    await this.#pool.end()
    return {
      options: this.#options,
      judge: this.#judge,
      writes: this.#writes,
      faults: this.#faults,
      seconds: (performance.now() - began) / 1_000,
      answered: this.#sum(),
    }
  }

  /** Ends every process at once: the conductor is about to end. */
  killNow(): void {
    this.#fleet.killNow()
  }

  /** Sentinels of a busy machine may replace a primary that nobody has touched. */
  #watchPrimary(): NodeJS.Timeout | undefined {
    const server = this.#server
    if (server.kind !== 'sentinel') return undefined
    let known = server.topology.nodes[0]
    return setInterval(async () => {
      const now = await server.topology.primary().catch(() => undefined)
      if (now === undefined || now === known) return
      known = now
      if (server.meant) return
      const at = sharedNow()
      this.#faults.isolated(at - UNMEANT_MS).to = at + UNMEANT_MS
      this.#faults.begin('sentinel-unmeant', 'a primary that nobody had touched was replaced', at).to = at
    }, 250)
  }

  /** One fault after the other, each as often; faults of processes also beside others. */
  async #strike(until: number): Promise<void> {
    const scene = this.#scene
    const left = () => (scene.over ? 0 : until - performance.now())
    const calm = async (ms: number) => {
      for (const end = performance.now() + ms; performance.now() < end && left() > 0; ) await sleep(50)
    }
    const faults = this.#options.faults.filter(({ on }) => on === undefined || on === this.#server.kind)
    await calm(Math.min(CALM_FIRST_MS, left() / 4))
    let round: Fault[] = []
    const next = () => {
      if (round.length === 0) round = [...faults]
      return round.splice(scene.dice.below(round.length), 1)[0]
    }
    while (left() > 0) {
      const fault = next()
      if (fault === undefined) {
        await calm(1_000)
        continue
      }
      const others = faults.filter((one) => one !== fault && one.on === undefined)
      const beside = scene.dice.chance(0.25) && others.length > 0 ? scene.dice.of(others) : undefined
      await Promise.all([fault.strike(scene), beside?.strike(scene)])
      // Where a fault is followed by a quarantine, some faults have to strike when it is over and memory is warm.
      const warm = this.#options.mode !== 'bounded' && scene.dice.chance(0.5) ? SOFT_LOCK_MS + 500 : 0
      await calm(200 + warm + 2_500 * scene.dice.fraction() ** 2)
    }
  }

  /**
   * Every writer dies behind its COMMIT, and for a while nobody writes: rows that are written again and again tell of what
   * was before them, and hide whether a relay did.
   */
  async #bereave(): Promise<void> {
    const fleet = this.#fleet
    const writers = fleet.members.filter(({ role }) => role === 'writer')
    await sleep(AFTERMATH_MS)
    for (let time = 0; time < BEREAVEMENTS; time++) {
      const die = async () => {
        for (const writer of writers) {
          writer.expected = true
          writer.order({ t: 'die', at: 'committed' })
        }
        await Promise.race([Promise.all(writers.map(({ ended }) => ended)), sleep(DEATH_MS)])
        for (const writer of writers) writer.signal('SIGKILL')
        await Promise.all(writers.map(({ ended }) => ended))
      }
      await this.#scene.during('kill-writer', 'SIGKILL of every writer, behind its COMMIT', die, writers)
      await sleep(RELAY_MS + 2 * MAX_STALENESS_MS)
      await Promise.all(writers.map((writer) => fleet.spawn(writer)))
    }
  }

  #hear(process: number, report: Report): void {
    const writes = this.#writes
    switch (report.t) {
      case 'reads':
        this.#judge.hear(process, report.data, sharedNow())
        break
      case 'commit':
        writes.sent(process, report)
        break
      case 'done':
        writes.done(report)
        break
      case 'token':
        for (const member of this.#fleet.members)
          if (this.#scene.dice.chance(0.3)) member.order({ t: 'token', told: report.told })
        break
      case 'recovered':
        writes.replayed(process, report.at)
        break
      case 'rolledBack':
        writes.counts.rolledBack++
        break
      case 'aborted':
        writes.counts.aborted++
        break
      case 'unknown':
        this.#judge.trouble(
          `process ${process}: nobody knows whether COMMIT arrived: ${report.why}`,
          sharedNow(),
        )
        break
      case 'trouble':
        this.#judge.trouble(`process ${process}: ${report.what}`, sharedNow())
        break
      case 'stats':
        this.#answered.set(process, report)
        break
    }
  }

  /** Finds out what became of the transactions of a process that is no more. */
  async #settle(process: number): Promise<void> {
    const until = performance.now() + NO_BACKENDS_MS
    while (performance.now() < until) {
      const { rows } = await this.#pool.query('SELECT 1 FROM pg_stat_activity WHERE application_name = $1', [
        `storm-${process}`,
      ])
      if (rows.length === 0) break
      await sleep(20)
    }
    for (const row of this.#writes.bury(process)) {
      const stored = this.#shop.rows[row]
      if (stored === undefined) continue
      const { rows } = await this.#pool.query(
        `SELECT version, nonce FROM ${stored.table} WHERE id = ${stored.id}`,
      )
      this.#writes.shown(row, rows[0].version, rows[0].nonce, process, sharedNow())
    }
  }

  #sum() {
    const sum = { memory: 0, store: 0, loads: 0 }
    for (const { memory, store, loads } of this.#answered.values()) {
      sum.memory += memory
      sum.store += store
      sum.loads += loads
    }
    return sum
  }
}
