import { LRUCache } from 'lru-cache'
import { readKey } from '../core/change.ts'
import type { DependencyMap, KeyPlan } from '../core/dependency-map.ts'
import { fingerprintHead } from '../core/entry.ts'
import type { Coherence, CompiledFamily } from '../core/key.ts'
import { keyStamp, ROOT, type StampName } from '../core/stamp.ts'

const KEPT = 10_000

/** What the map says of keys, remembered for those asked about lately; and which families have coherence off. */
export class Plans {
  readonly #map: DependencyMap
  readonly #kept = new LRUCache<string, KeyPlan>({ max: KEPT })
  readonly #families = new Map<string, Coherence>()
  #all: Coherence

  /** The stamp of this process's registration, first in every vector; undefined where nobody else reads. */
  readonly #registration: StampName | undefined

  constructor(map: DependencyMap, all: Coherence, registration: StampName | undefined) {
    this.#map = map
    this.#all = all
    this.#registration = registration
  }

  /**
   * The plan of a key. Where coherence is off it hangs on `clear()` and its own stamp alone, if it has one.
   *
   * @throws CacheError `INVALID_KEY` for anything that is no key, `INVALID_PATTERN` for a key that a pattern matches
   *   in too many ways.
   */
  of(key: string): KeyPlan {
    const kept = typeof key === 'string' ? this.#kept.get(key) : undefined
    if (kept !== undefined) return kept
    const match = this.#map.plan(readKey(key))
    const stamps = this.#registered(
      this.#isOff(match.family) ? withoutMap(match.stamps, key) : match.stamps,
      // A copy has room for no more than there is: an array that has grown takes three times as much, for every key kept.
    ).slice()
    const { family, params, shard } = match
    const plan = { key, family, params, stamps, head: fingerprintHead(stamps), shard, stored: false }
    this.#kept.set(key, plan)
    return plan
  }

  #isOff(family: CompiledFamily | undefined): boolean {
    if (this.#all === 'off') return true
    return family !== undefined && (this.#families.get(family.name) ?? family.coherence) === 'off'
  }

  #registered(stamps: readonly StampName[]): readonly StampName[] {
    return this.#registration === undefined ? stamps : [this.#registration, ...stamps]
  }

  /** Whether coherence is off for the whole cache or some family. */
  anyOff(): boolean {
    return this.#all === 'off' || this.#map.families().some((family) => this.#isOff(family))
  }

  /** Switches the whole cache, or one family over it. */
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
