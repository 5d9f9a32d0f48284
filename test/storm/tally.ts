/** Counts of times in milliseconds, in steps of a twentieth: as much memory for ten reads as for ten million. */
export class Ages {
  readonly #counts: number[] = []
  #total = 0
  max = 0

  add(ms: number): void {
    const at = Math.max(0, Math.ceil(Math.log(Math.max(ms, 0.1) * 10) / Math.log(1.05)))
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#total++
    if (ms > this.max) this.max = ms
  }

  /** The time that this share of them does not exceed; 0 where there is none. */
  quantile(share: number): number {
    let left = share * this.#total
    for (const [at, count] of this.#counts.entries()) {
      left -= count ?? 0
      if (left <= 0 && count !== undefined) return Math.min(this.max, 1.05 ** at / 10)
    }
    return this.max
  }
}

/** What was read under some circumstance. */
export class Tally {
  reads = 0
  /** Those older than what was committed when they began, as far as that is promised to nobody. */
  behind = 0
  /** Those older than promised. */
  violations = 0
  /** How old the answers were that were behind. */
  readonly ages = new Ages()

  get summary() {
    const { reads, behind, violations, ages } = this
    return {
      reads,
      behind,
      violations,
      violationsAtMost: upperBound(violations, reads),
      oldest: { p50: ages.quantile(0.5), p99: ages.quantile(0.99), max: ages.max },
    }
  }
}

/** With 95 % certainty at most this share, after so many in so many: 3/n where there was none. */
export function upperBound(found: number, total: number): number {
  if (total === 0) return 1
  if (found === 0) return Math.min(1, 3 / total)
  return Math.min(1, (found + 1.96 * Math.sqrt(found) + 2) / total)
}
