import type { Cache } from '../core/cache.ts'
import { systemClock } from '../core/clock.ts'
import type { ChangeEvent, Consumer } from '../core/consumer.ts'
import { systemRandomness } from '../core/random.ts'
import { type ConsumerOptions, EventConsumer } from './event-consumer.ts'

export type { ChangeEvent, Consumed, Consumer, Parked } from '../core/consumer.ts'
export type { ConsumerOptions } from './event-consumer.ts'

/**
 * Applies changes that arrive from a message broker to a cache.
 *
 * - **At least once.** `consume` resolves once the change is applied in the store, so that the message may be
 *   acknowledged; it rejects where it is not, within `deadline`: let the broker deliver it again.
 * - **Duplicates and late events are harmless**: an invalidation that is applied twice, or late, costs a load. Ids of the
 *   last `remembered` events spare even that.
 * - **Trouble is tried again**, with pauses that double. A store that is away is waited for until the deadline; a `change`
 *   that throws parks the event after `attempts`.
 * - **What can never be applied is parked**, visibly in `parked`, and does not block others. `replay` applies it anew.
 *
 * Deduplication and parking are this process's: another consumer of the queue applies a duplicate once more.
 *
 * @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`
 *
 * @example
 * ```ts
 * import { createCache, defineDependencies } from 'coherent-cache'
 * import { createConsumer } from 'coherent-cache/sources'
 *
 * const dependencies = defineDependencies({ tables: { expenses: ['report:{orgId}:*'] } })
 * const cache = createCache({ name: 'finance', dependencies })
 * const consumer = createConsumer(cache, {
 *   id: (event: { eventId: string; orgId: number }) => event.eventId,
 *   change: ({ orgId }) => ({ table: 'expenses', rows: [{ org_id: orgId }], operation: 'insert' }),
 * })
 * await consumer.consume({ eventId: '7f9c', orgId: 7 }) // { status: 'applied', … }
 * await consumer.consume({ eventId: '7f9c', orgId: 7 }) // { status: 'duplicate', … }
 * ```
 */
export function createConsumer<E = ChangeEvent>(
  cache: Pick<Cache, 'invalidate'>,
  options?: ConsumerOptions<E>,
): Consumer<E> {
  return new EventConsumer<E>(
    { invalidate: (change) => cache.invalidate(change), clock: systemClock, randomness: systemRandomness() },
    options,
  )
}
