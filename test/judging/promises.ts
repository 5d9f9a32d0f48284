import type { Freshness, Receipt } from 'coherent-cache'

/** What is promised, for whoever judges a history by it: the schedule explorer, and storms over real servers. */

export type Mode = 'bounded' | 'committed' | 'strict'

/** A moment: `step` orders it among all others, `time` is in milliseconds. */
export interface Moment {
  readonly step: number
  readonly time: number
}

/** What a reader may count on of one write of one row. */
export interface JudgedWrite {
  readonly process: unknown
  /** Whether soft locks lie on what it rotates from before its COMMIT. */
  readonly guarded: boolean
  /** By when it is certain to be committed. */
  readonly committed: Moment | undefined
  /** When its invalidation resolved, and how. */
  readonly acknowledged: Moment | undefined
  readonly status: Receipt['status'] | undefined
  /** When a queued one was told to the store after all. */
  readonly replayed: Moment | undefined
}

/** What decides how new the answer of a read must be. */
export interface JudgedRead {
  readonly process: unknown
  readonly freshness: Freshness
  readonly begin: Moment
  /** Writes that the token it carries names. */
  readonly behind: readonly JudgedWrite[]
}

/** By what a read is judged against a write. */
export interface Rules {
  readonly mode: Mode
  /** T. Undefined while nothing is bounded: a failover may have rolled back what was acknowledged. */
  readonly maxStaleness: number | undefined
  /** Whether what the cache was told of the write concerns the key. */
  readonly covered: boolean
  /** Whether the key's loader reads other keys through the cache. */
  readonly composite: boolean
  /** How long a value can be answered after what it shows has changed, whatever went wrong. @default not judged */
  readonly lifetime?: number
  /** How long after its COMMIT a write may be missed where a journal's relays run undisturbed. @default not judged */
  readonly relay?: number | undefined
}

/** The promise by which the read should have seen the write; undefined where there is none. */
export function promiseBroken(read: JudgedRead, write: JudgedWrite, rules: Rules): string | undefined {
  const { begin, freshness } = read
  const { mode, maxStaleness, covered, composite, lifetime, relay } = rules
  const before = (moment: Moment | undefined) => moment !== undefined && moment.step < begin.step
  const { committed, acknowledged } = write
  // The parts of a composite are read as nested reads are.
  if (freshness === 'reload' && !composite && before(committed)) return 'a reload loads anew'
  if (lifetime !== undefined && committed !== undefined && begin.time - committed.time >= lifetime)
    return 'whatever went wrong: the end of its lifetime'
  if (!covered) return undefined
  if (relay !== undefined && committed !== undefined && begin.time - committed.time >= relay)
    return 'a journal: the relay, whoever died'
  const asks = mode === 'strict' || freshness !== 'bounded'
  const unbounded = maxStaleness === undefined && !asks
  if (before(acknowledged) && read.behind.includes(write)) return 'a read with its token'
  if (before(acknowledged) && read.process === write.process && !unbounded)
    return 'after its acknowledgement: same process'
  if (asks && mode !== 'bounded' && write.guarded && before(committed))
    return `between COMMIT and rotation: ${mode}`
  // A receipt that says `unprotected` says nothing of the rotation.
  const rotated = write.status === 'applied' ? acknowledged : write.replayed
  if (rotated === undefined || !before(rotated)) return undefined
  if (asks)
    return `after its acknowledgement: other processes, ${mode === 'strict' ? mode : 'committed read'}`
  return !unbounded && begin.time - rotated.time >= (maxStaleness ?? 0)
    ? 'after its acknowledgement: other processes, T'
    : undefined
}
