import type { Targets } from '../core/dependency-map.ts'
import type { Pattern } from '../core/pattern.ts'
import { ROOT, type StampName } from '../core/stamp.ts'
import type { KeyPlace } from '../core/store.ts'

/** A change that the store has not been told of. */
export type Owed = Pick<Targets, 'stamps' | 'keys' | 'patterns' | 'covered' | 'writes'>

const MOST_STAMPS = 1_000
const MOST_KEYS = 10_000
const MOST_TABLES = 1_000
/** Each costs two passes over the keys of the store, so that everything is soon the cheaper answer. */
const MOST_SWEEPS = 32

/**
 * The changes a store has missed, until it can be told. Bounded without ever dropping one: what grows too long is
 * coalesced into something shallower, at last into everything.
 */
export class ReplayQueue {
  #stamps = new Set<StampName>()
  #keys = new Map<string, KeyPlace>()
  #patterns = new Map<string, Pattern>()
  #covered = new Map<StampName, Owed['covered'][number]>()
  #tables = new Set<string>()
  #length = 0

  /** Changes queued since it was last empty. */
  get length(): number {
    return this.#length
  }

  add({ stamps, keys, patterns, covered, writes }: Owed): void {
    this.#length++
    for (const name of stamps) this.#stamps.add(name)
    for (const place of keys) this.#keys.set(place.key, place)
    for (const pattern of patterns) this.#patterns.set(pattern.text, pattern)
    for (const one of covered) this.#covered.set(one.stamp, one)
    for (const { table } of writes) this.#tables.add(table)
    if (this.#stamps.size > MOST_STAMPS) {
      this.#stamps = new Set(
        [...this.#stamps].map((name) => (name.indexOf('|') > 0 ? name.slice(0, name.indexOf('|')) : name)),
      )
    }
    if (
      this.#stamps.size > MOST_STAMPS ||
      this.#keys.size > MOST_KEYS ||
      this.#tables.size > MOST_TABLES ||
      this.#patterns.size + this.#covered.size > MOST_SWEEPS
    ) {
      this.#everything()
    }
  }

  /** All that is owed, as one change; the queue is empty afterwards. */
  take(): Owed & { readonly changes: number } {
    const owed = {
      stamps: [...this.#stamps],
      keys: [...this.#keys.values()],
      patterns: [...this.#patterns.values()],
      covered: [...this.#covered.values()],
      // Whole tables: whose rows they were is known to this process's map alone.
      writes: [...this.#tables].map((table) => ({ table })),
      changes: this.#length,
    }
    this.#clear()
    return owed
  }

  /** Puts back what could not be told after all. */
  putBack({ changes, ...owed }: Owed & { readonly changes: number }): void {
    this.add(owed)
    this.#length += changes - 1
  }

  #everything(): void {
    const length = this.#length
    this.#clear()
    this.#length = length
    this.#stamps.add(ROOT)
  }

  #clear(): void {
    this.#stamps = new Set()
    this.#keys = new Map()
    this.#patterns = new Map()
    this.#covered = new Map()
    this.#tables = new Set()
    this.#length = 0
  }
}
