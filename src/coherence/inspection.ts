import type { Clock } from '../core/clock.ts'
import type { Emitter } from '../core/events.ts'
import type { Store } from '../core/store.ts'

const EVERY_MS = 60_000

/**
 * What of its promises a cache cannot keep as the store is set up, with what to change. Looked at when the store is up,
 * and again every minute while the store is in use.
 */
export class Inspection {
  readonly #store: Pick<Store, 'inspect'>
  readonly #clock: Clock
  readonly #events: Emitter
  #always: readonly string[]
  #found: readonly string[] = []
  #next = Number.NEGATIVE_INFINITY

  /** @param always warnings of the cache's own settings */
  constructor(
    store: Pick<Store, 'inspect'>,
    { clock, events }: { readonly clock: Clock; readonly events: Emitter },
    always: readonly string[],
  ) {
    this.#store = store
    this.#clock = clock
    this.#events = events
    this.#always = always
  }

  get warnings(): readonly string[] {
    return [...this.#always, ...this.#found]
  }

  /** What has been found once and for all. It is told once whoever created the cache has added listeners. */
  add(found: readonly string[]): void {
    this.#always = [...this.#always, ...found]
    if (found.length === 0) return
    queueMicrotask(() => {
      for (const message of found) this.#events.emit('warning', { message })
    })
  }

  /** Looks, if it has not for a while. Never rejects: a store that does not answer has been told of elsewhere. */
  async look(): Promise<void> {
    const now = this.#clock.monotonic()
    if (now < this.#next) return
    this.#next = now + EVERY_MS
    const found = await this.#store.inspect().catch(() => this.#found)
    const known = this.#found
    this.#found = found
    for (const message of found) if (!known.includes(message)) this.#events.emit('warning', { message })
  }

  /** Forgets when it looked last: the store may be another one now. */
  lookAgain(): Promise<void> {
    this.#next = Number.NEGATIVE_INFINITY
    return this.look()
  }
}
