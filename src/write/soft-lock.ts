import type { TableChange } from '../core/change.ts'
import type { CancelTimer } from '../core/clock.ts'
import { CacheError } from '../core/errors.ts'
import type { Cause } from '../core/events.ts'
import { ROOT, type StampName } from '../core/stamp.ts'
import type { ForeignChange } from './foreign-maps.ts'
import type { WriteRoom } from './room.ts'

/**
 * A unit's soft lock: taken before COMMIT on every stamp the unit will rotate, renewed until the outcome is known. As
 * long as it is live, readers load from the primary and nothing is filled; if this process dies, it expires and voids
 * its stamps, whatever became of the transaction.
 */
export class SoftLock {
  readonly id: string
  readonly #room: WriteRoom
  readonly #cause: Cause
  readonly #others: ForeignChange
  readonly #stamps: Set<StampName>
  readonly #named: readonly StampName[]
  #sentAt = Number.NEGATIVE_INFINITY
  #released = false
  #cancel: CancelTimer = () => {}

  /** @param named those of the stamps that stand for a pattern or a scope, which another map may not have */
  constructor(
    room: WriteRoom,
    stamps: readonly StampName[],
    named: readonly StampName[],
    writes: readonly TableChange[],
    cause: Cause,
  ) {
    this.#room = room
    this.#named = named
    this.#cause = cause
    this.#others = room.foreign.change(writes)
    this.#stamps = new Set(stamps)
    this.id = room.randomness.token()
  }

  /** All that it lies on, the stamps of other processes' maps included. */
  get stamps(): readonly StampName[] {
    return [...this.#stamps]
  }

  /**
   * Takes it, and goes on renewing it. Resolves only while it is certain to outlast a prompt COMMIT.
   *
   * @throws whatever the store rejects with: then nothing is certain to be locked.
   */
  async take(): Promise<void> {
    const { clock, softLockMs } = this.#room
    do await this.#lock()
    while (clock.monotonic() - this.#sentAt >= softLockMs / 2)
    this.#renewLater()
  }

  /** Stops renewing. Taking it off is the rotation's part. */
  release(): void {
    this.#released = true
    this.#cancel()
  }

  async #lock(): Promise<void> {
    const { clock, store, subscription, randomness, strict } = this.#room
    for (const name of await this.#others.expected()) this.#stamps.add(name)
    for (;;) {
      const sentAt = clock.monotonic()
      const cause = { ...this.#cause, id: randomness.token() }
      subscription.expectOwn(cause.id)
      const reply = await store.lock({ stamps: this.stamps, lock: this.id, cause, heard: strict })
      await reply.heard
      this.#sentAt = sentAt
      const met = await this.#others.meet(reply.maps, store)
      const before = this.#stamps.size
      for (const name of met) this.#stamps.add(name)
      if (this.#named.some((name) => this.#others.without(name).length > 0)) this.#stamps.add(ROOT)
      if (this.#stamps.size === before) return
    }
  }

  #renewLater(): void {
    const { clock, softLockMs } = this.#room
    this.#cancel = clock.after(softLockMs / 3, () => {
      if (this.#released) return
      // One that found its lock gone has locked and rotated again; one that fails is tried again until the outcome is known.
      this.#lock()
        .catch(() => {})
        .finally(() => {
          if (!this.#released) this.#renewLater()
        })
    })
  }
}

/** The error of a transaction that must not commit without its locks. */
export function unprotected(cause: unknown): CacheError {
  return new CacheError(
    'STORE_UNAVAILABLE',
    "The transaction's soft locks could not be taken because the store is away, so it must be rolled back. Try it again, or set onStoreUnavailable: 'proceed' to commit without the promise of this mode.",
    { cause },
  )
}
