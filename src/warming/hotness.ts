import type { Cache } from '../core/cache.ts'
import type { CancelTimer } from '../core/clock.ts'
import { type Duration, milliseconds } from '../core/duration.ts'
import { type Extension, extensionOf } from '../core/extension.ts'
import { checkCount, checkName, checkOptions } from '../core/options.ts'
import { type FamilyLoader, itemOf, type PlanContext, type WarmItem } from './plan.ts'
import { byReads, type HotKey, SharedList, type SharedReads } from './shared-list.ts'
import { FrequencySketch } from './sketch.ts'
import { TopKeys } from './top-keys.ts'

/** Options of `createHotness`. One that is `undefined` is not given. */
export interface HotnessOptions {
  /** How many of the hottest keys are kept. @default 1_000 */
  readonly keep?: number | undefined
  /** After how many reads of this process all its counts are halved. @default 1_000_000 */
  readonly window?: number | undefined
  /** After how long what is on record in the store counts for half. @default '1d' */
  readonly halfLife?: Duration | undefined
  /** How often this process adds its counts to those in the store; also when it is closed. @default '5m' */
  readonly saveEvery?: Duration | undefined
  /** Names the list in the store. @default 'hotness' */
  readonly title?: string | undefined
}

const OPTIONS = ['keep', 'window', 'halfLife', 'saveEvery', 'title']

/** The keys that are read most. Made by {@link createHotness}. */
export interface Hotness {
  /** The hottest keys of the fleet, as far as this process has heard, with its own reads; hottest first. */
  hottest(limit?: number): readonly HotKey[]
  /**
   * A plan of the hottest keys of the fleet, hottest first, each loaded as its family says; keys of other families are
   * left out. It asks the store first, and goes by what this process has heard where that is away.
   */
  plan(
    loaders: readonly FamilyLoader[],
    options?: { readonly limit?: number | undefined },
  ): (context: PlanContext) => AsyncIterable<WarmItem>
  /** Adds this process's counts to those in the store now. Resolves to whether they are there. */
  save(): Promise<boolean>
  /** Saves, and counts no more. Closing the cache does so, too. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Counters in a row of the sketch, for each key that is kept. */
const COUNTERS_PER_KEY = 16

/**
 * Counts which keys of a cache are read most, in bounded memory: a count-min sketch that ages, and the keys of the highest
 * counts. The counts of all processes come together in the store, and outlive them, so that what was read most yesterday
 * can be warm before the morning.
 *
 * Memory: 256 bytes and the key itself for each key kept. An estimate is too low by less than one read, and too high by
 * more than `0.17 × window / keep` in under 2 % of cases; see `FrequencySketch`. Reads that wait for a load that runs already
 * are not counted, nor is what warming reads, nor `freshness: 'reload'`.
 *
 * It listens to `hit` and `miss` events, which costs every memory hit some 200 ns; a cache without it pays nothing.
 *
 * @throws CacheError `INVALID_OPTION`, `INVALID_DURATION`, or `INVALID_ARGUMENT` for anything that is no cache.
 *
 * @example
 * ```ts
 * import { createCache, defineKeys, type } from 'coherent-cache'
 * import { createHotness, familyLoader, warm } from 'coherent-cache/warming'
 *
 * const keys = defineKeys({ stock: { key: 'stock:{sku}', value: type<number>() } })
 * const cache = createCache({ name: 'shop', keys })
 * const hotness = createHotness(cache)
 * const stock = familyLoader(keys.stock, async ({ sku }) => sku.length)
 * await warm(cache, hotness.plan([stock], { limit: 100 }))
 * ```
 */
export function createHotness(cache: Pick<Cache, 'on'>, options: HotnessOptions = {}): Hotness {
  const extension = extensionOf(cache, 'createHotness')
  checkOptions(options, OPTIONS, 'createHotness')
  return new CountedReads(cache, extension, {
    keep: checkCount(options.keep ?? 1_000, 1, 'createHotness: keep'),
    window: checkCount(options.window ?? 1_000_000, 2, 'createHotness: window'),
    halfLifeMs: Math.max(1, milliseconds(options.halfLife ?? '1d', 'createHotness: halfLife')),
    saveEveryMs: Math.max(1, milliseconds(options.saveEvery ?? '5m', 'createHotness: saveEvery')),
    title: checkName(options.title ?? 'hotness', 'createHotness: title'),
  })
}

interface Settings {
  readonly keep: number
  readonly window: number
  readonly halfLifeMs: number
  readonly saveEveryMs: number
  readonly title: string
}

class CountedReads implements Hotness {
  readonly #extension: Extension
  readonly #settings: Settings
  /** What this process has counted; where there is a store, since it was last saved. */
  readonly #sketch: FrequencySketch
  readonly #top: TopKeys
  readonly #list: SharedList | undefined
  readonly #undo: (() => void)[]
  #shared: SharedReads = { at: 0, keys: [] }
  /** Counts on their way into the store, or that could not be saved: they go with the next. */
  #unsaved: readonly HotKey[] = []
  #saving: Promise<boolean> | undefined
  #cancel: CancelTimer = () => {}
  #closed: Promise<void> | undefined

