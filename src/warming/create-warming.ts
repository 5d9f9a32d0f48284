import { AsyncResource } from 'node:async_hooks'
import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import { type Extension, extensionOf } from '../core/extension.ts'
import { checkCount, checkName, checkOptions } from '../core/options.ts'
import type { Leads } from '../core/store.ts'
import type { CronClass } from './calendar.ts'
import { Leadership, localLeads, type Term } from './leadership.ts'
import type { WarmedCache } from './plan-run.ts'
import { type AskRecord, recordNames, recordsOf, type ScheduleChange } from './run-record.ts'
import { calendarFor, readSchedule, type Schedule } from './schedule.ts'
import { type Entry, Scheduler } from './scheduler.ts'
import { healthOf, statusOf, type WarmingStatus } from './status.ts'

/** Options of `createWarming`. One that is `undefined` is not given. */
export interface WarmingOptions {
  /** Schedules by name; all processes declare the same, and more may be added later. @default none */
  readonly schedules?: Readonly<Record<string, Schedule>> | undefined
  /** The class `Cron` of the package croner (10 or 11), for schedules with a `cron`. */
  readonly Cron?: CronClass | undefined
  /** Names the schedules in the store, and their part of `health()`. @default 'warming' */
  readonly title?: string | undefined
  /** False: never runs anything, but sees, asks and changes, as a process that only serves requests may. @default true */
  readonly lead?: boolean | undefined
  /**
   * How long a term of leadership lasts without renewal: after so long at most another process takes over from one that
   * was killed. Renewed at a third. At least ten times the cache's `storeTimeout` would be wise. @default '15s'
   */
  readonly term?: Duration | undefined
  /** How many schedules run at once. @default 2 */
  readonly runsAtOnce?: number | undefined
}

const OPTIONS = ['schedules', 'Cron', 'title', 'lead', 'term', 'runsAtOnce']
const SHORTEST_TERM_MS = 500

