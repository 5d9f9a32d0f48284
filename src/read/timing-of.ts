import { Timing, TOLD_EVERY } from '../coherence/timing.ts'
import type { Rules } from '../lifetimes/rules.ts'

/**
 * The timing of an entry that is put into memory now, whose value lives until `freshUntil`; undefined where that is all
 * there is to say.
 */
export function timingOf(
  freshUntil: number,
  { memoryTtlMs, idleTtlMs }: Pick<Rules, 'memoryTtlMs' | 'idleTtlMs'>,
  shared: boolean,
  now: number,
): Timing | undefined {
  // Without a store the lifetime itself has been cut.
  const memoryUntil = shared ? Math.min(freshUntil, now + memoryTtlMs) : freshUntil
  if (memoryUntil === freshUntil && idleTtlMs === Number.POSITIVE_INFINITY) return undefined
  const tellMs = shared ? idleTtlMs * TOLD_EVERY : Number.POSITIVE_INFINITY
  const timed = {
    endsAt: freshUntil,
    memoryUntil,
    idleMs: idleTtlMs,
    tellMs,
    aheadFrom: Number.POSITIVE_INFINITY,
  }
  return new Timing(timed, now)
}
