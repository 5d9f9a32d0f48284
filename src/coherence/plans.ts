import { readKey } from '../core/change.ts'
import type { DependencyMap, KeyPlan } from '../core/dependency-map.ts'
import type { Coherence, CompiledFamily } from '../core/key.ts'
import { keyStamp, ROOT, type StampName } from '../core/stamp.ts'
import type { MemoryEntry } from './memory-tier.ts'
import { Plan } from './plan.ts'
import { Recent } from './recent.ts'

const MOST_KEPT = 10_000

/** What plans depend on. */
export interface PlansRoom {
  readonly map: DependencyMap
  /** Whether coherence is on, for families that do not say. */
  readonly coherence: Coherence
  /** The stamp of this process's registration, first in every vector; undefined where nobody else reads. */
  readonly registration: StampName | undefined
  /** What memory holds under a key, where that is to save keeping the key's plan. */
  readonly held: (key: string) => MemoryEntry | undefined
}

/**
 * What the map says of keys, remembered for those asked about lately; and which families have coherence off. Of a key
 * that memory holds nothing is remembered: its entry says as much.
 */
export class Plans {
  readonly #room: PlansRoom
  readonly #kept = new Recent<KeyPlan>(MOST_KEPT)
  readonly #families = new Map<string, Coherence>()
  #all: Coherence

  constructor(room: PlansRoom) {
    this.#room = room
    this.#all = room.coherence
  }

  /**
   * The plan of a key. Where coherence is off it hangs on `clear()` and its own stamp alone, if it has one.
   *
   * @throws CacheError `INVALID_KEY` for anything that is no key, `INVALID_PATTERN` for a key that a pattern matches
   *   in too many ways.
   */
  of(key: string): KeyPlan {
    const held = this.#room.held(key)
    if (held !== undefined) return new Plan(this.#room.map, key, held.family, held.vector, true)
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const { family, params, stamps } = this.#room.map.plan(readKey(key))
    const names = this.#isOff(family) ? withoutMap(stamps, key) : stamps
    // A copy has room for no more than there is: an array that has grown takes three times as much.
    const plan = new Plan(this.#room.map, key, family, this.#registered(names).slice(), false, params)
    this.#kept.set(key, plan)
    return plan
  }

  /** Memory has taken an entry of the key. */
  taken(key: string): void {
    if (this.#room.held(key) !== undefined) this.#kept.delete(key)
  }

  /**
   * Memory has given up an entry of the key: to make room, or because another process has loaded it anew. Its value is in
   * the store then, where a plain read finds it; where it was voided, such a read is in vain once.
   */
  gone(key: string, entry: MemoryEntry): void {
    // Not the vector itself: it would be kept beyond a flush, and with it whatever was idle then.
    this.#kept.set(key, new Plan(this.#room.map, key, entry.family, entry.vector.names, true))
  }

  #isOff(family: CompiledFamily | undefined): boolean {
    if (this.#all === 'off') return true
    return family !== undefined && (this.#families.get(family.name) ?? family.coherence) === 'off'
  }

  #registered(stamps: readonly StampName[]): readonly StampName[] {
    const { registration } = this.#room
    return registration === undefined ? stamps : [registration, ...stamps]
  }

  /** Whether coherence is off for the whole cache or some family. */
  anyOff(): boolean {
    return this.#all === 'off' || this.#room.map.families().some((family) => this.#isOff(family))
  }

  /** Switches the whole cache, or one family over it. What memory holds of them must be gone by then. */
  set(coherence: Coherence, family?: string): void {
    if (family === undefined) this.#all = coherence
    else this.#families.set(family, coherence)
    this.#kept.clear()
  }
}

/** What is left of a key's stamps where coherence is off. */
function withoutMap(stamps: readonly StampName[], key: string): readonly StampName[] {
  return stamps.filter((name) => name === ROOT || name === keyStamp(key))
}
