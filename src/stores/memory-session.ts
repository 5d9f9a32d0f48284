import { beginsWith } from '../core/bytes.ts'
import { fingerprint, fingerprintHead } from '../core/entry.ts'
import { CacheError } from '../core/errors.ts'
import type { Cause } from '../core/events.ts'
import { PRIMARY_SOURCE } from '../core/load-source.ts'
import type { Pattern } from '../core/pattern.ts'
import { keyStamp, type StampName } from '../core/stamp.ts'
import {
  type FillReply,
  type FillRequest,
  type HeartbeatReply,
  type InvalidationMessage,
  type KeyPlace,
  type Leads,
  type LockReply,
  type LockRequest,
  type Position,
  type ReadItem,
  type ReadReply,
  type ReadResult,
  type RotateReply,
  type RotateRequest,
  type Store,
  type StoreSession,
  settingsMismatch,
} from '../core/store.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { type Home, homeIn, type MemoryServer } from './memory-server.ts'

/** What every value of this version begins with. */
const FORMAT = fingerprintHead([]).slice(0, 3)

/** Runs a step some time later; see `MemoryStoreOptions`. */
export type Schedule = (step: () => void, what: 'reply' | 'message', process: string) => void

/** One cache's connection to a server in memory. */
export class MemoryStoreSession implements Store {
  readonly #session: StoreSession
  readonly #schedule: Schedule
  readonly #acknowledgements: Acknowledgements
  /** Every connection that is open. */
  readonly #open: Set<MemoryStoreSession>
  #home: Home

  constructor(
    session: StoreSession,
    server: MemoryServer,
    schedule: Schedule,
    open: Set<MemoryStoreSession>,
  ) {
    this.#session = session
    this.#home = homeIn(server, session)
    this.#schedule = schedule
    this.#acknowledgements = new Acknowledgements(session.clock, session.maxStalenessMs)
    this.#open = open
  }

  get process(): string {
    return this.#session.process
  }

