/** All times are milliseconds of CLOCK_MONOTONIC, which the processes of one machine share. */
export interface VersionWrite {
  readonly process: number
  readonly key: string
  readonly version: number
  /** When its COMMIT had been answered: what it wrote was visible by then. */
  readonly committed: number
  /** When its process was told that it had committed and had been invalidated. */
  readonly acknowledged: number
}

export interface VersionRead {
  readonly process: number
  readonly key: string
  readonly version: number
  readonly freshness: 'bounded' | 'committed'
  readonly began: number
  readonly tier: string
}

/** What was promised to whom. */
export interface Promised {
  readonly consistency: 'bounded' | 'committed' | 'strict'
  readonly maxStalenessMs: number
}

/** Now, on the clock that processes share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/**
 * The reads that were older than promised, each with the write it should have seen: one that its own process had
 * acknowledged before it began; one that any process had acknowledged T before; and, where it asked for `'committed'`,
 * one that had been acknowledged at all, or where the cache is committed, that had merely been visible; where it is
 * strict, any that had been visible.
 */
export function olderThanPromised(
  writes: readonly VersionWrite[],
  reads: readonly VersionRead[],
  { consistency, maxStalenessMs }: Promised,
): { readonly read: VersionRead; readonly unseen: VersionWrite }[] {
  const newestFirst = [...writes].sort((one, other) => other.version - one.version)
  const due = (read: VersionRead, write: VersionWrite): boolean => {
    if (write.process === read.process && write.acknowledged <= read.began) return true
    if (consistency === 'strict') return write.committed <= read.began
    if (read.freshness === 'bounded') return write.acknowledged + maxStalenessMs <= read.began
    return (consistency === 'committed' ? write.committed : write.acknowledged) <= read.began
  }
  return reads.flatMap((read) => {
    const unseen = newestFirst.find(
      (write) => write.key === read.key && write.version > read.version && due(read, write),
    )
    return unseen === undefined ? [] : [{ read, unseen }]
  })
}
