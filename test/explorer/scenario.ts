import type { Freshness } from 'coherent-cache'
import type { Mode } from '../judging/promises.ts'
import type { MapName } from './shop.ts'

/** How a write that runs in no unit tells the cache afterwards. */
export type Told = 'table' | 'row' | 'keys' | 'pattern' | 'adhoc' | 'scope' | 'clear'

/** One thing that an actor does. */
export type Deed =
  | { readonly do: 'get' | 'getEntry'; readonly key: string; readonly freshness?: Freshness }
  /** Reads with the token of the latest receipt there is, as a client that comes back does. */
  | { readonly do: 'follow'; readonly key: string }
  | { readonly do: 'getMany'; readonly keys: readonly string[]; readonly freshness?: Freshness }
  | { readonly do: 'peek'; readonly key: string }
  /** Reads with every leave to answer what is past its lifetime. */
  | { readonly do: 'stale'; readonly key: string }
  | { readonly do: 'fill'; readonly key: string }
  | {
      readonly do: 'unit'
      readonly row: string
      readonly end: 'commit' | 'rollback'
      /** Keys read inside, before and after the write. */
      readonly reads?: readonly [before: string | undefined, after: string | undefined]
      /** Named instead of the table. */
      readonly told?: Exclude<Told, 'table'>
    }
  | { readonly do: 'write'; readonly row: string; readonly told: Told }
  /** Another process of the application starts. */
  | { readonly do: 'start'; readonly process: string; readonly map: MapName }

export interface Actor {
  readonly name: string
  readonly process: string
  readonly deeds: readonly Deed[]
}

/** How often at most each kind of trouble comes. */
export interface Trouble {
  /** A stamp, a value or a claim is evicted. */
  readonly evict?: number
  readonly crash?: number
  /** A message to one process is lost. */
  readonly lose?: number
  /** A request breaks off, before or after it was carried out. */
  readonly break?: number
  /** A load fails. */
  readonly fail?: number
  /** A subscription is lost; it comes back at a later step. */
  readonly disconnect?: number
  /** The store loses everything. */
  readonly flush?: number
  /** The store goes on as a replica that had fallen behind. */
  readonly failover?: number
  /** A replica is promoted while the old primary goes on; the processes find it one by one. */
  readonly split?: number
  /** Time passes, by one of `passes`. */
  readonly pass?: number
}

/** A small world and what is done in it. */
export interface Scenario {
  readonly name: string
  readonly mode: Mode
  readonly processes: Readonly<Record<string, MapName>>
  readonly memory?: boolean
  /** How many values memory has room for. @default all there are */
  readonly room?: number
  /** One process without a store: its memory holds the only copy. */
  readonly alone?: boolean
  /** Plain cache-aside in the place of the library, to see whether the judge notices. */
  readonly plain?: boolean
  readonly onStoreUnavailable?: 'abort' | 'proceed'
  /** Lifetime of values, in milliseconds. */
  readonly ttl?: number
  /** Values are refreshed ahead of their end, and served past it. */
  readonly refreshes?: boolean
  /** Loaders read from a replica that lags as much as it may, wherever they are not told otherwise. */
  readonly replicas?: boolean
  readonly actors: readonly Actor[]
  readonly trouble: Trouble
  /** What `pass` may add to the time, in milliseconds. */
  readonly passes?: readonly number[]
  /** Keys that every process has read before it begins. */
  readonly warm?: readonly string[]
}

/** T, in milliseconds. */
export const MAX_STALENESS = 1_000
export const SOFT_LOCK = 3_000
/** How far replicas of the database lag, in milliseconds. */
export const REPLICA_LAG = 700

/** The keys that a scenario is about. */
export function keysOf({ actors, warm = [] }: Scenario): readonly string[] {
  const named = actors.flatMap(({ deeds }) =>
    deeds.flatMap((deed) => ('key' in deed ? [deed.key] : 'keys' in deed ? deed.keys : [])),
  )
  return [...new Set([...warm, ...named])]
}