  open(): Promise<void> {
    return this.#step((home) => {
      this.#agree(home)
      this.#open.add(this)
      this.#subscribe()
      home.namespace.register(this.#session.map)
    })
  }

  #subscribe(): void {
    const { process, name, listener } = this.#session
    this.#home.namespace.subscribers.set(process, { name, listener })
    listener.subscribed()
  }

  /** Loses the connection to one server, and makes one to another. */
  moveTo(server: MemoryServer): void {
    const { process, listener } = this.#session
    this.#home.namespace.subscribers.delete(process)
    this.#home = homeIn(server, this.#session)
    listener.unsubscribed('the connection was lost')
    this.#subscribe()
  }

  partition(): number {
    return 0
  }

  values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#step(({ application }) => keys.map(({ key }) => application.value(key)))
  }

  read(items: readonly ReadItem[]): Promise<ReadReply> {
    return this.#step((home) => {
      home.namespace.register(this.#session.map)
      const expired = home.namespace.expired(items.flatMap(({ stamps }) => stamps))
      if (expired.length > 0) {
        for (const name of expired) home.namespace.rotate(name, undefined)
        home.namespace.noteRotated(expired, this.#session.replicaLagMs, undefined)
        this.#publish(home, { stamps: expired, keys: [], everyKey: false, cause: undefined }, false)
      }
      return { positions: this.#positions(home), results: items.map((item) => this.#readOne(home, item)) }
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
    return this.#step((home) => {
      const { application, namespace } = home
      const current = stamps.every(
        (name, at) => namespace.token(name) === tokens[at] && !namespace.locked(name),
      )
      const claim = application.claim(key)
      if (claim?.nonce !== nonce || !current || epoch !== namespace.epoch)
        return { stored: false, unclaimed: claim === undefined }
      application.store(key, value, ttlMs)
      application.release(key)
      if (publish) namespace.noteRotated([keyStamp(key)], this.#session.replicaLagMs, undefined)
      if (!publish) return { stored: true }
      const cause = { id: nonce, process: this.#session.process, tables: [] }
      return {
        stored: true,
        heard: this.#publish(home, { stamps: [], keys: [key], everyKey: false, cause }, heard).heard,
      }
    })
  }

  prolong({ key }: KeyPlace, ttlMs: number): Promise<void> {
    return this.#step(({ application }) => application.prolong(key, ttlMs))
  }

  renew({ key }: KeyPlace, nonce: string, ttlMs: number): Promise<boolean> {
    return this.#step((home) => {
      const claim = home.application.claim(key)
      if (claim?.nonce !== nonce) return false
      home.application.take(key, nonce, claim.vector, ttlMs)
      return true
    })
  }

  release({ key }: KeyPlace, nonce: string): Promise<void> {
    return this.#step((home) => {
      if (home.application.claim(key)?.nonce === nonce) home.application.release(key)
    })
  }

  rotate({ stamps, keys, cause, position, lock, heard = false }: RotateRequest): Promise<RotateReply> {
    return this.#step((home) => {
      for (const name of stamps) home.namespace.rotate(name, lock)
      home.namespace.noteRotated(stamps, this.#session.replicaLagMs, position)
      for (const { key } of keys) home.application.forget(key)
      const names = keys.map(({ key }) => key)
      return this.#publish(home, { stamps, keys: names, everyKey: false, cause }, heard)
    })
  }

  lock({ stamps, lock, cause, heard = false }: LockRequest): Promise<LockReply> {
    return this.#step((home) => {
      const { lockMs } = this.#session
      const added = stamps.filter((name) => home.namespace.lock(name, lock, lockMs)).length
      if (added === 0) return { ...this.#reply(home), added }
      return { ...this.#publish(home, { stamps, keys: [], everyKey: false, cause }, heard), added }
    })
  }

  sweep(patterns: readonly Pattern[], cause: Cause, heard = false): Promise<RotateReply> {
    return this.#step((home) => {
      home.namespace.noteEverything()
      for (const key of home.application.keys()) {
        if (patterns.some((pattern) => pattern.test(key))) home.application.forget(key)
      }
      return this.#publish(home, { stamps: [], keys: [], everyKey: true, cause }, heard)
    })
  }

  heartbeat(): Promise<HeartbeatReply> {
    return this.#step((home) => {
      const { map, process, clock } = this.#session
      this.#agree(home)
      home.namespace.register(map)
      home.namespace.holders.set(process, clock.monotonic())
      return { positions: this.#positions(home), registrations: [home.namespace.token(map.stamp)] }
    })
  }

  skeleton(digest: string): Promise<string | undefined> {
    return this.#step((home) => home.namespace.skeleton(digest))
  }

  readonly leads: Leads = {
    lead: (request) => this.#step(({ application }) => application.leads.lead(request)),
    records: (title, known) => this.#step(({ application }) => application.leads.records(title, known)),
    record: (request) => this.#step(({ application }) => application.leads.record(request)),
  }

  async inspect(): Promise<readonly string[]> {
    return []
  }

  reconnect(): void {}

  async close(): Promise<void> {
    this.#home.namespace.subscribers.delete(this.#session.process)
    this.#open.delete(this)
  }

  #agree(home: Home): void {
    const { settings, namespace } = this.#session
    const inForce = home.namespace.agree(settings)
    if (inForce !== undefined) throw settingsMismatch(namespace, settings, inForce)
  }

  #readOne({ namespace, application }: Home, { key, stamps, claim }: ReadItem): ReadResult {
    const { epoch } = namespace
    const current = stamps.map((name) => namespace.token(name))
    const stored = application.value(key)
    const complete = current.every((token) => token !== '')
    const valid = stored !== undefined && complete && isCurrent(stored, epoch, stamps, current)
    const { map, lockMs, replicaLagMs } = this.#session
    const none = {
      epoch,
      value: undefined,
      voided: stored !== undefined && !valid,
      strange: stored !== undefined && !beginsWith(stored, FORMAT),
      locked: false,
      tokens: current,
      from: namespace.sourceOf(stamps, map, replicaLagMs),
    } as const
    if (stamps.some((name) => namespace.locked(name)) || namespace.quarantined(map, lockMs)) {
      return { ...none, from: PRIMARY_SOURCE, locked: true, claim: 'none', holder: undefined }
    }
    const beside = claim?.beside === true && !claim.takeOver
    if (valid && claim?.takeOver !== true && !beside)
      return { ...none, value: stored, claim: 'none', holder: undefined }
    const value = valid && beside ? stored : undefined
    const held = application.claim(key)
    // A claim whose vector is no longer current belongs to a load that can fill nothing.
    const holds = held !== undefined && complete && held.vector === current.join('')
    if (claim === undefined) return { ...none, claim: 'none', holder: holds ? held.nonce : undefined }
    if (holds && !claim.takeOver) return { ...none, value, claim: 'held', holder: held.nonce }
    const tokens = stamps.map((name, at) => current[at] || namespace.create(name))
    application.take(key, claim.nonce, tokens.join(''), claim.ttlMs)
    return { ...none, value, tokens, claim: 'granted', holder: claim.nonce }
  }

  #publish(
    home: Home,
    said: Pick<InvalidationMessage, 'stamps' | 'keys' | 'everyKey' | 'cause'>,
    heard: boolean,
  ): RotateReply {
    const { namespace } = home
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
    return { ...this.#reply(home), heard: heard ? this.#acknowledgements.wait(id, waiting) : undefined }
  }

  #reply(home: Home): RotateReply {
    return { positions: this.#positions(home), maps: home.namespace.maps }
  }

  #positions({ namespace }: Home): Position[] {
    const { epoch, sequence } = namespace
    return [{ partition: 0, epoch, sequence }]
  }

  /** One atomic step of the store; it runs, and its reply arrives, when the schedule says so. */
  #step<T>(step: (home: Home) => T): Promise<T> {
    const { process } = this.#session
    const home = this.#home
    return new Promise((resolve, reject) => {
      this.#schedule(
        () => {
          try {
            const result = step(home)
            this.#schedule(() => (home === this.#home ? resolve(result) : reject(cut())), 'reply', process)
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

/** What was asked before the connection was lost may have happened. */
function cut(): CacheError {
  return new CacheError('STORE_UNAVAILABLE', 'The connection was lost before the answer came.')
}

function isCurrent(
  stored: Uint8Array,
  epoch: string,
  stamps: readonly StampName[],
  tokens: readonly string[],
): boolean {
  return beginsWith(stored, fingerprint(fingerprintHead(stamps), epoch, tokens))
}
