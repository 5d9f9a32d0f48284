import { AsyncResource } from 'node:async_hooks'
import { setMaxListeners } from 'node:events'
import type { Cache } from '../core/cache.ts'
import type { CancelTimer } from '../core/clock.ts'
import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import { type Extension, extensionOf, quietly } from '../core/extension.ts'
import type { Entry, ReadOptions } from '../core/loader.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import { Turns } from '../core/turns.ts'
import { type FamilyLoader, itemOf, iterate, type Plan, type WarmItem, WITHOUT_STALE } from './plan.ts'

/** Options of `keepWarm`. One that is `undefined` is not given. */
export interface KeepWarmOptions {
  /** Families whose keys are kept warm while this process reads them, and how to load them. @default none */
  readonly loaders?: readonly FamilyLoader[] | undefined
  /** Keys that are wanted whether or not anybody reads them; asked for anew every `relist`. @default none */
  readonly listed?: Exclude<Plan, Iterable<unknown> | AsyncIterable<unknown>> | undefined
  /** @default '5m' */
  readonly relist?: Duration | undefined
  /** A key that was not read for so long is wanted no more, unless it is listed. @default '15m' */
  readonly idle?: Duration | undefined
  /** Which share of its lifetime before its end a value is loaded anew, give or take a quarter of it. @default 0.2 */
  readonly ahead?: number | undefined
  /** How many keys are kept warm; beyond, those not read for longest are let go. @default 1_000 */
  readonly limit?: number | undefined
  /** How many keys are read at once. @default 4 */
  readonly concurrency?: number | undefined
  /** Asked before each refresh: false leaves it out, such as `() => warming.leads`. @default always */
  readonly while?: (() => boolean) | undefined
}

const OPTIONS = ['loaders', 'listed', 'relist', 'idle', 'ahead', 'limit', 'concurrency', 'while']

/** What a keeper has done so far. */
export interface KeepWarmStats {
  /** Keys that are wanted now. */
  readonly kept: number
  /** Values that were loaded, ahead of their end or because they were missing. */
  readonly refreshed: number
  /** Looks that found a value which somebody else had refreshed. */
  readonly spared: number
  /** Loads that failed. */
  readonly failed: number
  /** Keys let go: not read any more, too many, or such whose values are never kept. */
  readonly dropped: number
}

/** Keeps values warm until it is closed. Made by {@link keepWarm}. */
export interface KeepWarm {
  stats(): KeepWarmStats
  /** Ends it; loads that nobody else waits for are aborted. Closing the cache does so, too. */
  close(): void
  [Symbol.dispose](): void
}

/** A key that is wanted. Times are on the monotonic clock. */
interface Kept {
  readonly key: string
  item: WarmItem
  listed: boolean
  readAt: number
  dueAt: number
  busy: boolean
  failures: number
}

const LONGEST_SLEEP_MS = 30_000
const SHORTEST_SLEEP_MS = 50
const RETRY_MS = 1_000
/** So many values that were not kept, one after the other, let a key go that is not listed. */
const MOST_UNKEPT = 5

/**
 * Loads values anew ahead of their end, as long as they are wanted: because this process reads their keys, or because they
 * are listed. What is warmed at midnight and lives five minutes is warm in the morning; what nobody wants is let go.
 *
 * A refresh looks first: where another process has refreshed the value, it is left alone. Else it is a read with
 * `freshness: 'reload'`, under every rule of the cache: one load per key in this process, `loads` limits, nothing kept that
 * was invalidated meanwhile. Several processes that want one key mostly refresh it once, since each waits a share of its
 * own; at worst once each.
 *
 * A refresh that fails leaves the value as it is and is tried again, later each time, up to every `relist`. A key whose values
 * are not kept is let go after five.
 *
 * @throws CacheError `INVALID_OPTION`, `INVALID_DURATION`, or `INVALID_ARGUMENT` for anything that is no cache.
 *
 * @example
 * ```ts
 * import { createCache, defineKeys, type } from 'coherent-cache'
 * import { familyLoader, keepWarm } from 'coherent-cache/warming'
 *
 * const keys = defineKeys({ bundle: { key: 'bundle:{orgId}', value: type<number>(), ttl: '5m' } })
 * const cache = createCache({ name: 'dashboards', keys })
 * const keeper = keepWarm(cache, {
 *   loaders: [familyLoader(keys.bundle, async ({ orgId }) => Number(orgId))],
 *   idle: '1h',
 * })
 * await cache.get(keys.bundle({ orgId: 7 }), async () => 7) // from now on kept warm, until an hour after the last read
 * ```
 */
