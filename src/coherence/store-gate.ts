import type { CancelTimer, Clock } from '../core/clock.ts'
import { CacheError, isCacheError } from '../core/errors.ts'
import type { Emitter } from '../core/events.ts'
import type { Leads, Position, ReadItem, ReadReply, Store } from '../core/store.ts'
import { within } from '../core/within.ts'
import { boundedStore } from './bounded-store.ts'
import { Incarnations } from './incarnations.ts'

/** What the gate works with. */
export interface GateRoom {
  readonly clock: Clock
  readonly events: Emitter
  /** How long one call may take. */
  readonly timeoutMs: number
  /** Called once the store cannot be trusted any more: forget what hangs on hearing it. */
  readonly onAway: (reason: string) => void
  /** Called each time the store can be used (again). */
  readonly onUp: () => Promise<void>
  /** Tells the store what it has missed, before anything else is asked of it. @returns how many changes it told */
  readonly replay: (store: Store) => Promise<number>
  /**
   * Called when the store answers under another epoch than before. @returns whether it must be told of changes that it
   * may have forgotten, before anything it says is believed.
   */
  readonly onNewEpoch: () => boolean
}

/** How long the first connection may take before its absence is told as an outage. Nobody waits for it meanwhile. */
const OPENING_MS = 1_000
const FIRST_PROBE_MS = 50
const LONGEST_PROBE_MS = 1_000
/** After so many probes in vain the connections are made anew: a dead one may never say so. */
const PROBES_PER_CONNECTION = 3

/** A reply that says where the store stands. */
interface Positioned {
  readonly positions: readonly Position[]
}

/** Somebody who waits for the store to be up. */
interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The door to the store. It bounds every call in time; the first that fails closes it, and from then on calls are
 * refused at once, so that no read waits for an outage to end. Probes go on behind it; when one succeeds, the changes
 * the store has missed are replayed, and only then is it open again.
 */
export class StoreGate implements Store {
  /** Behind the gate, bounded in time: what probes and replays speak to. */
  readonly #store: Store
  readonly #room: GateRoom
  readonly #incarnations = new Incarnations()
  #state: 'opening' | 'up' | 'away' | 'closed' = 'opening'
  /** Counts how often the store has gone away, or had to be told something: what was asked before knows nothing of it. */
  #era = 0
  #since: number
  #probes = 0
  #cancelProbe: CancelTimer = () => {}
  #opened: Promise<void> | undefined
  #recovering: Promise<void> | undefined
  /** While a store that was restarted or failed over is told what it may have forgotten. */
  #telling: Promise<void> | undefined
  #whenUp: Waiting[] = []
  #trouble: unknown

  readonly leads: Leads | undefined

  constructor(store: Store, room: GateRoom) {
    this.#store = boundedStore(store, room.clock, room.timeoutMs)
    const { leads } = this.#store
    this.leads = leads && {
      lead: (request) => this.#ask(() => leads.lead(request)),
      records: (title, known) => this.#ask(() => leads.records(title, known)),
      record: (request) => this.#ask(() => leads.record(request)),
    }
    this.#room = room
    this.#since = room.clock.now()
  }

  get status(): 'connected' | 'away' {
    return this.#state === 'up' ? 'connected' : 'away'
  }

  /** Wall-clock time of the last change of {@link status}. */
  get since(): number {
    return this.#since
  }

  /** What went wrong last, while the store has not been up since. */
  get trouble(): unknown {
    return this.#trouble
  }

  /** Looks for what keeps the store from being up, where nothing has failed yet. Changes nothing but {@link trouble}. */
  async look(): Promise<void> {
    if (this.#state !== 'opening') return
    await this.#store.inspect().catch((error: unknown) => {
      if (this.#state !== 'up') this.#trouble ??= error
    })
  }

