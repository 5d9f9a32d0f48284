import type { RefusalReason } from './events.ts'

const LOADS_KEPT = 1_024
const TABLES_KEPT = 100

/** The counts of one cache. Plain numbers: a memory hit adds one and nothing else. */
export class Counters {
  memoryHits = 0
  storeHits = 0
  staleHits = 0
  misses = 0
  bypasses = 0
  loads = 0
  loadErrors = 0
  fills = 0
  invalidations = 0
  stampsRotated = 0
  keysInvalidated = 0
  tablesProcessed = 0
  readonly refused = new Map<RefusalReason, number>()
  readonly #tables = new Map<string, number>()
  readonly #loadMs: number[] = []
  #nextLoad = 0

  refuse(reason: RefusalReason): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
  }

  loaded(durationMs: number): void {
    this.loads++
    this.#loadMs[this.#nextLoad] = durationMs
    this.#nextLoad = (this.#nextLoad + 1) % LOADS_KEPT
  }

  table(name: string): void {
    this.tablesProcessed++
    const count = this.#tables.get(name)
    if (count !== undefined || this.#tables.size < TABLES_KEPT) this.#tables.set(name, (count ?? 0) + 1)
  }

  tables(): Record<string, number> {
    return Object.fromEntries([...this.#tables].sort(([, one], [, other]) => other - one))
  }

  loadTimes(): { p50: number; p99: number; max: number } {
    const sorted = [...this.#loadMs].sort((one, other) => one - other)
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
    return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 }
  }
}
