import type { TableChange } from '../core/change.ts'
import { ForeignMap } from '../core/skeleton.ts'
import { ROOT, type StampName } from '../core/stamp.ts'
import type { Store } from '../core/store.ts'

/**
 * The maps of other processes of the namespace: older or newer versions of this one during a deploy, or other
 * applications. A writer rotates for their readers too.
 */
export class ForeignMaps {
  readonly #own: string
  readonly #known = new Map<string, ForeignMap>()
  #live: readonly string[] = []

  /** @param own the digest of this process's map */
  constructor(own: string) {
    this.#own = own
  }

  /** The stamps that these writes rotate under the maps known to be live, as far as they are loaded. */
  async stamps(
    writes: readonly TableChange[],
    digests: readonly string[] = this.#live,
  ): Promise<ReadonlySet<StampName>> {
    const stamps = new Set<StampName>()
    for (const digest of digests) {
      for (const name of (await this.#known.get(digest)?.stamps(writes)) ?? []) stamps.add(name)
    }
    return stamps
  }

  /** Those of the stamps that the readers of some live map do not have. */
  unknown(names: readonly StampName[]): readonly StampName[] {
    const maps = this.#live.flatMap((digest) => this.#known.get(digest) ?? [])
    return names.filter((name) => maps.some((map) => !map.has(name)))
  }

  /**
   * Takes notice of the maps a rotation found live, and loads those never met before.
   *
   * @returns the stamps that these writes rotate under the new ones: everything, where one cannot be loaded.
   */
  async meet(
    live: readonly string[],
    writes: readonly TableChange[],
    store: Store,
  ): Promise<ReadonlySet<StampName>> {
    this.#live = live.filter((digest) => digest !== this.#own)
    const strangers = this.#live.filter((digest) => !this.#known.has(digest))
    for (const digest of strangers) {
      const text = await store.skeleton(digest)
      const map = text === undefined ? undefined : ForeignMap.read(text)
      if (map === undefined) return new Set([ROOT])
      this.#known.set(digest, map)
    }
    for (const digest of this.#known.keys()) if (!this.#live.includes(digest)) this.#known.delete(digest)
    return this.stamps(writes, strangers)
  }
}