  /** Resolves when the store is first up; rejects only with what cannot be cured by waiting, or when it is closed. */
  open(): Promise<void> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  #open(): Promise<void> {
    const { clock } = this.#room
    // In two parts: of a process that was busy with its own start the store's answers may be waiting behind the timer.
    let late = clock.after(OPENING_MS / 2, () => {
      late = clock.after(OPENING_MS / 2, () => void this.#openLate())
    })
    return new Promise((resolve, reject) => {
      this.#whenUp.push({ resolve, reject })
      this.#store
        .open()
        .then(() => this.#recover())
        .catch((error) => this.#notYet(error))
        .finally(() => late())
    })
  }

  /** Not open in time: an outage like any other, to be told and probed. */
  async #openLate(): Promise<void> {
    if (this.#state === 'opening') await this.#recover().catch((error) => this.#notYet(error))
  }

  /** It could not be opened. Probes go on, even where they will be in vain until others have gone. */
  #notYet(error: unknown): void {
    this.#fail(error)
    if (!isCacheError(error, 'SETTINGS_MISMATCH') && !isCacheError(error, 'UNSUPPORTED')) return
    for (const { reject } of this.#whenUp.splice(0)) reject(error)
  }

  get partitions(): number | undefined {
    return this.#store.partitions
  }

  readonly partition: Store['partition'] = (place) => this.#store.partition(place)
  readonly values: Store['values'] = (keys) => this.#evidence(() => this.#store.values(keys), nothing)
  readonly read: Store['read'] = (items) =>
    this.#evidence(
      () => this.#store.read(items).then((reply) => this.#noted(reply)),
      (reply) => this.#giveBack(items, reply),
    )
  readonly fill: Store['fill'] = (request) => this.#ask(() => this.#store.fill(request))
  readonly prolong: Store['prolong'] = (place, ttlMs) => this.#ask(() => this.#store.prolong(place, ttlMs))
  readonly renew: Store['renew'] = (place, nonce, ttlMs) =>
    this.#ask(() => this.#store.renew(place, nonce, ttlMs))
  readonly release: Store['release'] = (place, nonce) => this.#ask(() => this.#store.release(place, nonce))
  readonly rotate: Store['rotate'] = (request) => this.#change(() => this.#store.rotate(request))
  readonly lock: Store['lock'] = (request) => this.#change(() => this.#store.lock(request))
  readonly sweep: Store['sweep'] = (patterns, cause, heard) =>
    this.#change(() => this.#store.sweep(patterns, cause, heard))
  readonly heartbeat: Store['heartbeat'] = () => this.#change(() => this.#store.heartbeat())
  readonly skeleton: Store['skeleton'] = (digest) => this.#ask(() => this.#store.skeleton(digest))
  /** Beside the door: what it comes to says nothing of whether the store can be used. */
  readonly inspect: Store['inspect'] = () => this.#store.inspect()

  reconnect(what?: 'subscription'): void {
    this.#store.reconnect(what)
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    this.#cancelProbe()
    for (const { reject } of this.#whenUp.splice(0))
      reject(new CacheError('CACHE_CLOSED', 'The cache was closed before its store was connected.'))
    await this.#store.close()
  }

  /** Resolves when the store is up; at once if it is. Rejects when it is closed first. */
  up(): Promise<void> {
    if (this.#state === 'up') return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#whenUp.push({ resolve, reject })
    })
  }

  /** The store can no longer be trusted, as found by somebody else: before it is first up it is not trusted anyway. */
  distrust(error: unknown): void {
    if (this.#state === 'up') this.#fail(error)
  }

  /** One call, if the store is up and has been told everything. */
  #ask<T>(step: () => Promise<T>): Promise<T> {
    if (this.#telling === undefined) return this.#askNow(step)
    return this.#untilTold(this.#telling).then(() => this.#askNow(step))
  }

  #askNow<T>(step: () => Promise<T>): Promise<T> {
    if (this.#state !== 'up') return Promise.reject(refused())
    const era = this.#era
    return step().catch((error) => {
      if (era === this.#era) this.#fail(error)
      throw error
    })
  }

  /** A call whose answer will be believed. One from before the store was told something knows nothing of that. */
  async #evidence<T>(step: () => Promise<T>, undo: (reply: T) => void): Promise<T> {
    if (this.#telling !== undefined) await this.#untilTold(this.#telling)
    const era = this.#era
    const reply = await this.#ask(step)
    if (era === this.#era) return reply
    undo(reply)
    throw refused()
  }

  /** A call that changes something: done is done, in whichever incarnation. */
  async #change<T extends Positioned>(step: () => Promise<T>): Promise<T> {
    const reply = await this.#ask(() => step().then((done) => this.#noted(done)))
    if (this.#telling !== undefined) await this.#untilTold(this.#telling)
    return reply
  }

  /** Has a store that has answered in another incarnation be told what it may have forgotten. */
  #noted<T extends Positioned>(reply: T): T {
    if (this.#incarnations.note(reply.positions) && this.#room.onNewEpoch()) {
      this.#era++
      this.#telling ??= this.#tell()
        .catch((error) => this.#fail(error))
        .then(() => {
          this.#telling = undefined
        })
    }
    return reply
  }

  /** Waits while the store is told something, but no longer than for any other call: beyond, it is away. */
  async #untilTold(telling: Promise<void>): Promise<void> {
    if (this.#state !== 'up') return
    const { clock, timeoutMs } = this.#room
    await within(clock, timeoutMs, () => telling).catch((error) => this.#fail(error))
  }

  /** @returns how many changes it told. */
  async #tell(): Promise<number> {
    const { replay } = this.#room
    let replayed = 0
    // While some changes are told, more are queued.
    for (let told = await replay(this.#store); told > 0; told = await replay(this.#store)) replayed += told
    return replayed
  }

  /** Nobody is going to load under these claims. */
  #giveBack(items: readonly ReadItem[], { results }: ReadReply): void {
    for (const [at, { claim }] of results.entries()) {
      const item = items[at]
      if (claim !== 'granted' || item?.claim === undefined) continue
      this.#store.release(item, item.claim.nonce).catch(nothing)
    }
  }

  #fail(error: unknown): void {
    if (this.#state !== 'closed') this.#trouble = error
    if (this.#state === 'closed' || this.#state === 'away') return
    const reason = error instanceof Error ? error.message : String(error)
    this.#state = 'away'
    this.#era++
    this.#since = this.#room.clock.now()
    this.#probes = 0
    this.#room.onAway(reason)
    this.#room.events.emit('degraded', { reason, error })
    this.#probeLater()
  }

  #probeLater(): void {
    this.#cancelProbe()
    const pause = Math.min(FIRST_PROBE_MS * 2 ** this.#probes, LONGEST_PROBE_MS)
    this.#cancelProbe = this.#room.clock.after(pause, () => void this.#probe())
  }

  async #probe(): Promise<void> {
    try {
      await this.#recover()
    } catch (error) {
      this.#notYet(error)
      if (this.#state === 'away' && ++this.#probes % PROBES_PER_CONNECTION === 0) this.#store.reconnect()
    }
    if (this.#state === 'away') this.#probeLater()
  }

  /** One recovery at a time: a second one would find nothing to replay and open the gate while the first still does. */
  #recover(): Promise<void> {
    this.#recovering ??= this.#provenAndTold().finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  /** Proves that the store answers, tells it what it has missed, and only then lets others in. */
  async #provenAndTold(): Promise<void> {
    const { clock, events, onUp } = this.#room
    if (this.#state === 'up') return
    const { positions } = await this.#store.heartbeat()
    if (this.#telling !== undefined) await this.#telling
    if (this.#incarnations.note(positions)) this.#room.onNewEpoch()
    const replayed = await this.#tell()
    if (this.#state === 'closed') return
    const wasAway = this.#state === 'away'
    this.#state = 'up'
    this.#trouble = undefined
    this.#since = clock.now()
    if (wasAway) events.emit('recovered', { replayed })
    const waiting = this.#whenUp.splice(0)
    void onUp().then(() => {
      for (const { resolve } of waiting) resolve()
    })
  }
}

function nothing(): void {}

function refused(): CacheError {
  return new CacheError(
    'STORE_UNAVAILABLE',
    'The store is away; it is being probed, and used again once it answers.',
  )
}
