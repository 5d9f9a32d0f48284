import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import type { CompiledFamily } from '../core/key.ts'
import type { Pattern } from '../core/pattern.ts'
import type { HeldEntries } from './held-entries.ts'
import { type Place, QuotaEntries, type Quotas } from './quota-entries.ts'
import type { StampTable } from './stamp-table.ts'
import type { Timing } from './timing.ts'
import type { Vector } from './vector.ts'

/** What a fill has brought. */
export interface Filled {
  readonly value: unknown
  /** Whether each reader gets a clone. */
  readonly cloned: boolean
  /** Monotonic time at which it was loaded. */
  readonly loadedAt: number
  /** Names this fill. */
  readonly etag?: string | undefined
}

/** A value in memory, with all that decides whether it may be answered. Every field is eight bytes of every entry. */
export class MemoryEntry implements Filled {
  readonly value: unknown
  readonly cloned: boolean
  readonly loadedAt: number
  readonly etag: string | undefined
  /** Monotonic time up to which a hit need not look at its timing: the end of its lifetime, where it has none. */
  readonly until: number
  /** The value as a promise, once somebody has asked for it: every later hit returns the same one. */
  promise: Promise<unknown> | undefined

  constructor(
    { value, cloned, loadedAt, etag }: Filled,
    until: number,
    /** The generations it was filled under. */
    readonly vector: Vector,
    readonly family: CompiledFamily | undefined,
    /** Where there is more to its time than one end. */
    readonly timing: Timing | undefined,
  ) {
    this.value = value
    this.cloned = cloned
    this.etag = etag
    // Whole milliseconds, and never later: numbers that are not whole would be objects of their own.
    this.loadedAt = Math.floor(loadedAt)
    this.until = Math.floor(until)
  }

  /** Monotonic time at which its lifetime ends. */
  get freshUntil(): number {
    return this.timing === undefined ? this.until : this.timing.freshUntil
  }

  /** Monotonic time up to which memory may answer it. */
  get memoryUntil(): number {
    return this.timing === undefined ? this.until : this.timing.memoryUntil
  }
}

/**
 * The memory tier: entries by key, least recently used out first. It answers nothing by itself; whether an entry may
 * be answered is decided by the lease, by the entry's vector and by its lifetime.
 */
export class MemoryTier {
  #entries: HeldEntries<MemoryEntry>
  readonly #create: () => HeldEntries<MemoryEntry>
  readonly #stamps: StampTable
  #evictions = 0
  /** Told of each entry that has gone, unless another one took its place or everything went at once. */
  onGone: ((key: string, entry: MemoryEntry, evicted: boolean) => void) | undefined

  /** @param placeOf whose a key is, which is asked only where there are quotas */
  constructor(
    limits: Quotas,
    stamps: StampTable,
    clock: Pick<Clock, 'monotonic'>,
    placeOf: (key: string) => Place,
  ) {
    this.#stamps = stamps
    const { maxEntries, maxBytes } = limits
    const disposed = (entry: MemoryEntry, key: string, reason: string) => {
      this.#stamps.drop(entry.vector)
      if (reason === 'set') return
      const evicted = reason === 'evict'
      if (evicted) this.#evictions++
      this.onGone?.(key, entry, evicted)
    }
    const options = {
      ...(maxEntries === undefined ? {} : { max: maxEntries }),
      ...(maxBytes === undefined ? {} : { maxSize: maxBytes }),
      dispose: disposed,
    } as LRUCache.Options<string, MemoryEntry, unknown>
    const shared = limits.perTenant === undefined && limits.families.size === 0
    this.#create = shared
      ? () => new LRUCache<string, MemoryEntry>(options)
      : () => new QuotaEntries(limits, placeOf, () => clock.monotonic(), disposed)
    this.#entries = this.#create()
  }

  get entries(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#entries.calculatedSize
  }

  get evictions(): number {
    return this.#evictions
  }

  get(key: string): MemoryEntry | undefined {
    return this.#entries.get(key)
  }

  /** The entry as it is, without counting as a use. */
  look(key: string): MemoryEntry | undefined {
    return this.#entries.peek(key)
  }

  /** Whether the entry's vector is live. */
  isLive({ vector }: MemoryEntry): boolean {
    return this.#stamps.isLive(vector)
  }

  /**
   * Takes an entry, and says whether it has: one that is larger than the whole tier is not taken, and nobody disposes
   * of it.
   *
   * @param size its bytes, where there is a limit of bytes
   */
  put(key: string, entry: MemoryEntry, size: number | undefined): boolean {
    this.#stamps.hold(entry.vector)
    this.#entries.set(key, entry, size === undefined ? undefined : { size })
    if (this.#entries.peek(key) === entry) return true
    this.#stamps.drop(entry.vector)
    return false
  }

  delete(key: string): boolean {
    return this.#entries.delete(key)
  }

  /** Drops the entries whose keys match. Takes time in proportion to the entries held. */
  deleteMatching(patterns: readonly Pattern[]): void {
    this.deleteWhere((key) => patterns.some((pattern) => pattern.test(key)))
  }

  deleteWhere(matches: (key: string) => boolean): void {
    for (const key of [...this.#entries.keys()]) if (matches(key)) this.#entries.delete(key)
  }

  /** Forgets everything, generations included, in a time that does not grow with the entries. */
  clear(): void {
    this.#stamps.flush()
    // Making one takes its full size at once; whoever clears what is empty need not pay for it.
    if (this.#entries.size > 0) this.#entries = this.#create()
  }
}
