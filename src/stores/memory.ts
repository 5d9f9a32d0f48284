import { type CancelTimer, type Clock, systemClock } from '../core/clock.ts'
import { fingerprint, fingerprintHead } from '../core/entry.ts'
import type { Cause } from '../core/events.ts'
import type { Pattern } from '../core/pattern.ts'
import { type Randomness, systemRandomness } from '../core/random.ts'
import type { StampName } from '../core/stamp.ts'
import {
  type FillReply,
  type FillRequest,
  type HeartbeatReply,
  type InvalidationMessage,
  type KeyPlace,
  type LockReply,
  type LockRequest,
  type Position,
  type ReadItem,
  type ReadReply,
  type ReadResult,
  type RotateReply,
  type RotateRequest,
  type Store,
  type StoreDriver,
  type StoreSession,
  settingsMismatch,
} from '../core/store.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { ApplicationState, NamespaceState } from './memory-state.ts'

/** What every value of this version begins with. */
const FORMAT = fingerprintHead([]).slice(0, 3)

/** What may be replaced in a {@link memoryStore}. */
export interface MemoryStoreOptions {
  readonly clock?: Clock
  readonly randomness?: Randomness
  /**
   * Runs a step some time later: the store's steps, answers and messages go through it, so that a test can order them.
   * `process` is who asked, or whom a message is for; what is scheduled for one process as messages must stay in order.
   *
   * @default in a microtask
   */
  readonly schedule?: (step: () => void, what: 'reply' | 'message', process: string) => void
}

/** A shared tier inside one process: give the same one to several caches and they are a fleet. */
export interface MemoryStore extends StoreDriver {
  /** Loses everything and starts again under a new epoch, as FLUSHALL or a restart without data does. */
  flush(): void
  /** Loses one stamp, as an eviction does: not one under a soft lock, which has no expiry. */
  evictStamp(namespace: string, name: StampName): void
  /** Loses the value or the fill claim of one key of an application, as an eviction does. */
  evictKey(namespace: string, name: string, key: string, what: 'value' | 'claim'): void
  /**
   * Remembers what the store holds now, as a replica does that falls behind.
   *
   * @returns what promotes that replica: the store goes on with what was remembered, under a new epoch.
   */
  replica(): () => void
}

