import type { Clock } from '../core/clock.ts'
import { type Owed, ReplayQueue } from './replay-queue.ts'

const PARTS = 6

/** The changes of some stretch of time. */
interface Stretch {
  readonly since: number
  readonly changes: ReplayQueue
}

/**
 * The changes of the last while, for a store that turns out to have forgotten some: a primary that goes on after its
 * replica was promoted acknowledges what nobody else will ever hear. Bounded, as the replay queue is, in each sixth of
 * the window.
 */
export class RecentChanges {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #underWay = new Set<Owed>()
  #stretches: Stretch[] = []

  /** @param windowMs for how long a change is kept at least; 0 keeps none */
  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock
    this.#windowMs = windowMs
  }

  get any(): boolean {
    this.#forget()
    return this.#stretches.length > 0 || this.#underWay.size > 0
  }

  /** The store is about to be told: from now on the change is one of the last, or it would be forgotten in between. */
  begin(change: Owed): void {
    if (this.#windowMs > 0) this.#underWay.add(change)
  }

  /** The store could not be told: whoever tells it later begins anew. */
  failed(change: Owed): void {
    this.#underWay.delete(change)
  }

  /** The store has been told. */
  told(change: Owed): void {
    if (!this.#underWay.delete(change)) return
    this.#forget()
    const now = this.#clock.monotonic()
    let current = this.#stretches.at(-1)
    if (current === undefined || now - current.since >= this.#windowMs / PARTS) {
      current = { since: now, changes: new ReplayQueue() }
      this.#stretches.push(current)
    }
    current.changes.add(change)
  }

  /** Puts them all in a queue, and keeps only those under way. @returns whether there were any. */
  moveTo(queue: ReplayQueue): boolean {
    const { any } = this
    for (const { changes } of this.#stretches) queue.putBack(changes.take())
    for (const change of this.#underWay) queue.add(change)
    this.#stretches = []
    return any
  }

  #forget(): void {
    const now = this.#clock.monotonic()
    const kept = this.#windowMs + this.#windowMs / PARTS
    while (this.#stretches[0] !== undefined && now - this.#stretches[0].since > kept) this.#stretches.shift()
  }
}
