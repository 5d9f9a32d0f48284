/** One fault, from its beginning to its end. */
export interface LoggedFault {
  readonly name: string
  readonly what: string
  readonly from: number
  to: number
}

/** A time in which a server that had been replaced might still answer, and what it acknowledged might be lost. */
interface Isolation {
  readonly from: number
  to: number
}

const TOLD = 5
/** How long it may take a process to find the new primary and tell it again what an old one has acknowledged. */
const REPLAY_MS = 5_000

/** What was done to the servers and processes of a storm, and when. */
export class FaultLog {
  readonly #faults: LoggedFault[] = []
  readonly #isolations: Isolation[] = []
  readonly #aftermathMs: number
  readonly #maxStalenessMs: number
  readonly counts = new Map<string, number>()

  /** @param aftermathMs for how long after its end a read still counts as one after the fault */
  constructor(aftermathMs: number, maxStalenessMs: number) {
    this.#aftermathMs = aftermathMs
    this.#maxStalenessMs = maxStalenessMs
  }

  begin(name: string, what: string, at: number): LoggedFault {
    const fault = { name, what, from: at, to: Number.POSITIVE_INFINITY }
    this.#faults.push(fault)
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    return fault
  }

  isolated(at: number): Isolation {
    const isolation = { from: at, to: Number.POSITIVE_INFINITY }
    this.#isolations.push(isolation)
    return isolation
  }

  /** The classes of faults that a read which began then began under, or soon after. */
  around(time: number): Set<string> {
    const found = new Set<string>()
    for (const { name, from, to } of this.#faults) {
      if (time < from || time > to + this.#aftermathMs) continue
      found.add(`${name}, ${time <= to ? 'during' : 'after'}`)
    }
    if (found.size === 0) found.add('no fault')
    return found
  }

  /**
   * Why a read need not show a write: a server that has been replaced may have answered the one, or acknowledged the
   * other, and its process has not told the new one again yet, or never will because it is no more.
   */
  excuse(read: number, acknowledged: number | undefined, writerDied: boolean): string | undefined {
    for (const { from, to } of this.#isolations) {
      if (read >= from && read <= to + this.#maxStalenessMs) return 'read while an old primary was isolated'
      if (acknowledged === undefined || acknowledged < from || acknowledged > to) continue
      if (writerDied) return 'acknowledged by an old primary to a writer that died'
      if (read <= to + REPLAY_MS) return 'acknowledged by an old primary, not told again yet'
    }
    return undefined
  }

  /** Whether relays had nothing to wait for between two moments: no more than writers were killed. */
  undisturbed(from: number, to: number): boolean {
    const harmless = (fault: LoggedFault) =>
      fault.name === 'kill-writer' || fault.from > to || fault.to + this.#aftermathMs < from
    return this.#faults.every(harmless)
  }

  /** The last faults before a moment, for people. */
  before(time: number): string[] {
    return this.#faults
      .filter(({ from }) => from <= time)
      .slice(-TOLD)
      .map(({ name, what, from, to }) => {
        const until = to > time ? 'still going on' : `until ${to.toFixed(1)}`
        return `fault ${name}: ${what}, from ${from.toFixed(1)}, ${until}`
      })
  }

  forgetBefore(time: number): void {
    while (this.#faults[0] !== undefined && this.#faults[0].to + this.#aftermathMs < time)
      this.#faults.shift()
    while (this.#isolations[0] !== undefined && this.#isolations[0].to < time - this.#aftermathMs)
      this.#isolations.shift()
  }
}
