/** What the workloads ask of a cache. Keys are `item:GROUP:ID`; a group is passed along, as its users would name a tag. */
export interface Contender {
  /** The cached value, else that of `load`, which is kept. */
  get(key: string, group: string, load: () => Promise<unknown>): Promise<unknown>
  /** Several of one group at once, where the library can. `load` is given the missing keys and keeps their order. */
  getMany?(
    keys: readonly string[],
    group: string,
    load: (missing: readonly string[]) => Promise<readonly unknown[]>,
  ): Promise<readonly unknown[]>
  /** Voids one key, in both tiers and in other processes, as far as the library goes. */
  invalidate(key: string, group: string): Promise<unknown>
  /** Voids a group, where the library can. */
  invalidateGroup?(group: string): Promise<unknown>
  close(): Promise<unknown>
}

export interface ContenderOptions {
  /** Of Redis, on 127.0.0.1. Undefined: no store tier. */
  readonly port: number | undefined
  /** Whether this process keeps a memory tier, where the library has one that can be left out. */
  readonly memory: boolean
  /** Whether entries are to be invalidated by group as well. */
  readonly groups: boolean
  /** How many entries memory holds. */
  readonly maxEntries: number
  /** Whether it waits long for Redis, so that a busy machine is not taken for an outage. @default false */
  readonly patient?: boolean
  /** Whether somebody listens to hits and misses. @default false */
  readonly events?: boolean
}

/** A library as it takes part. */
export interface ContenderKind {
  /** As tables name it, without its version. */
  readonly name: string
  /** The packages whose versions are shown with it. */
  readonly packages: readonly string[]
  /** How it is configured, and why so. */
  readonly why: string
  /** It has a memory tier over a store tier. */
  readonly tiers: boolean
  /** It tells other processes what to drop from memory. */
  readonly bus: boolean
  readonly groups: boolean
  /** It has events for hits and misses that can be listened to. */
  readonly events: boolean
  /** It reads several keys in one trip. */
  readonly batches: boolean
  /** What an application imports, as the text of a module, for sizes. */
  readonly modules: { readonly core: string; readonly redis: string } | undefined
  open(options: ContenderOptions): Promise<Contender>
}

/** How long anything lives: longer than any case runs, so that nothing is excused by having expired. */
export const LIFETIME_MS = 600_000