/**
 * A store that behaves like the Redis one, message for message, within one process and without durability. For tests,
 * demonstrations and the schedule explorer; a fleet of processes needs `redisStore`.
 *
 * @example
 * ```ts
 * import { createCache } from 'coherent-cache'
 * import { memoryStore } from 'coherent-cache/testing'
 *
 * const store = memoryStore()
 * const one = createCache({ name: 'shop', instance: 'one', store })
 * const other = createCache({ name: 'shop', instance: 'other', store })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const clock = options.clock ?? systemClock
  const randomness = options.randomness ?? systemRandomness()
  const schedule = options.schedule ?? ((step: () => void) => queueMicrotask(step))
  const namespaces = new Map<string, NamespaceState>()
  const applications = new Map<string, ApplicationState>()
  const namespaceOf = (name: string) => ensure(namespaces, name, () => new NamespaceState(clock, randomness))
  const applicationOf = (namespace: string, name: string) =>
    ensure(applications, `${namespace}/${name}`, () => new ApplicationState(clock))
  return {
    kind: 'memory',
    holdsValues: true,
    connect(session) {
      const { namespace, name } = session
      return new MemoryStoreSession(session, namespaceOf(namespace), applicationOf(namespace, name), schedule)
    },
    flush() {
      for (const application of applications.values()) application.reset()
      for (const namespace of namespaces.values()) namespace.reset()
    },
    evictStamp(namespace, name) {
      namespaceOf(namespace).evict(name)
    },
    evictKey(namespace, name, key, what) {
      applicationOf(namespace, name).evict(key, what)
    },
    replica() {
      const promotions = [...applications.values(), ...namespaces.values()].map((state) => state.replica())
      return () => {
        for (const promote of promotions) promote()
      }
    },
  }
}

class MemoryStoreSession implements Store {
  readonly #session: StoreSession
  readonly #namespace: NamespaceState
  readonly #application: ApplicationState
  readonly #schedule: NonNullable<MemoryStoreOptions['schedule']>
  readonly #acknowledgements: Acknowledgements
  #undo: CancelTimer = () => {}

  constructor(
    session: StoreSession,
    namespace: NamespaceState,
    application: ApplicationState,
    schedule: NonNullable<MemoryStoreOptions['schedule']>,
  ) {
    this.#session = session
    this.#namespace = namespace
    this.#application = application
    this.#schedule = schedule
    this.#acknowledgements = new Acknowledgements(session.clock, session.maxStalenessMs)
  }

  open(): Promise<void> {
    return this.#step(() => {
      const { subscribers } = this.#namespace
      const { process, name, listener, map } = this.#session
      this.#agree()
      subscribers.set(process, { name, listener })
      this.#undo = () => subscribers.delete(process)
      listener.subscribed()
      this.#namespace.register(map)
    })
  }

  partition(): number {
    return 0
  }

  values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#step(() => keys.map(({ key }) => this.#application.value(key)))
  }

  read(items: readonly ReadItem[]): Promise<ReadReply> {
    return this.#step(() => {
      this.#namespace.register(this.#session.map)
      const expired = this.#namespace.expired(items.flatMap(({ stamps }) => stamps))
      if (expired.length > 0) {
        for (const name of expired) this.#namespace.rotate(name, undefined)
        this.#publish({ stamps: expired, keys: [], everyKey: false, cause: undefined }, false)
      }
      return { positions: this.#positions(), results: items.map((item) => this.#readOne(item)) }
    })
  }

  fill({
    key,
    nonce,
    epoch,
    stamps,
    tokens,
    value,
    ttlMs,
    publish,
    heard = false,
  }: FillRequest): Promise<FillReply> {
    return this.#step(() => {
      const application = this.#application
      const namespace = this.#namespace
      const current = stamps.every(
        (name, at) => namespace.token(name) === tokens[at] && !namespace.locked(name),
      )
      if (application.claim(key)?.nonce !== nonce || !current || epoch !== namespace.epoch)
        return { stored: false }
      const replaced = application.value(key) !== undefined
      application.store(key, value, ttlMs)
      application.release(key)
      if (!publish || !replaced) return { stored: true }
      const cause = { id: nonce, process: this.#session.process, tables: [] }
      return {
        stored: true,
        heard: this.#publish({ stamps: [], keys: [key], everyKey: false, cause }, heard).heard,
      }
    })
  }

  renew({ key }: KeyPlace, nonce: string, ttlMs: number): Promise<boolean> {
    return this.#step(() => {
      const claim = this.#application.claim(key)
      if (claim?.nonce !== nonce) return false
      this.#application.take(key, nonce, claim.vector, ttlMs)
      return true
    })
  }

  release({ key }: KeyPlace, nonce: string): Promise<void> {
    return this.#step(() => {
      if (this.#application.claim(key)?.nonce === nonce) this.#application.release(key)
    })
  }

  rotate({ stamps, keys, cause, lock, heard = false }: RotateRequest): Promise<RotateReply> {
    return this.#step(() => {
      for (const name of stamps) this.#namespace.rotate(name, lock)
      for (const { key } of keys) this.#application.forget(key)
      const names = keys.map(({ key }) => key)
      return this.#publish({ stamps, keys: names, everyKey: false, cause }, heard)
    })
  }

  lock({ stamps, lock, cause, heard = false }: LockRequest): Promise<LockReply> {
    return this.#step(() => {
      const { lockMs } = this.#session
      const added = stamps.filter((name) => this.#namespace.lock(name, lock, lockMs)).length
      if (added === 0) return { ...this.#reply(), added }
      return { ...this.#publish({ stamps, keys: [], everyKey: false, cause }, heard), added }
    })
  }

  sweep(patterns: readonly Pattern[], cause: Cause, heard = false): Promise<RotateReply> {
    return this.#step(() => {
      for (const key of this.#application.keys()) {
        if (patterns.some((pattern) => pattern.test(key))) this.#application.forget(key)
      }
      return this.#publish({ stamps: [], keys: [], everyKey: true, cause }, heard)
    })
  }

  heartbeat(): Promise<HeartbeatReply> {
    return this.#step(() => {
      const { map, process, clock } = this.#session
      this.#agree()
      this.#namespace.register(map)
      this.#namespace.holders.set(process, clock.monotonic())
      return { positions: this.#positions(), registrations: [this.#namespace.token(map.stamp)] }
    })
  }

  skeleton(digest: string): Promise<string | undefined> {
    return this.#step(() => this.#namespace.skeleton(digest))
  }

  reconnect(): void {}

  async close(): Promise<void> {
    this.#undo()
  }

  #agree(): void {
    const { settings, namespace } = this.#session
    const inForce = this.#namespace.agree(settings)
    if (inForce !== undefined) throw settingsMismatch(namespace, settings, inForce)
  }

  #readOne({ key, stamps, claim }: ReadItem): ReadResult {
    const namespace = this.#namespace
    const { epoch } = namespace
    const current = stamps.map((name) => namespace.token(name))
    const stored = this.#application.value(key)
    const complete = current.every((token) => token !== '')
    const valid = stored !== undefined && complete && this.#isCurrent(stored, stamps, current)
    const none = {
      epoch,
      value: undefined,
      voided: stored !== undefined && !valid,
      strange: stored !== undefined && !startsWith(stored, FORMAT),
      locked: false,
      tokens: current,
    } as const
    const { map, lockMs } = this.#session
    if (stamps.some((name) => namespace.locked(name)) || namespace.quarantined(map, lockMs)) {
      return { ...none, locked: true, claim: 'none', holder: undefined }
    }
    if (valid && claim?.takeOver !== true) return { ...none, value: stored, claim: 'none', holder: undefined }
    const held = this.#application.claim(key)
    // A claim whose vector is no longer current belongs to a load that can fill nothing.
    const holds = held !== undefined && complete && held.vector === current.join('')
    if (claim === undefined) return { ...none, claim: 'none', holder: holds ? held.nonce : undefined }
    if (holds && !claim.takeOver) return { ...none, claim: 'held', holder: held.nonce }
    const tokens = stamps.map((name, at) => current[at] || namespace.create(name))
    this.#application.take(key, claim.nonce, tokens.join(''), claim.ttlMs)
    return { ...none, tokens, claim: 'granted', holder: claim.nonce }
  }

  #isCurrent(stored: Uint8Array, stamps: readonly StampName[], tokens: readonly string[]): boolean {
    const expected = fingerprint(fingerprintHead(stamps), this.#namespace.epoch, tokens)
    return startsWith(stored, expected)
  }

  #publish(
    said: Pick<InvalidationMessage, 'stamps' | 'keys' | 'everyKey' | 'cause'>,
    heard: boolean,
  ): RotateReply {
    const namespace = this.#namespace
    const { epoch, subscribers } = namespace
    const { process: own, name } = this.#session
    const message: InvalidationMessage = { partition: 0, epoch, sequence: ++namespace.sequence, ...said }
    const id = said.cause?.id ?? ''
    const waiting = heard ? namespace.leaseHolders(this.#session).filter((process) => process !== own) : []
    if (heard) this.#acknowledgements.expect(id)
    // Keys are its own application's: to another one the same text is another key.
    const toOthers = { ...message, keys: [], everyKey: false }
    for (const [process, subscriber] of subscribers) {
      const acknowledge = heard
        ? () => this.#schedule(() => this.#acknowledgements.note(id, process), 'message', own)
        : undefined
      this.#schedule(
        () => {
          if (subscribers.get(process) !== subscriber) return
          subscriber.listener.invalidated({ ...(subscriber.name === name ? message : toOthers), acknowledge })
        },
        'message',
        process,
      )
    }
    return { ...this.#reply(), heard: heard ? this.#acknowledgements.wait(id, waiting) : undefined }
  }

  #reply(): RotateReply {
    return { positions: this.#positions(), maps: this.#namespace.maps }
  }

  #positions(): Position[] {
    const { epoch, sequence } = this.#namespace
    return [{ partition: 0, epoch, sequence }]
  }

  /** One atomic step of the store; it runs, and its reply arrives, when the schedule says so. */
  #step<T>(step: () => T): Promise<T> {
    const { process } = this.#session
    return new Promise((resolve, reject) => {
      this.#schedule(
        () => {
          try {
            const result = step()
            this.#schedule(() => resolve(result), 'reply', process)
          } catch (error) {
            reject(error as Error)
          }
        },
        'reply',
        process,
      )
    })
  }
}

function ensure<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function startsWith(stored: Uint8Array, text: string): boolean {
  const start = Buffer.from(stored.buffer, stored.byteOffset, Math.min(stored.byteLength, text.length))
  return start.toString('latin1') === text
}
