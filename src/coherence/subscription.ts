import type { Clock } from '../core/clock.ts'
import type { Emitter } from '../core/events.ts'
import { ROOT } from '../core/stamp.ts'
import type { InvalidationMessage, StoreListener } from '../core/store.ts'
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
}

const OWN_REMEMBERED = 4_096

/**
 * What this process has heard of the store's invalidations: one state machine over messages, replies and the state of
 * the connection. Whatever it cannot account for (a gap, a backward step, another epoch, a disconnect) flushes the
 * local stamps; hearing can only make this process know less.
 */
export class Subscription implements StoreListener {
  readonly #heard: Heard
  readonly #own = new Set<string>()
  #subscribed = false
  #epoch: string | undefined
  #sequence = 0
  /** Called when the subscription comes or goes. */
  onChange: ((subscribed: boolean) => void) | undefined

  constructor(heard: Heard) {
    this.#heard = heard
  }

  get isSubscribed(): boolean {
    return this.#subscribed
  }

  subscribed(): void {
    this.#subscribed = true
    this.flush('subscribed')
    this.#heard.lease.grant(Number.POSITIVE_INFINITY)
    this.onChange?.(true)
  }

  unsubscribed(reason: string): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#heard.lease.lose()
    this.flush(reason)
    this.onChange?.(false)
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
    if (!this.#follows(message)) this.flush('a lost message or another epoch')
    this.#epoch = message.epoch
    this.#sequence = message.sequence
    if (message.cause !== undefined && this.#own.delete(message.cause.id)) return
    stamps.touch(message.stamps, message.keys)
    for (const key of message.keys) memory?.delete(key)
    if (message.everyKey) this.flush('an ad-hoc pattern')
    if (message.stamps.includes(ROOT)) memory?.clear()
    causes.note({ at: clock.now(), ...message })
    if (events.has('remoteInvalidated')) {
      events.emit('remoteInvalidated', { stamps: message.stamps, keys: message.keys, cause: message.cause })
    }
  }

  /** A reply of the store named this epoch. @returns false where it is another one: everything known is void. */
  observe(epoch: string): boolean {
    if (this.#epoch === epoch) return true
    const first = this.#epoch === undefined
    this.#epoch = epoch
    this.#sequence = Number.NaN
    if (!first) this.flush('another epoch')
    return first
  }

  /** Whether every invalidation of this epoch up to `sequence` has been heard. */
  reached(epoch: string, sequence: number): boolean {
    return this.#subscribed && this.#epoch === epoch && this.#sequence >= sequence
  }

  flush(reason: string): void {
    const { stamps, memory, events } = this.#heard
    stamps.flush()
    memory?.clear()
    if (events.has('flushed')) events.emit('flushed', { reason })
  }

  #follows(message: InvalidationMessage): boolean {
    if (this.#epoch === undefined) return true
    if (this.#epoch !== message.epoch) return false
    return Number.isNaN(this.#sequence) || message.sequence === this.#sequence + 1
  }
}
