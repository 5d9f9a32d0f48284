import { createCache, defineDependencies, defineKeys, type Logger, type } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import type { Redis } from 'ioredis'

/** What is left to hedge. Hedges are only ever added, so `hedged` also tells which of two answers is the newer one. */
export interface Available {
  readonly hedged: number
  readonly available: number
}

export const keys = defineKeys({
  available: { key: 'available_amounts:{entityId}:{currency}', value: type<Available>(), ttl: '10m' },
  positions: { key: 'hedge_positions:{entityId}:{currency}', value: type<readonly number[]>(), ttl: '10m' },
  capacity: { key: 'entity_capacity:{entityId}', value: type<number>(), ttl: '10m' },
  nav: 'nav_calculations:{entityId}[:{day}]',
  pnl: { key: 'realtime_pnl:{entityId}', value: type<number>(), ttl: '1m' },
})

/**
 * What hangs on what. A hedge never moves to another entity or currency, so its row voids the keys of those and no
 * others. A pattern that starts with a star reaches keys wherever they are made, and voids all of them.
 */
const dependencies = defineDependencies({
  scopes: ['entityId', 'currency'],
  tables: {
    hedge_instructions: {
      invalidates: [
        keys.available,
        keys.positions,
        '*exposure_analysis*',
        '*allocation_drift*',
        '*template_*',
      ],
      stable: ['entity_id', 'currency'],
    },
    position_nav_master: {
      invalidates: [keys.available, keys.nav, '*portfolio_valuation*'],
      stable: ['entity_id', 'currency'],
    },
    deal_bookings: [keys.positions, keys.pnl, '*portfolio_structure*'],
    gl_entries: [keys.pnl, '*portfolio_valuation*'],
    v_entity_capacity: [keys.capacity],
  },
  // A view stands for the tables it reads, through other views too: a hedge voids the capacities of all entities.
  views: {
    v_available_amounts: ['hedge_instructions', 'position_nav_master'],
    v_entity_capacity: ['v_available_amounts'],
  },
})

/** Without a Redis it is a cache in memory, and nothing else is different. */
export function openCache(instance: string, redis: Redis | undefined, logger?: Logger) {
  return createCache({
    name: 'hedging',
    instance,
    keys,
    dependencies,
    store: redis && redisStore({ client: redis }),
    consistency: 'strict', // no read of any process, once it begins after a COMMIT, is older than that
    onStoreUnavailable: 'proceed', // Redis being away never fails a booking: its receipt says 'unprotected'
    storeTimeout: '1s', // a Redis that hangs delays one no longer than that, at each of the two times it is asked
    logger,
  })
}
