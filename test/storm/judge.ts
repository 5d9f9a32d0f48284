import { type JudgedRead, type Mode, promiseBroken } from '../judging/promises.ts'
import type { CachedKey, Shop } from './app.ts'
import type { FaultLog } from './fault-log.ts'
import { FRESHNESS, PATHS, READ_HEAD, TIERS } from './messages.ts'
import { Tally } from './tally.ts'
import { REMEMBERED_MS, type RowWrite, type Writes } from './writes.ts'

/** By what a storm is judged. */
export interface JudgeOptions {
  readonly mode: Mode
  readonly maxStalenessMs: number
  /** How long a value of one key can be answered, whatever went wrong, without that it is made of others. */
  readonly lifetimeMs: number
  /** How long after its COMMIT relays see to a write at the latest, where there is a journal. */
  readonly relayMs?: number | undefined
}

/** A promise that was broken. */
export interface Violation {
  readonly promise: string
  readonly what: string
  /** The writes of the row around it, and the faults before it. */
  readonly around: readonly string[]
}

/** A piece of some process's log of reads. */
interface Piece {
  readonly process: number
  readonly data: Float64Array
  readonly arrived: number
}

/** Between the clock readings of two processes, and for what is rounded. */
const SLACK_MS = 1
/** Reads are judged once whatever was written before them has surely been told. */
const HOLD_MS = 3_000
/** Of each promise. */
const MOST_TOLD = 5

/** Judges the reads of a storm while it goes on, in bounded memory. */
export class Judge {
  readonly #options: JudgeOptions
  readonly #shop: Shop
  readonly #writes: Writes
  readonly #faults: FaultLog
  readonly #held: Piece[] = []
  readonly all = new Tally()
  readonly byFreshness = new Map<string, Tally>()
  readonly byFault = new Map<string, Tally>()
  readonly byTier = new Map<string, number>()
  /** Older than T and yet within what is promised, by reason. */
  readonly allowed = new Map<string, number>()
  /** The first few of each promise. */
  readonly violations: Violation[] = []
  /** How often each promise was broken. */
  readonly broken = new Map<string, number>()
  /** Reads too old to be judged, and values of writes whose outcome never became known. */
  readonly unjudged = { tooOld: 0, unknownWrite: 0 }
  rows = 0

  constructor(options: JudgeOptions, shop: Shop, writes: Writes, faults: FaultLog) {
    this.#options = options
    this.#shop = shop
    this.#writes = writes
    this.#faults = faults
  }

  hear(process: number, data: Float64Array, arrived: number): void {
    this.#held.push({ process, data, arrived })
  }

  trouble(what: string, at: number): void {
    this.#found({ promise: 'nothing fails', what, around: this.#faults.before(at) })
  }

  /** Judges what has been held for long enough; with `all`, everything. */
  judge(now: number, all = false): void {
    while (this.#held[0] !== undefined && (all || now - this.#held[0].arrived >= HOLD_MS)) {
      const { process, data } = this.#held.shift() as Piece
      for (let at = 0; at < data.length; ) at = this.#read(process, data, at, now)
    }
    this.#writes.forgetBefore(now - REMEMBERED_MS)
    this.#faults.forgetBefore(now - REMEMBERED_MS)
  }

  #read(process: number, data: Float64Array, at: number, now: number): number {
    const [begin = 0, end = 0, key = 0, freshness = 0, tier = 0, path = 0, deed = -1, count = 0] =
      data.subarray(at, at + READ_HEAD)
    const next = at + READ_HEAD + 3 * count
    if (begin < now - REMEMBERED_MS + 10_000) {
      this.unjudged.tooOld++
      return next
    }
    const known = this.#shop.keys[key] as CachedKey
    const how = FRESHNESS[freshness] ?? 'bounded'
    const name = deed >= 0 ? 'with a token' : how
    const tallies = [this.all, tallyOf(this.byFreshness, name)]
    for (const fault of this.#faults.around(begin)) tallies.push(tallyOf(this.byFault, fault))
    const source = TIERS[tier] ?? 'not told'
    this.byTier.set(source, (this.byTier.get(source) ?? 0) + 1)
    const read = {
      process,
      freshness: how,
      begin: { step: begin - SLACK_MS, time: begin - SLACK_MS },
      behind: deed >= 0 ? this.#writes.of(deed) : [],
      end,
      known,
      path: PATHS[path] ?? 'get',
      source,
    }
    let oldest = 0
    let broken = false
    if (count !== known.rows.length) {
      const what = `${describe(read)} got ${count} rows of ${known.rows.length}`
      this.#found({ promise: 'a value is whole', what, around: this.#faults.before(begin) })
      broken = true
    }
    for (let row = 0; row < count; row++) {
      const place = at + READ_HEAD + 3 * row
      const result = this.#row(read, data[place] ?? 0, data[place + 1] ?? 0, data[place + 2] ?? 0)
      if (result === 'broken') broken = true
      else oldest = Math.max(oldest, result)
      this.rows++
    }
    for (const tally of tallies) {
      tally.reads++
      if (broken) tally.violations++
      if (oldest > 0) {
        tally.behind++
        tally.ages.add(oldest)
      }
    }
    return next
  }

