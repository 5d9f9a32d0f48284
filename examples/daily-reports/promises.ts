import type { Staleness } from './judge.ts'
import type { Measured } from './replay.ts'

/** What coherent-cache promises in mode `bounded`: how old an answer may be after an acknowledged write. */
export const PROMISED = { ownMs: 0, othersMs: 1_000, committedMs: 0 }

/** Which promises the answers break, in words. */
export function brokenPromises({ own, others, committed, wrong, queued }: Measured): string[] {
  const broken = [
    breach('on the replica that wrote', own, PROMISED.ownMs),
    breach('on the other replicas', others, PROMISED.othersMs),
    breach("with freshness: 'committed'", committed, PROMISED.committedMs),
    queued === 0
      ? undefined
      : `${queued} writes were queued, for the shared tier was away: the run proves nothing`,
    wrong === 0 ? undefined : `${wrong} answers that the database never gave`,
  ]
  return broken.filter((one) => one !== undefined)
}

function breach(
  where: string,
  { stale, oldestMs, worst }: Staleness,
  promisedMs: number,
): string | undefined {
  if (stale === 0 || oldestMs <= promisedMs) return undefined
  return `${stale} stale answers ${where}, up to ${oldestMs.toFixed(1)} ms old (promised: ${promisedMs} ms): ${worst}`
}
