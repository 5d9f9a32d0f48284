import type { Freshness, Receipt } from 'coherent-cache'
import type { JudgedRead, JudgedWrite, Moment } from '../judging/promises.ts'
import type { Rows } from './database.ts'

/** Of a schedule: how many steps had been taken, and what time it was. */
export type { Moment }

/** One write of one row, with everything a reader may count on. */
export interface Write extends JudgedWrite {
  readonly process: string
  readonly row: string
  /** How the cache is told, for people. */
  readonly how: string
  /** Whether what the cache is told concerns the key. */
  readonly covers: (key: string) => boolean
  /** Whether soft locks lie on what it rotates from before its COMMIT. */
  guarded: boolean
  version: number | undefined
  /** When the cache began to be told of it. */
  telling: Moment | undefined
  committed: Moment | undefined
  /** When its invalidation resolved, and how. */
  acknowledged: Moment | undefined
  status: Receipt['status'] | undefined
  /** When a queued one was told to the store after all. */
  replayed: Moment | undefined
}

/** One read of one key, in or outside a unit. */
export interface Read extends JudgedRead {
  readonly process: string
  readonly by: string
  readonly key: string
  readonly freshness: Freshness
  readonly begin: Moment
  /** Writes that the token it carries names. */
  readonly behind: readonly Write[]
  /** The transaction whose rows it may see before they are committed. */
  readonly inside: number | undefined
  /** Rows that this transaction had written. */
  readonly own: readonly string[]
  end: Moment | undefined
  value: Rows | undefined
}

/** A value that has taken the place of what was kept under its key: of a reload, or filled by hand. */
export interface Replacement {
  readonly process: string
  readonly key: string
  readonly value: Rows
  /** When whoever made it was told that it is kept. */
  readonly at: Moment
}

/** Something that broke a promise other than by an old answer. */
export interface Trouble {
  readonly at: Moment
  readonly what: string
}

/** A primary that goes on beside the one promoted in its place. */
export class Split {
  readonly at: Moment
  /** The processes that were connected to it. */
  readonly #isolated: ReadonlySet<string>
  /** When each of them found the new one. */
  readonly moved = new Map<string, Moment>()
  /** When each was known to have told the new one again what the old one had accepted from it. */
  readonly told = new Map<string, Moment>()

  constructor(at: Moment, isolated: Iterable<string>) {
    this.at = at
    this.#isolated = new Set(isolated)
  }

  /** Whether a process was with the old one at some moment between two. */
  isolates(process: string, from: Moment, to = from): boolean {
    const { step: moved = Number.POSITIVE_INFINITY } = this.moved.get(process) ?? {}
    return this.#isolated.has(process) && to.step > this.at.step && from.step <= moved
  }
}

/** All that happened, as far as promises are concerned. */
export class History {
  readonly reads: Read[] = []
  readonly writes: Write[] = []
  readonly replacements: Replacement[] = []
  readonly troubles: Trouble[] = []
  /** When a replica that lagged became the store. */
  readonly promotions: Moment[] = []
  split: Split | undefined
}
