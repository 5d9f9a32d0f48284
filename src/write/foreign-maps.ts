import { LRUCache } from 'lru-cache'
import type { ConfinedTable } from '../core/change.ts'
import { ForeignMap, skeletonDigest } from '../core/skeleton.ts'
import { registrationStamp, type StampName } from '../core/stamp.ts'
import type { Store } from '../core/store.ts'

const MOST_MAPS = 64

/**
 * The maps of other processes of the namespace: older or newer versions of this one during a deploy, or other
 * applications. A writer rotates for their readers too.
 */
export class ForeignMaps {
  readonly #own: string
  readonly #loaded = new LRUCache<string, ForeignMap>({ max: MOST_MAPS })
  #live: readonly string[] = []

  /** @param own the digest of this process's map */
  constructor(own: string) {
    this.#own = own
  }

  /** Begins what one change has to do with them. */
  change(writes: readonly ConfinedTable[]): ForeignChange {
    return new ForeignChange(this, writes)
  }

  /** Those live when a store last told, as far as they are loaded: what most changes will meet again. */
  expected(): readonly (readonly [digest: string, map: ForeignMap])[] {
    return this.#live.flatMap((digest) => {
      const map = this.#loaded.get(digest)
      return map === undefined ? [] : [[digest, map] as const]
    })
  }

  /** Takes notice of who is live. @returns the maps of others */
  noteLive(digests: readonly string[]): readonly string[] {
    this.#live = digests.filter((digest) => digest !== this.#own)
    return this.#live
  }

  /** The map of this digest; undefined where the store does not have it, or has something else in its place. */
  async load(digest: string, store: Store): Promise<ForeignMap | undefined> {
    const loaded = this.#loaded.get(digest)
    if (loaded !== undefined) return loaded
    const text = await store.skeleton(digest)
    if (text === undefined || skeletonDigest(text) !== digest) return undefined
    const map = ForeignMap.read(text)
    if (map !== undefined) this.#loaded.set(digest, map)
    return map
  }
}

/**
 * One change, as far as the maps of others are concerned: which of them it has rotated for. What other changes meet at
 * the same time is none of its business.
 */
export class ForeignChange {
  readonly #maps: ForeignMaps
  readonly #writes: readonly ConfinedTable[]
  /** The maps it has met; undefined where one could not be loaded, and its readers have to start anew. */
  readonly #met = new Map<string, ForeignMap | undefined>()

  constructor(maps: ForeignMaps, writes: readonly ConfinedTable[]) {
    this.#maps = maps
    this.#writes = writes
  }

  /** The stamps it rotates under the maps that are expected to be live: most often there will be no others. */
  async expected(): Promise<ReadonlySet<StampName>> {
    const stamps = new Set<StampName>()
    for (const [digest, map] of this.#maps.expected()) {
      if (this.#met.has(digest)) continue
      this.#met.set(digest, map)
      for (const name of await map.stamps(this.#writes)) stamps.add(name)
    }
    return stamps
  }

  /**
   * Takes notice of the maps a rotation found live, and loads those never met before.
   *
   * @returns the stamps it rotates under maps that it had not considered yet. Of one that cannot be loaded it is the
   *   stamp of its registration: its readers find all they hold void, and register it, skeleton and all, anew.
   */
  async meet(live: readonly string[], store: Store): Promise<ReadonlySet<StampName>> {
    const stamps = new Set<StampName>()
    for (const digest of this.#maps.noteLive(live)) {
      if (this.#met.has(digest)) continue
      const map = await this.#maps.load(digest, store)
      this.#met.set(digest, map)
      const names = map === undefined ? [registrationStamp(digest)] : await map.stamps(this.#writes)
      for (const name of names) stamps.add(name)
    }
    return stamps
  }

  /** The registrations of those maps it has met whose readers do not have this stamp of a pattern or a scope. */
  without(name: StampName): readonly StampName[] {
    return [...this.#met].flatMap(([digest, map]) =>
      map === undefined || map.has(name) ? [] : [registrationStamp(digest)],
    )
  }
}