export function keepWarm(cache: Pick<Cache, 'on' | 'getEntry'>, options: KeepWarmOptions): KeepWarm {
  const extension = extensionOf(cache, 'keepWarm')
  checkOptions(options, OPTIONS, 'keepWarm')
  const { loaders = [], listed, ahead = 0.2 } = options
  const check = (option: 'listed' | 'while') => {
    const given = options[option]
    if (given === undefined || typeof given === 'function') return
    throw new CacheError('INVALID_OPTION', `keepWarm: ${option}: ${show(given)} is no function.`)
  }
  check('listed')
  check('while')
  if (!Array.isArray(loaders) || (loaders.length === 0 && listed === undefined))
    throw new CacheError(
      'INVALID_OPTION',
      'keepWarm: pass loaders, a list of familyLoader(…), or listed, or both.',
    )
  if (!(ahead > 0 && ahead < 1))
    throw new CacheError('INVALID_OPTION', `keepWarm: ahead: ${show(ahead)} is no share between 0 and 1.`)
  return new Keeper(cache, extension, {
    loaders,
    listed,
    relistMs: Math.max(RETRY_MS, milliseconds(options.relist ?? '5m', 'keepWarm: relist')),
    idleMs: milliseconds(options.idle ?? '15m', 'keepWarm: idle'),
    ahead,
    limit: checkCount(options.limit ?? 1_000, 1, 'keepWarm: limit'),
    concurrency: checkCount(options.concurrency ?? 4, 1, 'keepWarm: concurrency'),
    wanted: options.while ?? (() => true),
  })
}

interface Settings {
  readonly loaders: readonly FamilyLoader[]
  readonly listed: KeepWarmOptions['listed']
  readonly relistMs: number
  readonly idleMs: number
  readonly ahead: number
  readonly limit: number
  readonly concurrency: number
  readonly wanted: () => boolean
}

class Keeper implements KeepWarm {
  readonly #cache: Pick<Cache, 'getEntry'>
  readonly #extension: Extension
  readonly #settings: Settings
  readonly #kept = new Map<string, Kept>()
  readonly #turns: Turns
  /** What the keys of each loader's family begin with. */
  readonly #prefixes: readonly string[]
  readonly #ending = new AbortController()
  /** Reads that are noticed may come from inside a transaction; what they bring about is outside it. */
  readonly #outside = new AsyncResource('coherent-cache.keep-warm')
  readonly #undo: (() => void)[]
  readonly #counts = { refreshed: 0, spared: 0, failed: 0, dropped: 0 }
  #wakeAt = Number.POSITIVE_INFINITY
  #cancel: CancelTimer = () => {}
  #cancelRelist: CancelTimer = () => {}

