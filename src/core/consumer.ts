import type { InvalidateRequests } from './change.ts'
import type { Receipt } from './receipt.ts'

/** A change that a message broker tells of. */
export interface ChangeEvent<Tables extends string = string, Scopes extends string = string> {
  /** Names the event: a second one of the same id is a duplicate. */
  readonly id: string
  /** What it makes void, as `cache.invalidate` takes it. */
  readonly change: InvalidateRequests<Tables, Scopes>
}

/** What became of an event. All three mean that the broker need not deliver it again. */
export interface Consumed {
  /** `'parked'`: it can never be applied as it is; it is kept for a person to look at, and to replay. */
  readonly status: 'applied' | 'duplicate' | 'parked'
  /** Where it was applied. */
  readonly receipt: Receipt | undefined
  /** How often it was tried. */
  readonly attempts: number
}

/** An event that could not be applied, kept until it is replayed or dropped. */
export interface Parked<E = ChangeEvent> {
  readonly id: string
  readonly event: E
  readonly error: unknown
  readonly attempts: number
  /** Wall-clock milliseconds since 1970. */
  readonly at: number
}

/** Applies changes that arrive at least once, in any order. */
export interface Consumer<E = ChangeEvent> {
  /**
   * Applies an event. Resolves once the broker need not deliver it again.
   *
   * @throws CacheError `INVALID_ARGUMENT` for an event without an id; `TIMEOUT` where it was not applied in time, and
   *   `OVERLOADED` where it ought to be parked and too many are: the broker must keep it in both cases.
   */
  consume(event: E): Promise<Consumed>
  /** Events being handled, and waiting for their turn. */
  readonly pending: number
  readonly parked: readonly Parked<E>[]
  /**
   * Applies a parked event, or all of them, anew. What fails again is parked again.
   *
   * @throws CacheError `INVALID_ARGUMENT` for an id that is not parked; and what {@link Consumer.consume} throws, after
   *   which the event is still parked.
   */
  replay(id?: string): Promise<readonly Consumed[]>
  /** Forgets a parked event. @returns whether there was one */
  drop(id: string): boolean
}
