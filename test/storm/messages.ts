import type { Freshness, Receipt } from 'coherent-cache'
import type { Mode } from '../judging/promises.ts'
import type { MapName } from './app.ts'

/** Where a member finds Redis. */
export type RedisAddress =
  | { readonly port: number }
  | { readonly cluster: readonly number[] }
  | {
      readonly sentinels: readonly { readonly host: string; readonly port: number }[]
      readonly name: string
    }

export type Subject = 'coherent-cache' | 'cache-aside'

/** What a member is started with. */
export interface MemberConfig {
  /** Never the same for two operating-system processes of a storm. */
  readonly process: number
  readonly role: 'reader' | 'writer'
  readonly mode: Mode
  readonly subject: Subject
  readonly map: MapName
  readonly redis: RedisAddress
  readonly postgresUrl: string
  readonly items: number
  readonly maxStalenessMs: number
  readonly softLockMs: number
  /** Whether writers keep a journal, and everybody runs a relay of it. */
  readonly journal: boolean
  readonly ttlMs: number
  /** Reads that it aims at, a second. */
  readonly rate: number
  readonly seed: number
}

/** The steps of a transaction at which a writer can be told to die. */
export const STEPS = ['begun', 'written', 'prepared', 'commit sent', 'committed', 'rotating'] as const
export type Step = (typeof STEPS)[number]

/** A receipt's token, and the write it belongs to. */
export interface Told {
  readonly token: string
  readonly deed: number
  readonly keys: readonly number[]
}

/** What the conductor says. */
export type Order =
  | { readonly t: 'token'; readonly told: Told }
  | { readonly t: 'die'; readonly at: Step }
  | { readonly t: 'stop' }

/** One row of a write, as its UPDATE returned it. */
export interface WrittenRow {
  readonly row: number
  readonly version: number
  readonly nonce: number
  /** The nonce of the version before. */
  readonly prev: number
}

/** What a member says. Times are of the clock that all processes of a machine share. */
export type Report =
  | { readonly t: 'ready' }
  /** COMMIT is about to be sent. Told before it is, so that it outlives the process. */
  | {
      readonly t: 'commit'
      readonly deed: number
      readonly how: string
      readonly guarded: boolean
      readonly rows: readonly WrittenRow[]
      readonly sent: number
    }
  | {
      readonly t: 'done'
      readonly deed: number
      readonly committed: number
      readonly acknowledged: number
      readonly status: Receipt['status']
    }
  /** COMMIT was refused, or nobody knows: what the database shows afterwards decides. */
  | { readonly t: 'unknown'; readonly deed: number; readonly why: string }
  | { readonly t: 'token'; readonly told: Told }
  | { readonly t: 'rolledBack' }
  /** The cache had a transaction rolled back, because its store was away. */
  | { readonly t: 'aborted' }
  | { readonly t: 'recovered'; readonly at: number }
  | { readonly t: 'trouble'; readonly what: string }
  | { readonly t: 'reads'; readonly data: Float64Array }
  | { readonly t: 'stats'; readonly memory: number; readonly store: number; readonly loads: number }

/** How reads are asked for and answered, as numbers of the log. */
export const FRESHNESS: readonly Freshness[] = ['bounded', 'committed', 'reload']
export const TIERS = ['not told', 'memory', 'store', 'loader'] as const
export const PATHS = ['get', 'getEntry', 'getMany', 'peek', 'token', 'in a unit', 'after its write'] as const

/**
 * A read in the log: begin, end, key, freshness, tier, path, the write its token names (-1: none), number of rows, then
 * per row: row, version, nonce.
 */
export const READ_HEAD = 8