/** Scheduled warming of one cache. Made by {@link createWarming}. */
export interface Warming {
  /** Whether this process leads at this moment. */
  readonly leads: boolean
  /**
   * Asks for a run, whichever process leads, also of a schedule that is switched off. Resolves once that is on record;
   * the leader begins within a third of its term. Rejects with `STORE_UNAVAILABLE` while the store is away.
   */
  start(name: string): Promise<void>
  /**
   * Changes a schedule for the whole fleet, until it is changed again: what is given stands over what the code declares,
   * null takes the change back. Switching off stops a run, too. Rejects with `INVALID_OPTION` for what is no schedule,
   * and nothing is changed; with `STORE_UNAVAILABLE` while the store is away.
   */
  set(name: string, change: ScheduleChange | null): Promise<void>
  /** Declares one more schedule in this process, such as a tenant's. Every process that may lead has to. */
  add(name: string, schedule: Schedule): void
  /** Takes a schedule and what is on record of it away; a run of this process is stopped. */
  remove(name: string): Promise<void>
  /** Who leads, and each schedule's last and next run: from the store, or as last heard while it is away. */
  status(): Promise<WarmingStatus>
  /** Gives the lead up, and stops what runs. Closing the cache does so, too. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Schedules that warm a cache, of which one process of the fleet at a time runs all. The last and next run of each are on
 * record in the store, so that every process sees them, and a run that was missed or cut short is made up.
 *
 * **Leadership** is a lock in the store with a term that is renewed. A process that cannot renew it stops its runs before
 * the term ends; one that was paused is stopped when it wakes, and what it writes is refused by its fencing token. After a
 * failover that lost the lock, two processes may run for a third of a term: then keys are loaded twice, nothing worse.
 *
 * @throws CacheError `INVALID_OPTION`, `INVALID_DURATION`, or `INVALID_ARGUMENT` for anything that is no cache.
 *
 * @example
 * ```ts
 * import { Cron } from 'croner'
 * import { createCache, defineKeys, type } from 'coherent-cache'
 * import { createWarming, warmItem } from 'coherent-cache/warming'
 *
 * const keys = defineKeys({ bundle: { key: 'bundle:{orgId}', value: type<number>() } })
 * const cache = createCache({ name: 'dashboards', keys })
 * const warming = createWarming(cache, {
 *   Cron,
 *   schedules: {
 *     bundles: {
 *       cron: '0 0 * * *',
 *       timeZone: 'UTC',
 *       atStart: '1h',
 *       plan: () => [7, 8, 9].map((orgId) => warmItem(keys.bundle({ orgId }), async () => orgId)),
 *     },
 *   },
 * })
 * await warming.start('bundles')
 * const { schedules } = await warming.status()
 * ```
 */
export function createWarming(cache: WarmedCache, options: WarmingOptions = {}): Warming {
  const extension = extensionOf(cache, 'createWarming')
  checkOptions(options, OPTIONS, 'createWarming')
  const termMs = milliseconds(options.term ?? '15s', 'createWarming: term')
  if (termMs < SHORTEST_TERM_MS)
    throw new CacheError(
      'INVALID_DURATION',
      `createWarming: term: at least ${SHORTEST_TERM_MS} ms, not ${termMs}.`,
    )
  if (options.Cron !== undefined && typeof options.Cron !== 'function')
    throw new CacheError(
      'INVALID_OPTION',
      `createWarming: Cron: ${show(options.Cron)} is no class. Pass Cron of croner.`,
    )
  return new FleetWarming(cache, extension, {
    Cron: options.Cron,
    title: checkName(options.title ?? 'warming', 'createWarming: title'),
    candidate: options.lead !== false,
    termMs,
    runsAtOnce: checkCount(options.runsAtOnce ?? 2, 1, 'createWarming: runsAtOnce'),
    schedules: options.schedules ?? {},
  })
}

interface Settings {
  readonly Cron: CronClass | undefined
  readonly title: string
  readonly candidate: boolean
  readonly termMs: number
  readonly runsAtOnce: number
  readonly schedules: Readonly<Record<string, Schedule>>
}

class FleetWarming implements Warming {
  readonly #cache: WarmedCache
  readonly #extension: Extension
  readonly #settings: Settings
  readonly #leadsPort: Leads
  readonly #leadership: Leadership
  readonly #entries = new Map<string, Entry>()
  /** Runs begin outside whatever transaction or load the call came from. */
  readonly #outside = new AsyncResource('coherent-cache.warming')
  readonly #undo: (() => void)[] = []
  #texts: ReadonlyMap<string, string> = new Map()
  #revision: number | undefined
  #scheduler: Scheduler | undefined
  #refreshed: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(cache: WarmedCache, extension: Extension, settings: Settings) {
    this.#cache = cache
    this.#extension = extension
    this.#settings = settings
    const { clock, randomness, process } = extension
    this.#leadsPort = extension.leads ?? localLeads(clock)
    for (const [name, schedule] of Object.entries(settings.schedules)) this.#declare(name, schedule)
    const { title, termMs, candidate } = settings
    this.#leadership = new Leadership({
      clock,
      leads: this.#leadsPort,
      title,
      holder: randomness.token(),
      label: process,
      ttlMs: termMs,
      candidate,
      onGained: (term) => this.#gained(term),
      onLost: ({ fence }, reason) => {
        this.#scheduler = undefined
        extension.emit('lead', { title, held: false, fence, reason })
      },
      onNews: () => void this.#news(),
    })
    this.#undo.push(
      extension.addHealth(title, () => healthOf(this.#seen())),
      extension.onClose(() => this.close()),
    )
    this.#leadership.start()
    void this.#askForStarts(Object.keys(settings.schedules))
  }

  get leads(): boolean {
    return this.#leadership.term !== undefined
  }

  async start(name: string): Promise<void> {
    this.#entry(name, 'start')
    await this.#ask(name, 'asked')
  }

  async set(name: string, change: ScheduleChange | null): Promise<void> {
    const { settings } = this.#entry(name, 'set')
    const what = `set: ${name}`
    if (change !== null) {
      checkOptions(change, ['cron', 'timeZone', 'off'], what)
      calendarFor(settings, change, this.#settings.Cron, what)
    }
    const { clock, process } = this.#extension
    const text = change === null ? '' : JSON.stringify({ ...change, at: clock.now(), by: process })
    await this.#record([[recordNames.change(name), text]])
  }

  add(name: string, schedule: Schedule): void {
    this.#checkOpen('add')
    if (this.#entries.has(name))
      throw new CacheError(
        'INVALID_ARGUMENT',
        `add: there is a schedule ${show(name)} already. Remove it first.`,
      )
    this.#declare(name, schedule)
    this.#apply()
    void this.#askForStarts([name])
    this.#look()
  }

  async remove(name: string): Promise<void> {
    const entry = this.#entry(name, 'remove')
    this.#entries.delete(name)
    entry.running?.abort(new Error('Its schedule was removed.'))
    await this.#record([
      [recordNames.run(name), ''],
      [recordNames.change(name), ''],
      [recordNames.ask(name), ''],
    ])
  }

  async status(): Promise<WarmingStatus> {
    await this.#refresh().catch(() => {})
    return statusOf(this.#seen())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo()
    await this.#leadership.close()
  }

  #declare(name: string, schedule: Schedule): void {
    const settings = readSchedule(name, schedule, this.#settings.Cron)
    const records = { run: undefined, change: undefined, ask: undefined }
    this.#entries.set(name, { settings, calendar: undefined, records, running: undefined })
  }

  #gained(term: Term): void {
    const { title, runsAtOnce, termMs } = this.#settings
    this.#extension.emit('lead', { title, held: true, fence: term.fence, reason: 'nobody led' })
    this.#scheduler = new Scheduler(
      {
        cache: this.#cache,
        extension: this.#extension,
        leads: this.#leadsPort,
        title,
        entries: this.#entries,
        runsAtOnce,
        punctualMs: 2 * termMs,
        longestPauseMs: termMs,
        refresh: () => this.#refresh(),
        refused: () => void this.#leadership.turn(),
        ended: () => this.#look(),
      },
      term,
    )
    this.#look()
  }

  #look(): void {
    void this.#outside.runInAsyncScope(() => this.#scheduler?.look())
  }

  async #news(): Promise<void> {
    await this.#refresh().catch(() => {})
    this.#look()
  }

  /** Reads what is on record, if it has changed. One after the other, so that the last read is the newest. */
  #refresh(): Promise<void> {
    const refreshed = this.#refreshed.catch(() => {}).then(() => this.#readRecords())
    this.#refreshed = refreshed
    return refreshed
  }

  async #readRecords(): Promise<void> {
    const { revision, entries } = await this.#leadsPort.records(this.#settings.title, this.#revision)
    this.#revision = revision
    if (entries === undefined) return
    this.#texts = entries
    this.#apply()
  }

  #apply(): void {
    for (const [name, entry] of this.#entries) {
      entry.records = recordsOf(this.#texts, name)
      const { change } = entry.records
      entry.calendar = this.#calendar(entry, change)
      if (change?.off === true && entry.running !== undefined && entry.records.run?.reason !== 'asked')
        entry.running.abort(new Error('It was switched off.'))
    }
  }

  #calendar({ settings }: Entry, change: ScheduleChange | undefined) {
    try {
      return calendarFor(settings, change, this.#settings.Cron, settings.name)
    } catch (error) {
      // Of another version of the application, or a croner that this process has not: its own holds.
      this.#extension.emit('warning', { message: (error as Error).message })
      return calendarFor(settings, undefined, this.#settings.Cron, settings.name)
    }
  }

  /** Schedules that are to run at the start of the fleet, unless they have just run. */
  async #askForStarts(names: readonly string[]): Promise<void> {
    const { clock } = this.#extension
    const wanted = names.filter((name) => this.#entries.get(name)?.settings.atStartMs !== undefined)
    if (wanted.length === 0 || !this.#settings.candidate) return
    for (let attempts = 0; this.#closing === undefined; attempts++) {
      try {
        await this.#refresh()
        for (const name of wanted) {
          const entry = this.#entries.get(name)
          const { run, ask } = entry?.records ?? {}
          const { atStartMs = 0 } = entry?.settings ?? {}
          const done = run?.status === 'done' && clock.now() - (run.ended ?? 0) < atStartMs
          if (entry !== undefined && ask === undefined && run?.status !== 'running' && !done)
            await this.#ask(name, 'start')
        }
        return
      } catch {
        // The store is away, or not there yet.
        await new Promise<void>((resolve) => {
          clock.after(Math.min(100 * 2 ** attempts, 5_000), resolve)
        })
      }
    }
  }

  #ask(name: string, reason: AskRecord['reason']): Promise<void> {
    const { clock, process } = this.#extension
    const ask: AskRecord = { at: clock.now(), by: process, reason }
    return this.#record([[recordNames.ask(name), JSON.stringify(ask)]])
  }

  /** Writes what anybody may write, and has the leader look at it, should that be this process. */
  async #record(entries: readonly (readonly [string, string])[]): Promise<void> {
    await this.#leadsPort.record({ title: this.#settings.title, entries: new Map(entries) })
    await this.#news()
  }

  #seen() {
    const { clock } = this.#extension
    return {
      now: clock.now(),
      leads: this.leads,
      leader: this.#leadership.leader,
      silentMs: this.#leadership.silentMs,
      termMs: this.#settings.termMs,
      entries: this.#entries,
    }
  }

  #entry(name: string, what: string): Entry {
    this.#checkOpen(what)
    const entry = this.#entries.get(name)
    if (entry !== undefined) return entry
    throw new CacheError(
      'INVALID_ARGUMENT',
      `${what}: there is no schedule ${show(name)}. There are ${[...this.#entries.keys()].map(show).join(', ') || 'none'}.`,
    )
  }

  #checkOpen(what: string): void {
    if (this.#closing === undefined) return
    throw new CacheError('CACHE_CLOSED', `${what}: the warming is closed.`)
  }
}
