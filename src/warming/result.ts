/** Counts of a plan that is being carried out. */
export interface WarmingProgress {
  /** Keys that the plan has named so far. */
  readonly seen: number
  /** Loaded and kept. */
  readonly warmed: number
  /** Not loaded, because a valid value was there. */
  readonly fresh: number
  /** Loaded, but not kept: it changed meanwhile, its lifetime is 0, the loader skipped it, the store was away. */
  readonly unkept: number
  /** Their loaders threw. */
  readonly failed: number
  /** Milliseconds since the run began. */
  readonly durationMs: number
}

/** What became of a plan. */
export interface WarmingResult extends WarmingProgress {
  /**
   * `'done'`: every key had its turn, though some may have `failed`. `'aborted'`: the signal was, and what had been
   * begun by then was given up. `'failed'`: the plan itself threw, or the store stayed away.
   */
  readonly status: 'done' | 'aborted' | 'failed'
  /** The first hundred failures. */
  readonly failures: readonly { readonly key: string; readonly error: unknown }[]
  /** What ended it early: what the plan threw, or the signal's reason. */
  readonly error: unknown
}

const FAILURES_KEPT = 100

/** The counts of one run. */
export class Tally {
  seen = 0
  warmed = 0
  fresh = 0
  unkept = 0
  failed = 0
  readonly failures: { readonly key: string; readonly error: unknown }[] = []

  fail(key: string, error: unknown): void {
    this.failed++
    if (this.failures.length < FAILURES_KEPT) this.failures.push({ key, error })
  }

  progress(durationMs: number): WarmingProgress {
    const { seen, warmed, fresh, unkept, failed } = this
    return { seen, warmed, fresh, unkept, failed, durationMs }
  }
}
