/** What one process saw in a storm. Times are in milliseconds, on the one clock that all processes of a machine share. */
export interface ReadLog {
  readonly reads: readonly (readonly [began: number, key: number, version: number])[]
  /** Versions whose invalidation had been acknowledged by then. */
  readonly writes: readonly (readonly [acknowledged: number, key: number, version: number])[]
  /** What was read once everything was quiet, by key. */
  readonly end: readonly number[]
}

export interface Staleness {
  readonly reads: number
  /** Answers older than what had been acknowledged, with this much grace, when the read began. */
  readonly stale: number
  /** How long the longest outdated answer had been so, since the invalidation was acknowledged, in milliseconds. */
  readonly oldestMs: number
  /** Keys that some process still answered with an older version at the end. */
  readonly staleAtEnd: number
}

/** Judges the reads of all processes against the acknowledged writes of all. */
export function judgeStaleness(logs: readonly ReadLog[], graceMs: number): Staleness {
  const acknowledged = new Map<number, (readonly [at: number, version: number])[]>()
  for (const [at, key, version] of logs.flatMap(({ writes }) => writes)) {
    const known = acknowledged.get(key) ?? []
    known.push([at, version])
    acknowledged.set(key, known)
  }
  for (const known of acknowledged.values()) known.sort(([, one], [, other]) => one - other)
  let [stale, reads, oldestMs] = [0, 0, 0]
  for (const [began, key, version] of logs.flatMap(({ reads }) => reads)) {
    reads++
    // The first to be missed: the earliest acknowledgement of anything newer than what was read.
    let missed = Number.POSITIVE_INFINITY
    for (const [at, newer] of acknowledged.get(key) ?? []) if (newer > version) missed = Math.min(missed, at)
    const age = began - missed
    if (age > graceMs) stale++
    oldestMs = Math.max(oldestMs, age)
  }
  const staleKeys = new Set<number>()
  for (const { end } of logs) {
    for (const [key, version] of end.entries()) {
      if (version < (acknowledged.get(key)?.at(-1)?.[1] ?? 0)) staleKeys.add(key)
    }
  }
  return { reads, stale, oldestMs, staleAtEnd: staleKeys.size }
}
