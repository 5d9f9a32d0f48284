import { REPLICA_LAG } from './scenario.ts'
import type { Step, Steps } from './steps.ts'
import type { Time } from './time.ts'

/** Versions by row. A row that a transaction has written and not yet committed has a negative one, seen by itself. */
export type Rows = Readonly<Record<string, number>>

/** One transaction: it holds its rows from its write to its end, as any database does. */
export interface Transaction {
  readonly id: number
  readonly process: string
  readonly rows: Set<string>
  /** When COMMIT was sent, as long as it has not been carried out. */
  committing: number | undefined
  ended: boolean
}

/** From where a load may read, as the cache has said. */
export interface From {
  readonly source: 'primary' | 'any'
  readonly position?: string | undefined
}

/** A commit, as replicas come to it. */
interface Logged {
  readonly version: number
  readonly rows: readonly string[]
  readonly at: number
}

/** What a load fails with that the scenario lets fail. */
export class LoadFailed extends Error {
  override readonly name = 'LoadFailed'
}

/** A database whose rows carry a version that only grows. All it does are steps. */
export class Database {
  readonly #steps: Steps
  readonly #time: Time
  readonly #versions = new Map<string, number>()
  readonly #holders = new Map<string, Transaction>()
  #waiting: { readonly row: string; readonly take: () => void; readonly process: string }[] = []
  readonly #open = new Set<Transaction>()
  readonly #loads = new Map<Step, () => void>()
  readonly #log: Logged[] = []
  #version = 0
  #transactions = 0

  constructor(steps: Steps, time: Time) {
    this.#steps = steps
    this.#time = time
  }

  version(row: string): number {
    return this.#versions.get(row) ?? 0
  }

  /** Where the log ends behind a commit: of one length, so that they can be compared. */
  position(version: number): string {
    return String(version).padStart(8, '0')
  }

  /** What a replica shows that lags as much as it may, or that has come just as far as it must. */
  #lagging(row: string, { position }: From): number {
    const reached = Number(position ?? 0)
    const shown = this.#log.filter(
      ({ version, at }) => version <= reached || at <= this.#time.now - REPLICA_LAG,
    )
    return shown.findLast(({ rows }) => rows.includes(row))?.version ?? 0
  }

  /** @param from of a load that may read from a replica. @default the primary */
  read(
    process: string,
    what: string,
    rows: readonly string[],
    { tx, from }: { readonly tx?: Transaction | undefined; readonly from?: From | undefined } = {},
  ): Promise<Rows> {
    const lagging = from !== undefined && (from.source === 'any' || from.position !== undefined)
    return this.#ask(process, `${what} reads${lagging ? ' a replica' : ''}`, (reply) => {
      const seen: Record<string, number> = {}
      for (const row of rows) {
        if (lagging) seen[row] = this.#lagging(row, from)
        else seen[row] = tx?.rows.has(row) ? -tx.id : this.version(row)
      }
      reply(seen, () => `${what} gets ${show(seen)}`)
    })
  }

  /** As {@link read}, on a connection of its own, which may break. */
  load(process: string, what: string, rows: readonly string[], from?: From): Promise<Rows> {
    return new Promise((resolve, reject) => {
      void this.read(process, what, rows, { from }).then(resolve)
      const step = this.#steps.latest
      const fail = () => {
        this.#steps.drop(step)
        reject(new LoadFailed(`${what} failed`))
      }
      this.#loads.set(step, fail)
    })
  }

  /** Loads on their way, and what makes them fail. */
  loading(): readonly (readonly [step: Step, fail: () => void])[] {
    for (const step of this.#loads.keys()) if (!this.#steps.has(step)) this.#loads.delete(step)
    return [...this.#loads]
  }

  begin(process: string): Transaction {
    const tx = {
      id: ++this.#transactions,
      process,
      rows: new Set<string>(),
      committing: undefined,
      ended: false,
    }
    this.#open.add(tx)
    return tx
  }

  /** Resolves once the row is written, which waits for whoever else has written it. */
  write(tx: Transaction, row: string): Promise<void> {
    return this.#ask(tx.process, `transaction ${tx.id} writes row ${row}`, (reply) => {
      const take = () => {
        this.#holders.set(row, tx)
        tx.rows.add(row)
        reply(undefined, () => `transaction ${tx.id} has written row ${row}`)
      }
      const holder = this.#holders.get(row)
      if (holder === undefined || holder === tx) take()
      else this.#waiting.push({ row, take, process: tx.process })
    })
  }

  /** `committed` is called at the very moment of the commit, with the version that the rows have from now on. */
  commit(tx: Transaction, committed: (version: number) => void): Promise<void> {
    tx.committing = this.#time.now
    const carryOut = (reply: (value: undefined, text: () => string) => void) => {
      const version = ++this.#version
      for (const row of tx.rows) this.#versions.set(row, version)
      this.#log.push({ version, rows: [...tx.rows], at: this.#time.now })
      this.#end(tx)
      committed(version)
      reply(undefined, () => `transaction ${tx.id} hears of its COMMIT (version ${version})`)
    }
    return this.#ask(tx.process, `transaction ${tx.id} COMMITs`, carryOut, true)
  }

  rollback(tx: Transaction): Promise<void> {
    return this.#ask(tx.process, `transaction ${tx.id} rolls back`, (reply) => {
      this.#end(tx)
      reply(undefined, () => `transaction ${tx.id} hears that it is rolled back`)
    })
  }

  /** Transactions whose COMMIT is on its way. */
  committing(): readonly Transaction[] {
    return [...this.#open].filter(({ committing }) => committing !== undefined)
  }

  /** A process is no more: what it has not asked to commit is rolled back. */
  forget(process: string): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.process !== process)
    for (const tx of this.#open) if (tx.process === process && tx.committing === undefined) this.#end(tx)
  }

  #end(tx: Transaction): void {
    tx.ended = true
    tx.committing = undefined
    this.#open.delete(tx)
    for (const row of tx.rows) {
      this.#holders.delete(row)
      const next = this.#waiting.findIndex((waiting) => waiting.row === row)
      if (next >= 0) this.#waiting.splice(next, 1)[0]?.take()
    }
  }

  #ask<T>(
    process: string,
    what: string,
    carryOut: (reply: (value: T, text: () => string) => void) => void,
    outlives = false,
  ): Promise<T> {
    return new Promise((resolve) => {
      const chain = this.#steps.chain
      const reply = (value: T, text: () => string) =>
        this.#steps.add({
          kind: 'reply',
          process,
          chain,
          text: () => `${process}: ${text()}`,
          run: () => resolve(value),
        })
      this.#steps.add({
        kind: 'database',
        process,
        outlives,
        text: () => `database: ${what} for ${process}`,
        run: () => carryOut(reply),
      })
    })
  }
}

export function show(rows: Rows): string {
  return Object.entries(rows)
    .map(([row, version]) => `${row} at ${version}`)
    .join(', ')
}
