import { setMaxListeners } from 'node:events'
import type { Cache } from '../core/cache.ts'
import { CacheError, isCacheError, show } from '../core/errors.ts'
import { type Extension, quietly } from '../core/extension.ts'
import type { ReadOptions } from '../core/loader.ts'
import { Turns } from '../core/turns.ts'
import { Pacer } from './pacer.ts'
import { pause, unlessAborted } from './pause.ts'
import { iterate, type Plan, type WarmItem, WITHOUT_STALE } from './plan.ts'
import { Tally, type WarmingProgress, type WarmingResult } from './result.ts'

/** The part of a cache that warming uses. */
export type WarmedCache = Pick<Cache, 'getEntry' | 'health' | 'currentUnit' | 'name'>

/** How a plan is carried out, every default in place. */
export interface RunSettings {
  readonly name: string
  readonly concurrency: number
  /** Loads per second; 0 for no limit. */
  readonly rate: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: WarmingProgress) => void) | undefined
}

const TOLD_EVERY_MS = 500
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** How often a load that found the limits full is tried again. */
const OVERLOADED_ATTEMPTS = 8
/** For how long a run waits for a store that is away, before it gives up. */
const STORE_PATIENCE_MS = 30_000

/**
 * One run of a plan: draws its keys one by one as turns come free, and reads each through the public interface of the
 * cache, as any reader would. So a key that another process loads is waited for, load limits hold, what an invalidation
 * has made void meanwhile is not kept, and what is fresh already costs a look.
 */
export class PlanRun {
  readonly #cache: WarmedCache
  readonly #extension: Extension
  readonly #settings: RunSettings
  readonly #tally = new Tally()
  readonly #turns: Turns
  readonly #pacer: Pacer
  readonly #ending = new AbortController()
  readonly #began: number
  #told: number
  /** Why no more keys are drawn, where that is not the signal. */
  #failure: unknown

  constructor(cache: WarmedCache, extension: Extension, settings: RunSettings) {
    this.#cache = cache
    this.#extension = extension
    this.#settings = settings
    this.#turns = new Turns(settings.concurrency, 0)
    this.#pacer = new Pacer(extension.clock, settings.rate)
    this.#began = extension.clock.monotonic()
    this.#told = this.#began
    // One listener for each key under way.
    setMaxListeners(0, this.#ending.signal)
  }

  /** Never rejects. */
  async run(plan: Plan): Promise<WarmingResult> {
    const { signal } = this.#settings
    const abort = () => this.#ending.abort(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    this.#tell('started', undefined)
    try {
      await this.#draw(plan)
    } catch (error) {
      this.#failure = error
    } finally {
      for (let taken = 0; taken < this.#settings.concurrency; taken++) await this.#turns.take()
      signal?.removeEventListener('abort', abort)
    }
    const status = this.#failure !== undefined ? 'failed' : this.#ending.signal.aborted ? 'aborted' : 'done'
    this.#tell('ended', status)
    const error = this.#failure ?? (status === 'aborted' ? this.#ending.signal.reason : undefined)
    return { status, ...this.#progress(), failures: this.#tally.failures, error }
  }

  async #draw(plan: Plan): Promise<void> {
    const { signal } = this.#ending
    if (signal.aborted) return
    const items = await unlessAborted(iterate(plan, { signal }), signal)
    if (items === undefined) return
    let exhausted = false
    try {
      while (!signal.aborted) {
        await this.#turns.take()
        let given = true
        try {
          const next = await unlessAborted(items.next(), signal)
          exhausted = next?.done === true
          if (next === undefined || next.done) return
          this.#tally.seen++
          given = false
          void this.#warm(next.value).finally(() => this.#turns.give())
        } catch (error) {
          // A plan that has thrown has ended.
          exhausted = true
          throw error
        } finally {
          if (given) this.#turns.give()
        }
      }
    } finally {
      // Not waited for: a generator that hangs would keep the run from ending.
      if (!exhausted) leave(items)
    }
  }

  /** Never rejects. */
  async #warm(item: WarmItem): Promise<void> {
    const { signal } = this.#ending
    if (typeof item?.key !== 'string' || typeof item.load !== 'function') {
      const what = `warm: ${show(item)} is no item. A plan gives { key, load }.`
      this.#tally.fail(String(item?.key), new CacheError('INVALID_ARGUMENT', what))
      return
    }
    try {
      await this.#storeUsable()
      if (signal.aborted) return
      await this.#pacer.take(signal)
      if (signal.aborted) return
      await quietly(this.#extension, item.key, () => this.#read(item))
    } catch (error) {
      if (!signal.aborted) this.#tally.fail(item.key, error)
    }
    this.#progressed()
  }

  async #read({ key, load, ttl }: WarmItem): Promise<void> {
    const { signal } = this.#ending
    const options: ReadOptions = { ...WITHOUT_STALE, signal, ttl }
    for (let attempt = 1; ; attempt++) {
      try {
        const { status, expiresAt } = await this.#cache.getEntry(key, load, options)
        if (status === 'hit') {
          this.#tally.fresh++
          this.#pacer.giveBack()
        } else if (expiresAt !== undefined) this.#tally.warmed++
        else if (attempt === 1 && this.#storeAway) {
          // The read that found the store away was loaded for nothing.
          await this.#storeUsable()
          if (!signal.aborted) continue
        } else this.#tally.unkept++
        return
      } catch (error) {
        // The limits protect readers from us, too: what comes first is whoever waits for an answer.
        if (!isCacheError(error, 'OVERLOADED') || attempt === OVERLOADED_ATTEMPTS || signal.aborted)
          throw error
        const longest = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS)
        await pause(this.#extension.clock, longest, signal)
      }
    }
  }

  /** What is loaded while the store is away is kept nowhere: waits for it to come back, and ends the run if it does not. */
  async #storeUsable(): Promise<void> {
    const { clock } = this.#extension
    const { signal } = this.#ending
    const deadline = clock.monotonic() + STORE_PATIENCE_MS
    while (this.#storeAway && !signal.aborted) {
      if (clock.monotonic() >= deadline) {
        this.#failure ??= new CacheError(
          'STORE_UNAVAILABLE',
          `warm: the store was away for ${STORE_PATIENCE_MS / 1_000} s; what is loaded now would be kept nowhere. Run the plan again once it is back.`,
        )
        this.#ending.abort(this.#failure)
        return
      }
      await pause(clock, LONGEST_PAUSE_MS / 8, signal)
    }
  }

  get #storeAway(): boolean {
    return this.#cache.health().store.status === 'away'
  }

  #progress(): WarmingProgress {
    return this.#tally.progress(this.#extension.clock.monotonic() - this.#began)
  }

  #progressed(): void {
    const now = this.#extension.clock.monotonic()
    if (now - this.#told < TOLD_EVERY_MS) return
    this.#told = now
    this.#tell('running', undefined)
  }

  #tell(phase: 'started' | 'running' | 'ended', status: WarmingResult['status'] | undefined): void {
    const progress = this.#progress()
    const { name, onProgress } = this.#settings
    const error = this.#failure ?? (status === 'aborted' ? this.#ending.signal.reason : undefined)
    this.#extension.emit('warming', { plan: name, phase, status, ...progress, error })
    try {
      onProgress?.(progress)
    } catch (thrown) {
      this.#extension.emit('listenerError', { event: 'onProgress', error: thrown })
    }
  }
}

function leave(items: AsyncIterator<WarmItem> | Iterator<WarmItem>): void {
  try {
    Promise.resolve(items.return?.()).catch(() => {})
  } catch {
    // An iterator that cannot be ended ends with whoever made it.
  }
}
