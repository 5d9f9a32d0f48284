import { Timing, TOLD_EVERY } from '../coherence/timing.ts'
import { earliestMs } from '../lifetimes/refresh-ahead.ts'
import type { Rules } from '../lifetimes/rules.ts'

/**
 * The timing of an entry that is put into memory now, whose value lives until `freshUntil`; undefined where that is all
 * there is to say.
 */
export function timingOf(
  freshUntil: number,
  { memoryTtlMs, idleTtlMs, aheadBeta }: Pick<Rules, 'memoryTtlMs' | 'idleTtlMs' | 'aheadBeta'>,
  loadMs: number,
  shared: boolean,
  now: number,
): Timing | undefined {
  // Without a store the lifetime itself has been cut.
  const memoryUntil = shared ? Math.min(freshUntil, now + memoryTtlMs) : freshUntil
  const ahead = aheadBeta > 0 && loadMs > 0
  const slides = idleTtlMs < Number.POSITIVE_INFINITY
  if (memoryUntil === freshUntil && !slides && !ahead) return undefined
  const timed = {
    endsAt: freshUntil,
    memoryUntil,
    idleMs: slides ? idleTtlMs : undefined,
    tellMs: slides && shared ? idleTtlMs * TOLD_EVERY : undefined,
    aheadFrom: ahead ? freshUntil - earliestMs(loadMs, aheadBeta) : undefined,
  }
  return new Timing(timed, now)
}
