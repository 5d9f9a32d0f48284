import { CacheError, show } from './errors.ts'
import type { DurationMs, Receipt } from './receipt.ts'

/** Why a read did not find what it could answer. */
export type MissReason =
  | 'absent'
  | 'expired'
  | 'invalidated'
  | 'unreadable'
  | 'reload'
  | 'locked'
  | 'unavailable'
  /** There was one; it is about to end, and is loaded ahead of that. */
  | 'ahead'

/** Why a loaded value was not kept. The caller has it all the same. */
export type RefusalReason =
  | 'invalidated'
  | 'skipped'
  | 'uncacheable'
  | 'zero-ttl'
  | 'no-claim'
  | 'store-unavailable'
  | 'locked'
  | 'too-large'

/** What a cache tells while it works, by event name. Times are wall-clock milliseconds since 1970. */
export interface CacheEvents {
  /** A read was answered from a tier. */
  hit: {
    readonly key: string
    readonly tier: 'memory' | 'store'
    readonly stale: boolean
    readonly ageMs: DurationMs
  }
  /** A load is about to begin: no tier had what could be answered. Reads that share the load tell nothing. */
  miss: { readonly key: string; readonly reason: MissReason }
  /** A loader answered. */
  load: { readonly key: string; readonly durationMs: DurationMs }
  /** A loader failed. Every waiter got the error as thrown. */
  loadError: { readonly key: string; readonly error: unknown }
  /**
   * Loads of a key, or of its whole family, rest for a while after failures. Readers with a value past its lifetime within
   * their `staleIfError` get that; all others load.
   */
  rest: {
    readonly key: string
    readonly family: string | undefined
    readonly pauseMs: DurationMs
    readonly error: unknown
  }
  /** A value was kept. */
  fill: { readonly key: string; readonly ttlMs: DurationMs; readonly stamps: readonly string[] }
  /** A value was not kept. */
  refused: { readonly key: string; readonly reason: RefusalReason; readonly detail?: string | undefined }
  /** A value is too large for memory, by an estimate; it is kept in the store alone. */
  skipped: { readonly key: string; readonly bytes: number; readonly maxBytes: number }
  /** A value was evicted from memory to make room. */
  evicted: { readonly key: string }
  /** This process invalidated something. */
  invalidated: {
    readonly receipt: Receipt
    readonly tables: readonly string[]
    readonly patterns: readonly string[]
    readonly unit: string | undefined
  }
  /** Another process, or another cache of the namespace, invalidated something. */
  remoteInvalidated: {
    readonly stamps: readonly string[]
    readonly keys: readonly string[]
    readonly cause: Cause | undefined
  }
  /** A write to a table that the map does not name: nothing of this map was invalidated for it. */
  unknownTable: { readonly table: string }
  /** A `bind` function of the map threw; its table counted as changed in whole. */
  bindError: { readonly table: string; readonly error: unknown }
  /** The local stamps were dropped: a lost message, a new epoch, a disconnect, a suspended machine. */
  flushed: { readonly reason: string }
  /** The store cannot be used; reads go to their loaders, invalidations are queued. */
  degraded: { readonly reason: string; readonly error?: unknown }
  /** Something that this configuration does not cover has been found, with what to change; see `health().warnings`. */
  warning: { readonly message: string }
  /** The store can be used again. */
  recovered: { readonly replayed: number }
  /** A value in the store could not be read; it counts as a miss. */
  unreadable: { readonly key: string; readonly reason: string }
  /** An event of a message broker can never be applied as it is; it waits in `cache.consumer.parked`. */
  parked: { readonly id: string; readonly error: unknown; readonly attempts: number }
  /** A plan to warm the cache has begun, goes on (told at most twice a second), or has ended. */
  warming: {
    readonly plan: string
    readonly phase: 'started' | 'running' | 'ended'
    /** How it ended; undefined before. */
    readonly status: 'done' | 'aborted' | 'failed' | undefined
    /** Keys the plan has named, loaded, found fresh, loaded in vain (not kept), and failed to load. */
    readonly seen: number
    readonly warmed: number
    readonly fresh: number
    readonly unkept: number
    readonly failed: number
    readonly durationMs: DurationMs
    /** What ended it early. */
    readonly error: unknown
  }
  /** This process has begun to lead the fleet's schedules, or has ceased to. */
  lead: { readonly title: string; readonly held: boolean; readonly fence: number; readonly reason: string }
  /** A listener threw; the others still ran. */
  listenerError: { readonly event: string; readonly error: unknown }
}