  /** @returns how many milliseconds old what it shows of a row was when it began */
  #row(read: StormRead, row: number, version: number, nonce: number): number | 'broken' {
    const shown = this.#writes.at(row, version)
    if (version >= this.#writes.oldest(row)) {
      const problem = this.#isTrue(read, row, nonce, shown)
      if (problem !== undefined) return this.#broken(read, row, version, ...problem)
    }
    let age = 0
    let allowed = false
    for (let later = Math.max(version + 1, this.#writes.oldest(row)); ; later++) {
      const write = this.#writes.at(row, later)
      if (write === undefined && later > this.#writes.latest(row)) return age
      if (write === undefined) continue
      if (write.sent >= read.begin.step) return age
      if (age === 0 && write.committed !== undefined)
        age = Math.max(0, read.begin.time - write.committed.time)
      const promise = this.#promise(read, write)
      if (promise !== undefined) return this.#broken(read, row, version, promise, explain(write))
      if (age <= this.#options.maxStalenessMs || allowed) continue
      this.#allow(write)
      allowed = true
    }
  }

  /** That what a read shows was committed, and before it ended. */
  #isTrue(
    read: StormRead,
    row: number,
    nonce: number,
    shown: RowWrite | undefined,
  ): [string, string] | undefined {
    if (shown === undefined && this.#writes.isOpen(row, nonce)) {
      this.unjudged.unknownWrite++
      return undefined
    }
    if (shown === undefined || shown.written.nonce !== nonce)
      return ['nobody reads what is not committed', `write ${nonce} was never committed`]
    if (shown.sent <= read.end + SLACK_MS) return undefined
    return ['nobody reads what is not committed', `its COMMIT was sent at ${ms(shown.sent)} only`]
  }

  #promise(read: StormRead, write: RowWrite): string | undefined {
    const { mode, maxStalenessMs, lifetimeMs, relayMs } = this.#options
    const composite = read.known.parts.length > 0
    const relayed =
      relayMs !== undefined &&
      // Who writes past the bound database keeps no journal.
      write.guarded &&
      write.committed !== undefined &&
      this.#faults.undisturbed(write.committed.time, read.begin.time)
    const promise = promiseBroken(read, write, {
      mode,
      maxStaleness: maxStalenessMs,
      covered: true,
      composite,
      // A composite may be made of a part at the very end of its lifetime.
      lifetime: composite ? 2 * lifetimeMs : lifetimeMs,
      relay: relayed ? relayMs : undefined,
    })
    if (promise === undefined || promise.startsWith('whatever')) return promise
    const acknowledged = write.acknowledged?.time ?? write.committed?.time
    const excuse = this.#faults.excuse(read.begin.time, acknowledged, this.#writes.died(write.process))
    if (excuse === undefined) return promise
    this.allowed.set(excuse, (this.allowed.get(excuse) ?? 0) + 1)
    return undefined
  }

  #allow({ status, acknowledged, committed }: RowWrite): void {
    const late = (acknowledged?.time ?? 0) - (committed?.time ?? 0) > this.#options.maxStalenessMs
    const why =
      status === undefined
        ? 'its writer died'
        : status === 'applied'
          ? late
            ? 'applied late'
            : 'other'
          : status
    this.allowed.set(why, (this.allowed.get(why) ?? 0) + 1)
  }

  #broken(read: StormRead, row: number, version: number, promise: string, what: string): 'broken' {
    const around: string[] = []
    for (let at = Math.max(version - 1, 1); at <= version + 3; at++) {
      const write = this.#writes.at(row, at)
      if (write !== undefined) around.push(explain(write))
    }
    this.#found({
      promise,
      what: `${describe(read)} got row ${row} at version ${version}; ${what}`,
      around: [...around, ...this.#faults.before(read.begin.time)],
    })
    return 'broken'
  }

  #found(violation: Violation): void {
    const { promise } = violation
    const times = (this.broken.get(promise) ?? 0) + 1
    this.broken.set(promise, times)
    if (times <= MOST_TOLD) this.violations.push(violation)
  }
}

interface StormRead extends JudgedRead {
  readonly end: number
  readonly known: CachedKey
  readonly path: string
  readonly source: string
}

function tallyOf(tallies: Map<string, Tally>, name: string): Tally {
  let tally = tallies.get(name)
  if (tally === undefined) {
    tally = new Tally()
    tallies.set(name, tally)
  }
  return tally
}

function describe({ process, known, freshness, begin, end, path, source }: StormRead): string {
  return `process ${process} read ${known.key} (${path}, ${freshness}) from ${ms(begin.time)} to ${ms(end)}, answered by: ${source},`
}

function explain({
  process,
  written,
  how,
  sent,
  committed,
  acknowledged,
  status,
  replayed,
}: RowWrite): string {
  const told = acknowledged === undefined ? 'never acknowledged' : `${status} at ${ms(acknowledged.time)}`
  const again = replayed === undefined ? '' : `, replayed by ${ms(replayed.time)}`
  return `version ${written.version}: process ${process} (${how}), COMMIT sent at ${ms(sent)}, answered by ${ms(committed?.time ?? Number.NaN)}, ${told}${again}`
}

function ms(time: number): string {
  return time.toFixed(1)
}