  constructor(cache: Pick<Cache, 'on'>, extension: Extension, settings: Settings) {
    const { keep, window, title, halfLifeMs } = settings
    const { clock, randomness, leads, process, quiet } = extension
    this.#extension = extension
    this.#settings = settings
    this.#sketch = new FrequencySketch(powerOfTwo(COUNTERS_PER_KEY * keep), window)
    this.#top = new TopKeys(keep)
    this.#list =
      leads && new SharedList({ clock, randomness, leads, title, label: process, limit: keep, halfLifeMs })
    const count = (key: string) => {
      if (quiet.size === 0 || !quiet.has(key)) this.#count(key)
    }
    this.#undo = [
      cache.on('hit', ({ key }) => count(key)),
      cache.on('miss', ({ key, reason }) => {
        if (reason !== 'reload') count(key)
      }),
      extension.onClose(() => this.close()),
    ]
    if (this.#list !== undefined) this.#later()
  }

  #count(key: string): void {
    this.#top.offer(key, this.#sketch.add(key))
    if (!this.#sketch.full) return
    this.#sketch.age()
    this.#top.age()
  }

  hottest(limit = this.#settings.keep): readonly HotKey[] {
    checkCount(limit, 0, 'hottest: limit')
    const counted = this.#counted()
    const keys = this.#list?.merge(this.#shared, counted).keys ?? counted
    return keys.slice(0, limit)
  }

  plan(
    loaders: readonly FamilyLoader[],
    options: { readonly limit?: number | undefined } = {},
  ): (context: PlanContext) => AsyncIterable<WarmItem> {
    checkOptions(options, ['limit'], 'plan')
    const limit = checkCount(options.limit ?? this.#settings.keep, 0, 'plan: limit')
    const items = async function* (hotness: CountedReads) {
      await hotness.#refresh()
      let given = 0
      for (const { key } of hotness.hottest()) {
        const item = itemOf(loaders, key)
        if (item === undefined) continue
        if (++given > limit) return
        yield item
      }
    }
    return () => items(this)
  }

  save(): Promise<boolean> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined
    })
    return this.#saving
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    for (const undo of this.#undo) undo()
    this.#cancel()
    await this.#saving
    await this.save()
  }

  async #save(): Promise<boolean> {
    const list = this.#list
    if (list === undefined) return false
    const counted = this.#counted()
    if (counted.length === 0) return this.#refresh()
    // What is read while this is written is counted anew.
    this.#unsaved = counted
    this.#sketch.clear()
    this.#top.clear()
    try {
      const saved = await list.add(counted)
      if (saved === undefined) return false
      this.#shared = saved
      this.#unsaved = []
      return true
    } catch {
      // The store is away. It may have been written all the same: counting twice does less harm than not at all.
      return false
    }
  }

  /** What this process has counted and not saved. */
  #counted(): readonly HotKey[] {
    const reads = new Map(this.#unsaved.map((one) => [one.key, one.reads]))
    for (const { key, count } of this.#top.list()) reads.set(key, (reads.get(key) ?? 0) + count)
    return byReads(reads, this.#settings.keep)
  }

  async #refresh(): Promise<boolean> {
    try {
      this.#shared = (await this.#list?.read()) ?? this.#shared
      return true
    } catch {
      return false
    }
  }

  #later(): void {
    const { clock, randomness } = this.#extension
    // Not all processes at once.
    const pause = this.#settings.saveEveryMs * (0.75 + randomness.fraction() / 2)
    this.#cancel = clock.after(pause, () => {
      void this.save().then(() => {
        if (this.#closed === undefined) this.#later()
      })
    })
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}
