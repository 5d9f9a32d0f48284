import type { CancelTimer, Clock } from '../core/clock.ts'
import { CacheError, isCacheError } from '../core/errors.ts'
import type { Emitter } from '../core/events.ts'
import type { Store } from '../core/store.ts'

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
}

const FIRST_PROBE_MS = 50
const LONGEST_PROBE_MS = 1_000
/** After so many probes in vain the connections are made anew: a dead one may never say so. */
const PROBES_PER_CONNECTION = 3

/**
 * The door to the store. It bounds every call in time; the first that fails closes it, and from then on calls are
 * refused at once, so that no read waits for an outage to end. Probes go on behind it; when one succeeds, the changes
 * the store has missed are replayed, and only then is it open again.
 */
export class StoreGate implements Store {
  readonly #store: Store
  readonly #room: GateRoom
  #state: 'opening' | 'up' | 'away' | 'closed' = 'opening'
  #since: number
  #probes = 0
  #cancelProbe: CancelTimer = () => {}
  #opened: Promise<void> | undefined
  #whenUp: (() => void)[] = []

  constructor(store: Store, room: GateRoom) {
    this.#store = store
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

  /** Resolves when the store is first up; rejects only with what cannot be cured by waiting. */
  open(): Promise<void> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  async #open(): Promise<void> {
    const up = new Promise<void>((resolve) => {
      this.#whenUp.push(resolve)
    })
    try {
      await this.#store.open()
      await this.#recover()
    } catch (error) {
      this.#fail(error)
      // Probed on like any other trouble: other settings may be gone by then. But it is no outage to wait out.
      if (isCacheError(error, 'SETTINGS_MISMATCH')) throw error
    }
    return up
  }

  readonly partition: Store['partition'] = (place) => this.#store.partition(place)
  readonly values: Store['values'] = (keys) => this.#call(() => this.#store.values(keys))
  readonly read: Store['read'] = (items) => this.#call(() => this.#store.read(items))
  readonly fill: Store['fill'] = (request) => this.#call(() => this.#store.fill(request))
  readonly renew: Store['renew'] = (place, nonce, ttlMs) =>
    this.#call(() => this.#store.renew(place, nonce, ttlMs))
  readonly release: Store['release'] = (place, nonce) => this.#call(() => this.#store.release(place, nonce))
  readonly rotate: Store['rotate'] = (request) => this.#call(() => this.#store.rotate(request))
  readonly lock: Store['lock'] = (request) => this.#call(() => this.#store.lock(request))
  readonly heartbeat: Store['heartbeat'] = () => this.#call(() => this.#store.heartbeat())
  readonly skeleton: Store['skeleton'] = (digest) => this.#call(() => this.#store.skeleton(digest))

  /** Takes many steps, each bounded by the store itself: its time grows with the keys. */
  readonly sweep: Store['sweep'] = async (patterns, cause, heard) => {
    if (this.#state !== 'up') throw refused()
    try {
      return await this.#store.sweep(patterns, cause, heard)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  reconnect(): void {
    this.#store.reconnect()
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    this.#cancelProbe()
    await this.#store.close()
  }

  /** The store can no longer be trusted, as found by somebody else. */
  distrust(error: unknown): void {
    this.#fail(error)
  }

  async #call<T>(step: () => Promise<T>): Promise<T> {
    if (this.#state !== 'up') throw refused()
    try {
      return await this.#bounded(step)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  #bounded<T>(step: () => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#room
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () =>
        reject(
          new CacheError(
            'STORE_UNAVAILABLE',
            `The store did not answer within ${timeoutMs} ms (storeTimeout).`,
          ),
        ),
      )
      step().then(
        (value) => {
          cancel()
          resolve(value)
        },
        (error) => {
          cancel()
          reject(error as Error)
        },
      )
    })
  }

  #fail(error: unknown): void {
    if (this.#state === 'closed' || this.#state === 'away') return
    const reason = error instanceof Error ? error.message : String(error)
    this.#state = 'away'
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
    } catch {
      if (this.#state === 'closed') return
      if (++this.#probes % PROBES_PER_CONNECTION === 0) this.#store.reconnect()
      this.#probeLater()
    }
  }

  /** Proves that the store answers, tells it what it has missed, and only then lets others in. */
  async #recover(): Promise<void> {
    await this.#bounded(() => this.#store.heartbeat())
    const replayed = await this.#room.replay(this.#store)
    if (this.#state === 'closed') return
    const wasAway = this.#state === 'away'
    this.#state = 'up'
    this.#since = this.#room.clock.now()
    await this.#room.onUp()
    for (const resolve of this.#whenUp.splice(0)) resolve()
    if (wasAway) this.#room.events.emit('recovered', { replayed })
  }
}

function refused(): CacheError {
  return new CacheError(
    'STORE_UNAVAILABLE',
    'The store is away; it is being probed, and used again once it answers.',
  )
}