export type EventName = keyof CacheEvents

/** Complete, by its type: a new event that is not listed does not compile. */
const EVENTS: Readonly<Record<EventName, true>> = {
  hit: true,
  miss: true,
  load: true,
  loadError: true,
  rest: true,
  fill: true,
  refused: true,
  skipped: true,
  evicted: true,
  invalidated: true,
  remoteInvalidated: true,
  unknownTable: true,
  bindError: true,
  flushed: true,
  degraded: true,
  warning: true,
  recovered: true,
  unreadable: true,
  parked: true,
  warming: true,
  lead: true,
  listenerError: true,
}

/** @throws CacheError `INVALID_ARGUMENT` unless there is such an event: a listener of another one would never be told. */
export function checkEvent(name: unknown, what: string): void {
  if (typeof name === 'string' && Object.hasOwn(EVENTS, name)) return
  throw new CacheError(
    'INVALID_ARGUMENT',
    `${what}: there is no event ${show(name)}. The events are ${Object.keys(EVENTS).join(', ')}.`,
  )
}

/** What made an invalidation, as messages carry it between processes. */
export interface Cause {
  /** The change's own random id. */
  readonly id: string
  /** The cache (and instance) that made it. */
  readonly process: string
  /** The first tables it names, at most eight. */
  readonly tables: readonly string[]
  /** The unit of work, where it was one. */
  readonly unit?: string | undefined
  /** A trace id, where the application gave one. */
  readonly trace?: string | undefined
}

/** A place to write to: `console`, pino, or anything of their shape. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** From the least on: a line below the level that is asked for is not written. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

type Listener<Name extends EventName> = (event: CacheEvents[Name]) => void
type Listeners = { [Name in EventName]?: readonly Listener<Name>[] }

/** Event listeners of one cache. A listener that throws or rejects is told as `listenerError` and harms nobody else. */
export class Emitter {
  #listeners: Listeners = {}
  readonly #unheard: Record<string, unknown> = {}
  /** Whether anybody listens to hits: a plain flag, because a memory hit asks. */
  hits = false
  /** Whether anybody listens: asked before an event is even built. */
  has(name: EventName): boolean {
    return this.#listeners[name] !== undefined
  }

  /** Adds a listener. @returns what removes it again. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    const added: Listener<Name> = (event) => listener(event)
    this.#set(name, [...(this.#listeners[name] ?? []), added])
    return () =>
      this.#set(
        name,
        (this.#listeners[name] ?? []).filter((one) => one !== added),
      )
  }

  /** Who is told of an event that nobody listens to. */
  onUnheard<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    this.#unheard[name] = [listener]
  }

  emit<Name extends EventName>(name: Name, event: CacheEvents[Name]): void {
    for (const listener of this.#listeners[name] ?? (this.#unheard as Listeners)[name] ?? []) {
      calledSafely(listener, event, (error) => {
        if (name !== 'listenerError') this.emit('listenerError', { event: name, error })
      })
    }
  }

  clear(): void {
    this.#listeners = {}
    this.hits = false
  }

  #set<Name extends EventName>(name: Name, listeners: readonly Listener<Name>[]): void {
    const next: Record<string, unknown> = { ...this.#listeners, [name]: listeners }
    if (listeners.length === 0) delete next[name]
    this.#listeners = next as Listeners
    this.hits = this.has('hit')
  }
}

/** Calls a listener of the user's. What it throws, or rejects with where it is async, is told and goes no further. */
export function calledSafely<E>(
  listener: (event: E) => void,
  event: E,
  onError: (error: unknown) => void,
): void {
  try {
    const done: unknown = listener(event)
    if (done instanceof Promise) done.catch(onError)
  } catch (error) {
    onError(error)
  }
}
