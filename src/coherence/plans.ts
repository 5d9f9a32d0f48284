import { LRUCache } from 'lru-cache'
import { readKey } from '../core/change.ts'
import type { DependencyMap, KeyPlan } from '../core/dependency-map.ts'
import type { Coherence } from '../core/key.ts'
import { ROOT } from '../core/stamp.ts'

const KEPT = 4_096
const ROOT_ONLY = Object.freeze([ROOT])

/** What the map says of keys, remembered for those asked about lately; and which families have coherence off. */
export class Plans {
  readonly #map: DependencyMap
  readonly #kept = new LRUCache<string, KeyPlan>({ max: KEPT })
  readonly #families = new Map<string, Coherence>()
  #all: Coherence

  constructor(map: DependencyMap, all: Coherence) {
    this.#map = map
    this.#all = all
  }

  /**
   * The plan of a key. Where coherence is off it hangs on `clear()` alone.
   *
   * @throws CacheError `INVALID_KEY` for anything that is no key, `INVALID_PATTERN` for a key that a pattern matches
   *   in too many ways.
   */
  of(key: string): KeyPlan {
    const kept = typeof key === 'string' ? this.#kept.get(key) : undefined
    if (kept !== undefined) return kept
    const plan = this.#map.plan(readKey(key))
    const family = plan.family
    const coherence =
      this.#all === 'off'
        ? 'off'
        : family === undefined
          ? 'on'
          : (this.#families.get(family.name) ?? family.coherence)
    const known = coherence === 'off' ? { ...plan, stamps: ROOT_ONLY } : plan
    this.#kept.set(key, known)
    return known
  }

  /** Switches the whole cache, or one family over it. */
  set(coherence: Coherence, family?: string): void {
    if (family === undefined) this.#all = coherence
    else this.#families.set(family, coherence)
    this.#kept.clear()
  }
}
