import type { CancelTimer, Clock } from '../core/clock.ts'
import type { HeartbeatReply, Store } from '../core/store.ts'
import type { MemoryLease } from './lease.ts'
import type { Subscription } from './subscription.ts'

/** What heartbeats work with. */
export interface HeartbeatRoom {
  readonly clock: Clock
  readonly lease: MemoryLease
  readonly subscription: Subscription
  readonly store: Pick<Store, 'heartbeat' | 'reconnect'>
  /** T. */
  readonly maxStalenessMs: number
  /** Called after each beat that was answered. */
  readonly onBeat?: () => void
}

/** After so many beats without hearing what others did the subscription is made anew. */
const DEAF = 2

/**
 * Keeps the memory lease: every T/2, while memory is in use, it asks the store how far every process must have heard,
 * and the lease lasts for T from the *sending* once this process has heard that far. Not reached within T/4: messages
 * were lost, so what is known locally is flushed and the store's position adopted. An idle process sends nothing; its
 * lease lapses, and the first read afterwards wakes the heartbeat.
 */
export class Heartbeat {
  readonly #room: HeartbeatRoom
  #cancel: CancelTimer = () => {}
  #scheduled = false
  #beating = false
  #closed = false
  /** Beats in a row up to which nothing was heard of what had happened. */
  #deaf = 0
  #wallClock = 0
  #monotonic = 0

  constructor(room: HeartbeatRoom) {
    this.#room = room
    this.#noteClocks()
  }

  /** A read would like to use memory and may not: beat now, unless a beat is under way. */
  async wake(): Promise<void> {
    // Without a subscription there can be no lease, however often the store is asked.
    if (this.#closed || this.#beating || !this.#room.subscription.isSubscribed) return
    this.#cancel()
    await this.#beat()
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  async #beat(): Promise<void> {
    const { clock, lease, store, maxStalenessMs } = this.#room
    this.#beating = true
    this.#scheduled = false
    lease.used = false
    const sentAt = clock.monotonic()
    const { term } = lease
    try {
      this.#checkClocks()
      const reply = await store.heartbeat()
      await this.#hear(reply, sentAt + maxStalenessMs, term)
      this.#room.onBeat?.()
    } catch {
      // The gate has told it; without an answer the lease lapses by itself.
    } finally {
      this.#beating = false
    }
    if (this.#closed || this.#scheduled) return
    this.#scheduled = true
    this.#cancel = clock.after(Math.max(1, sentAt + maxStalenessMs / 2 - clock.monotonic()), () => {
      this.#scheduled = false
      if (lease.used) void this.wake()
    })
  }

  /** Grants the lease once everything up to the reply has been heard, or forgotten. */
  async #hear(reply: HeartbeatReply, until: number, term: number): Promise<void> {
    const { clock, lease, subscription, store, maxStalenessMs } = this.#room
    const { positions } = reply
    const sameEpochs = positions.every(({ partition, epoch }) => subscription.epoch(partition) === epoch)
    if (await subscription.whenReached(positions, clock, maxStalenessMs / 4)) {
      this.#deaf = 0
    } else {
      subscription.adopt(positions)
      // Once may be a lost message or a busy process. Again: a connection that is dead and does not know it.
      if (sameEpochs && ++this.#deaf >= DEAF) {
        this.#deaf = 0
        store.reconnect('subscription')
      }
    }
    subscription.checkRegistration(reply.registrations)
    if (subscription.isSubscribed && term === lease.term && !this.#closed) lease.grant(until)
  }

  /** A wall clock that ran on while the monotonic one stood still: the machine was suspended. */
  #checkClocks(): void {
    const { clock, subscription, maxStalenessMs } = this.#room
    const wall = clock.now() - this.#wallClock
    const monotonic = clock.monotonic() - this.#monotonic
    if (Math.abs(wall - monotonic) > maxStalenessMs)
      subscription.flush('the clocks disagree: a suspended machine?')
    this.#noteClocks()
  }

  #noteClocks(): void {
    this.#wallClock = this.#room.clock.now()
    this.#monotonic = this.#room.clock.monotonic()
  }
}