  constructor(cache: Pick<Cache, 'on' | 'getEntry'>, extension: Extension, settings: Settings) {
    this.#cache = cache
    this.#extension = extension
    this.#settings = settings
    this.#turns = new Turns(settings.concurrency, settings.limit)
    this.#prefixes = settings.loaders.map(({ family }) => family.template.replace(/[[{].*/, ''))
    setMaxListeners(0, this.#ending.signal)
    const { quiet } = extension
    const noticed = (key: string) => quiet.size === 0 || !quiet.has(key)
    this.#undo = [
      cache.on('hit', ({ key, tier }) => {
        if (!noticed(key)) return
        const kept = this.#kept.get(key)
        if (kept !== undefined) kept.readAt = extension.clock.monotonic()
        // How long it still lives is found out by a look. Hits in memory are many: they make nobody else's room theirs.
        else if (tier === 'store' || (this.#kept.size < settings.limit && this.#isOfLoader(key)))
          this.#admit(key, 0)
      }),
      cache.on('fill', ({ key, ttlMs }) => {
        if (noticed(key)) this.#admit(key, ttlMs)
      }),
      extension.onClose(() => this.close()),
    ]
    if (settings.listed !== undefined) void this.#relist(settings.listed)
  }

  stats(): KeepWarmStats {
    return { kept: this.#kept.size, ...this.#counts }
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo()
    this.#cancel()
    this.#cancelRelist()
    this.#kept.clear()
    this.#ending.abort(new Error('It is kept warm no more.'))
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Whether it may be of one of the families: a glance, for keys of others. */
  #isOfLoader(key: string): boolean {
    return this.#prefixes.some((prefix) => key.startsWith(prefix))
  }

  /** A key that was read, and whose value lives so long from now. */
  #admit(key: string, lifetimeMs: number): void {
    const now = this.#extension.clock.monotonic()
    const dueAt = now + this.#untilDue(lifetimeMs, lifetimeMs)
    const known = this.#kept.get(key)
    if (known !== undefined) {
      known.readAt = now
      known.failures = 0
      if (!known.busy) known.dueAt = dueAt
    } else {
      const item = itemOf(this.#settings.loaders, key)
      if (item === undefined || !this.#makeRoom()) return
      this.#kept.set(key, { key, item, listed: false, readAt: now, dueAt, busy: false, failures: 0 })
    }
    this.#wakeBy(dueAt)
  }

  /** @returns whether there is room for one more */
  #makeRoom(): boolean {
    if (this.#kept.size < this.#settings.limit) return true
    let oldest: Kept | undefined
    for (const kept of this.#kept.values())
      if (!kept.listed && !kept.busy && (oldest === undefined || kept.readAt < oldest.readAt)) oldest = kept
    if (oldest === undefined) return false
    this.#drop(oldest)
    return true
  }

  #drop({ key }: Kept): void {
    this.#kept.delete(key)
    this.#counts.dropped++
  }

  /** Milliseconds until a value is to be refreshed that has so long to live. */
  #untilDue(leftMs: number, lifetimeMs: number): number {
    const spread = 0.75 + this.#extension.randomness.fraction() / 2
    return Math.max(0, leftMs - lifetimeMs * this.#settings.ahead * spread)
  }

  #wakeBy(at: number): void {
    if (at >= this.#wakeAt || this.#ending.signal.aborted) return
    const { clock } = this.#extension
    this.#wakeAt = at
    this.#cancel()
    const pause = Math.min(Math.max(SHORTEST_SLEEP_MS, at - clock.monotonic()), LONGEST_SLEEP_MS)
    this.#cancel = clock.after(pause, () => this.#outside.runInAsyncScope(() => this.#look()))
  }

  /** Lets go what nobody wants, and refreshes what is due. */
  #look(): void {
    const { idleMs, wanted } = this.#settings
    const now = this.#extension.clock.monotonic()
    this.#wakeAt = Number.POSITIVE_INFINITY
    const due: Kept[] = []
    let next = now + LONGEST_SLEEP_MS
    for (const kept of this.#kept.values()) {
      if (kept.busy) continue
      if (!kept.listed && now - kept.readAt >= idleMs) this.#drop(kept)
      else if (kept.dueAt <= now) due.push(kept)
      else next = Math.min(next, kept.dueAt)
    }
    if (due.length > 0 && !wanted()) next = Math.min(next, now + RETRY_MS)
    else for (const kept of due.sort((one, other) => one.dueAt - other.dueAt)) void this.#refresh(kept)
    if (this.#kept.size > 0) this.#wakeBy(next)
  }

  /** Never rejects. */
  async #refresh(kept: Kept): Promise<void> {
    const { clock } = this.#extension
    kept.busy = true
    await this.#turns.take()
    try {
      if (this.#ending.signal.aborted) return
      const { expiresAt, age } = await quietly(this.#extension, kept.key, () => this.#renew(kept))
      if (this.#ending.signal.aborted) return
      if (expiresAt === undefined) {
        this.#putOff(kept)
        if (kept.failures >= MOST_UNKEPT && !kept.listed) this.#drop(kept)
      } else {
        const left = expiresAt - clock.now()
        kept.failures = 0
        kept.dueAt = clock.monotonic() + this.#untilDue(left, left + age)
      }
    } catch {
      if (this.#ending.signal.aborted) return
      this.#counts.failed++
      this.#putOff(kept)
    } finally {
      this.#turns.give()
      kept.busy = false
      this.#wakeBy(kept.dueAt)
    }
  }

  /** What could not be loaded, or not be kept, is tried again later each time. */
  #putOff(kept: Kept): void {
    const { clock } = this.#extension
    kept.failures++
    kept.dueAt = clock.monotonic() + Math.min(RETRY_MS * 2 ** kept.failures, this.#settings.relistMs)
  }

  async #renew({ item }: Kept): Promise<Entry<unknown>> {
    const { clock } = this.#extension
    const { key, load, ttl } = item
    const { signal } = this.#ending
    const options: ReadOptions = { ...WITHOUT_STALE, signal, ttl }
    // The store knows of refreshes by others, and how long the value really lives.
    const found = await this.#cache.getEntry(key, load, { ...options, freshness: 'committed' })
    if (found.status !== 'hit' || found.expiresAt === undefined) {
      this.#counts.refreshed++
      return found
    }
    const left = found.expiresAt - clock.now()
    if (left > (left + found.age) * this.#settings.ahead * 1.25) {
      this.#counts.spared++
      return found
    }
    const renewed = await this.#cache.getEntry(key, load, { ...options, freshness: 'reload' })
    this.#counts.refreshed++
    return renewed
  }

  async #relist(listed: NonNullable<Settings['listed']>): Promise<void> {
    const { clock, emit } = this.#extension
    const { signal } = this.#ending
    try {
      const items = await iterate(listed, { signal })
      const seen = new Set<string>()
      for (let next = await items.next(); next.done !== true && !signal.aborted; next = await items.next()) {
        if (!this.#list(next.value)) {
          emit('warning', {
            message: `keepWarm: more keys are listed than limit (${this.#settings.limit}) allows; the rest is left out.`,
          })
          break
        }
        seen.add(next.value.key)
      }
      for (const kept of this.#kept.values()) if (!seen.has(kept.key)) kept.listed = false
    } catch (error) {
      emit('warning', { message: `keepWarm: listed: ${(error as Error).message}` })
    }
    if (signal.aborted) return
    this.#cancelRelist = clock.after(this.#settings.relistMs, () =>
      this.#outside.runInAsyncScope(() => void this.#relist(listed)),
    )
  }

  /** @returns false where there is no room */
  #list(item: WarmItem): boolean {
    const known = this.#kept.get(item.key)
    if (known !== undefined) {
      known.listed = true
      known.item = item
      return true
    }
    if (!this.#makeRoom()) return false
    const now = this.#extension.clock.monotonic()
    const kept = {
      key: item.key,
      item,
      listed: true,
      readAt: Number.NEGATIVE_INFINITY,
      dueAt: now,
      busy: false,
    }
    this.#kept.set(item.key, { ...kept, failures: 0 })
    this.#wakeBy(now)
    return true
  }
}
