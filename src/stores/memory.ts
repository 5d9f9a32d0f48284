import { type CancelTimer, type Clock, systemClock } from '../core/clock.ts'
import { fingerprint, fingerprintHead } from '../core/entry.ts'
import type { Cause } from '../core/events.ts'
import type { Pattern } from '../core/pattern.ts'
import { type Randomness, systemRandomness } from '../core/random.ts'
import type { StampName } from '../core/stamp.ts'
import type {
  FillRequest,
  HeartbeatReply,
  InvalidationMessage,
  KeyPlace,
  ReadItem,
  ReadResult,
  RotateReply,
  RotateRequest,
  Store,
  StoreDriver,
  StoreListener,
  StoreSession,
} from '../core/store.ts'

/** What may be replaced in a {@link memoryStore}. */
export interface MemoryStoreOptions {
  readonly clock?: Clock
  readonly randomness?: Randomness
  /**
   * Runs a step some time later: the store's answers and messages go through it, so that a test can order them.
   *
   * @default in a microtask
   */
  readonly schedule?: (step: () => void, what: 'reply' | 'message') => void
}

/** A shared tier inside one process: give the same one to several caches and they are a fleet. */
export interface MemoryStore extends StoreDriver {
  /** Loses everything and starts again under a new epoch, as FLUSHALL or a restart without data does. */
  flush(): void
  /** Loses one stamp, as an eviction does. */
  evictStamp(namespace: string, name: StampName): void
}

interface Claim {
  readonly nonce: string
  readonly vector: string
  readonly until: number
}

interface Value {
  readonly bytes: Uint8Array
  readonly until: number
}

/** Stamps, sequence and subscribers of one namespace. */
class Namespace {
  readonly stamps = new Map<StampName, string>()
  readonly listeners = new Map<string, StoreListener>()
  readonly maps = new Map<string, string>()
  epoch: string
  sequence = 0

  constructor(epoch: string) {
    this.epoch = epoch
  }
}

/** Values and claims of one application. */
class Values {
  readonly values = new Map<string, Value>()
  readonly claims = new Map<string, Claim>()
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
  const namespaces = new Map<string, Namespace>()
  const applications = new Map<string, Values>()
  const namespaceOf = (name: string): Namespace =>
    ensure(namespaces, name, () => new Namespace(randomness.token()))
  return {
    kind: 'memory',
    holdsValues: true,
    connect(session) {
      const application = ensure(applications, `${session.namespace}/${session.name}`, () => new Values())
      return new MemoryStoreSession(session, namespaceOf(session.namespace), application, clock, schedule)
    },
    flush() {
      for (const application of applications.values()) {
        application.values.clear()
        application.claims.clear()
      }
      for (const namespace of namespaces.values()) {
        namespace.stamps.clear()
        namespace.maps.clear()
        namespace.epoch = randomness.token()
        namespace.sequence = 0
      }
    },
    evictStamp(namespace, name) {
      namespaceOf(namespace).stamps.delete(name)
    },
  }
}

class MemoryStoreSession implements Store {
  readonly #session: StoreSession
  readonly #namespace: Namespace
  readonly #application: Values
  readonly #clock: Clock
  readonly #schedule: NonNullable<MemoryStoreOptions['schedule']>
  #undo: CancelTimer = () => {}

  constructor(
    session: StoreSession,
    namespace: Namespace,
    application: Values,
    clock: Clock,
    schedule: NonNullable<MemoryStoreOptions['schedule']>,
  ) {
    this.#session = session
    this.#namespace = namespace
    this.#application = application
    this.#clock = clock
    this.#schedule = schedule
  }

