import type { Clock } from '../core/clock.ts'
import type { Emitter } from '../core/events.ts'
import { ROOT, type StampName } from '../core/stamp.ts'
import type { InvalidationMessage, Position, StoreListener } from '../core/store.ts'
import type { Causes } from './causes.ts'
import type { MemoryLease } from './lease.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { StampTable } from './stamp-table.ts'

/** What a subscription keeps true. */
export interface Heard {
  readonly clock: Clock
  readonly stamps: StampTable
  readonly memory: MemoryTier | undefined
  readonly lease: MemoryLease
  readonly causes: Causes
  readonly events: Emitter
  /** The stamp of this process's registration. */
  readonly registration: StampName
  /** Whether hearing is all there is to know: no store behind it that could have gone on unheard. */
  readonly local: boolean
  /** Called with each new connection to the store: it may be to another server. */
  readonly onConnected: () => void
}

const OWN_REMEMBERED = 4_096

interface Waiting {
  readonly positions: readonly Position[]
  readonly resolve: (reached: boolean) => void
}

/**
 * What this process has heard of the store's invalidations: one state machine over messages, replies and the state of
 * the connection. Whatever it cannot account for (a gap, a backward step, another epoch, a disconnect) flushes the
 * local stamps; hearing can only make this process know less.
 */
export class Subscription implements StoreListener {
  readonly #heard: Heard
  readonly #own = new Set<string>()
  readonly #positions = new Map<number, Position>()
  #waiting: readonly Waiting[] = []
  #subscribed = false

  constructor(heard: Heard) {
    this.#heard = heard
  }

  get isSubscribed(): boolean {
    return this.#subscribed
  }

  subscribed(): void {
    this.#subscribed = true
    this.#positions.clear()
    this.flush('subscribed')
    if (this.#heard.local) this.#heard.lease.grant(Number.POSITIVE_INFINITY)
    this.#heard.onConnected()
  }

  reconnected(): void {
    this.#heard.onConnected()
  }

  unsubscribed(reason: string): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#heard.lease.lose()
    this.flush(reason)
    this.#settle()
  }

  /** The store may have gone on without being heard: no lease, and nothing known, until the next heartbeat. */
  distrust(reason: string): void {
    this.#heard.lease.lose()
    this.flush(reason)
  }

  /** An invalidation this process is about to make: its echo tells nothing new. */
  expectOwn(id: string): void {
    this.#own.add(id)
    if (this.#own.size <= OWN_REMEMBERED) return
    const [oldest] = this.#own
    if (oldest !== undefined) this.#own.delete(oldest)
  }

  invalidated(message: InvalidationMessage): void {
    const { stamps, memory, events, causes, clock } = this.#heard
    this.#follow(message)
    if (message.cause === undefined || !this.#own.has(message.cause.id)) {
      stamps.touch(message.stamps, message.keys)
      for (const key of message.keys) memory?.delete(key)
      if (message.everyKey) this.flush('an ad-hoc pattern')
      if (message.stamps.includes(ROOT)) memory?.clear()
      causes.note({ at: clock.now(), ...message })
      if (events.has('remoteInvalidated')) {
        events.emit('remoteInvalidated', { stamps: message.stamps, keys: message.keys, cause: message.cause })
      }
    }
    this.#settle()
    message.acknowledge?.()
  }

  /** A reply of the store named these epochs. Another one than is known: everything known is void. */
  observe(positions: readonly Position[]): void {
    const unknown = positions.filter(
      ({ partition, epoch }) => (this.#positions.get(partition)?.epoch ?? epoch) !== epoch,
    )
    if (unknown.length > 0) this.adopt(unknown)
  }

  /** Whether every invalidation of this epoch up to `sequence` has been heard. */
  reached(epoch: string, sequence: number): boolean {
    if (!this.#subscribed) return false
    for (const position of this.#positions.values()) {
      if (position.epoch === epoch) return position.sequence >= sequence
    }
    return false
  }

  /** The epoch of a partition, as last heard of. */
  epoch(partition: number): string | undefined {
    return this.#positions.get(partition)?.epoch
  }

  /** Resolves to true once all of these positions have been heard, to false after `patienceMs`. */
  whenReached(positions: readonly Position[], clock: Clock, patienceMs: number): Promise<boolean> {
    if (this.#all(positions)) return Promise.resolve(true)
    // Of an epoch that is not known nothing will ever be heard up to here.
    if (positions.some(({ partition, epoch }) => this.#positions.get(partition)?.epoch !== epoch))
      return Promise.resolve(false)
    return new Promise((resolve) => {
      const waiting: Waiting = {
        positions,
        resolve: (reached) => {
          cancel()
          this.#waiting = this.#waiting.filter((one) => one !== waiting)
          resolve(reached)
        },
      }
      const cancel = clock.after(patienceMs, () => waiting.resolve(false))
      this.#waiting = [...this.#waiting, waiting]
    })
  }

  /** Starts from the store's own word: what came before it is forgotten. */
  adopt(positions: readonly Position[]): void {
    this.flush('a lost message or another epoch')
    for (const position of positions) this.#positions.set(position.partition, position)
  }

  /** A registration that lapsed and came back voids what was filled under the old one. */
  checkRegistration(tokens: readonly string[]): void {
    const { stamps, registration } = this.#heard
    const known = stamps.tokens(registration)
    if (known.some((token) => !tokens.includes(token))) this.flush('a lapsed registration')
  }

  flush(reason: string): void {
    const { stamps, memory, events } = this.#heard
    const knew = stamps.size > 0
    stamps.flush()
    memory?.clear()
    if (knew && events.has('flushed')) events.emit('flushed', { reason })
  }

  /** Moves the partition's position to the message, and flushes unless it is the one after. */
  #follow({ partition, epoch, sequence }: InvalidationMessage): void {
    const known = this.#positions.get(partition)
    const next = known?.epoch === epoch && sequence === known.sequence + 1
    if (!next && known !== undefined) this.flush('a lost message or another epoch')
    const furthest = known?.epoch === epoch ? Math.max(known.sequence, sequence) : sequence
    this.#positions.set(partition, { partition, epoch, sequence: furthest })
  }

  #all(positions: readonly Position[]): boolean {
    return positions.every(({ partition, epoch, sequence }) => {
      const heard = this.#positions.get(partition)
      return heard?.epoch === epoch && heard.sequence >= sequence
    })
  }

  #settle(): void {
    for (const waiting of this.#waiting) {
      if (!this.#subscribed) waiting.resolve(false)
      else if (this.#all(waiting.positions)) waiting.resolve(true)
    }
  }
}