  open(): Promise<void> {
    return this.#step(() => {
      const { listeners } = this.#namespace
      const { process, listener } = this.#session
      listeners.set(process, listener)
      this.#undo = () => listeners.delete(process)
      listener.subscribed()
      this.#register()
    })
  }

  partition(): number {
    return 0
  }

  values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#step(() => keys.map(({ key }) => this.#value(key)))
  }

  read(items: readonly ReadItem[]) {
    return this.#step(() => {
      this.#register()
      return { positions: this.#positions(), results: items.map((item) => this.#readOne(item)) }
    })
  }

  fill({ key, nonce, epoch, stamps, tokens, value, ttlMs, publish }: FillRequest): Promise<boolean> {
    return this.#step(() => {
      const { values, claims } = this.#application
      const current = stamps.every((name, at) => this.#namespace.stamps.get(name) === tokens[at])
      if (this.#claim(key)?.nonce !== nonce || !current || epoch !== this.#namespace.epoch) return false
      const replaced = this.#value(key) !== undefined
      values.set(key, { bytes: value, until: this.#clock.monotonic() + ttlMs })
      claims.delete(key)
      if (publish && replaced)
        this.#publish([], [{ key, shard: key }], false, {
          id: nonce,
          process: this.#session.process,
          tables: [],
        })
      return true
    })
  }

  renew({ key }: KeyPlace, nonce: string, ttlMs: number): Promise<boolean> {
    return this.#step(() => {
      const claim = this.#claim(key)
      if (claim?.nonce !== nonce) return false
      this.#application.claims.set(key, { ...claim, until: this.#clock.monotonic() + ttlMs })
      return true
    })
  }

  release({ key }: KeyPlace, nonce: string): Promise<void> {
    return this.#step(() => {
      if (this.#claim(key)?.nonce === nonce) this.#application.claims.delete(key)
    })
  }

  rotate({ stamps, keys, cause }: RotateRequest): Promise<RotateReply> {
    return this.#step(() => {
      for (const name of stamps) this.#namespace.stamps.delete(name)
      for (const { key } of keys) this.#forget(key)
      return this.#publish(stamps, keys, false, cause)
    })
  }

  sweep(patterns: readonly Pattern[], cause: Cause): Promise<RotateReply> {
    return this.#step(() => {
      const { values, claims } = this.#application
      for (const key of [...claims.keys(), ...values.keys()]) {
        if (patterns.some((pattern) => pattern.test(key))) this.#forget(key)
      }
      return this.#publish([], [], true, cause)
    })
  }

  heartbeat(): Promise<HeartbeatReply> {
    return this.#step(() => {
      this.#register()
      return {
        positions: this.#positions(),
        registrations: [this.#namespace.stamps.get(this.#session.map.stamp) ?? ''],
      }
    })
  }

  skeleton(digest: string): Promise<string | undefined> {
    return this.#step(() => this.#namespace.maps.get(digest))
  }

  reconnect(): void {}

  async close(): Promise<void> {
    this.#undo()
  }

  #positions() {
    const { epoch, sequence } = this.#namespace
    return [{ partition: 0, epoch, sequence }]
  }

  #register(): void {
    const { digest, stamp, skeleton } = this.#session.map
    if (this.#namespace.maps.has(digest) && this.#namespace.stamps.has(stamp)) return
    this.#namespace.maps.set(digest, skeleton)
    this.#createStamp(stamp)
  }

  #readOne({ key, stamps, claim }: ReadItem): ReadResult {
    const current = stamps.map((name) => this.#namespace.stamps.get(name) ?? '')
    const stored = this.#value(key)
    const complete = current.every((token) => token !== '')
    const valid = stored !== undefined && complete && this.#isCurrent(stored, stamps, current)
    const { epoch } = this.#namespace
    const none = { epoch, value: undefined, voided: stored !== undefined && !valid, locked: false } as const
    if (valid && claim?.takeOver !== true)
      return { ...none, value: stored, tokens: current, claim: 'none', holder: undefined }
    const held = this.#claim(key)
    // A claim whose vector is no longer current belongs to a load that can fill nothing.
    const holds = held !== undefined && complete && held.vector === current.join('')
    if (claim === undefined)
      return { ...none, tokens: current, claim: 'none', holder: holds ? held.nonce : undefined }
    if (holds && !claim.takeOver) return { ...none, tokens: current, claim: 'held', holder: held.nonce }
    const tokens = stamps.map((name, at) => current[at] || this.#createStamp(name))
    this.#application.claims.set(key, {
      nonce: claim.nonce,
      vector: tokens.join(''),
      until: this.#clock.monotonic() + claim.ttlMs,
    })
    return { ...none, tokens, claim: 'granted', holder: claim.nonce }
  }

  #isCurrent(stored: Uint8Array, stamps: readonly StampName[], tokens: readonly string[]): boolean {
    const expected = fingerprint(fingerprintHead(stamps), this.#namespace.epoch, tokens)
    return Buffer.from(stored.buffer, stored.byteOffset, expected.length).toString('latin1') === expected
  }

  #createStamp(name: StampName): string {
    const token = this.#session.randomness.token()
    this.#namespace.stamps.set(name, token)
    return token
  }

  #value(key: string): Uint8Array | undefined {
    const value = this.#application.values.get(key)
    if (value === undefined || this.#clock.monotonic() < value.until) return value?.bytes
    this.#application.values.delete(key)
    return undefined
  }

  #claim(key: string): Claim | undefined {
    const claim = this.#application.claims.get(key)
    return claim !== undefined && this.#clock.monotonic() < claim.until ? claim : undefined
  }

  #forget(key: string): void {
    this.#application.values.delete(key)
    this.#application.claims.delete(key)
  }

  #publish(
    stamps: readonly StampName[],
    places: readonly KeyPlace[],
    everyKey: boolean,
    cause: Cause | undefined,
  ): RotateReply {
    const namespace = this.#namespace
    const message: InvalidationMessage = {
      partition: 0,
      epoch: namespace.epoch,
      sequence: ++namespace.sequence,
      stamps,
      keys: places.map(({ key }) => key),
      everyKey,
      cause,
    }
    for (const [process, listener] of namespace.listeners) {
      this.#schedule(() => {
        if (namespace.listeners.get(process) === listener) listener.invalidated(message)
      }, 'message')
    }
    return { positions: this.#positions(), maps: [...namespace.maps.keys()] }
  }

  /** One atomic step of the store; its reply arrives when the schedule says so. */
  #step<T>(step: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#schedule(() => {
        try {
          const result = step()
          this.#schedule(() => resolve(result), 'reply')
        } catch (error) {
          reject(error as Error)
        }
      }, 'reply')
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
