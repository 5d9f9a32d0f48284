import {
  type Clock,
  createCache,
  defineDependencies,
  defineKeys,
  type StoreDriver,
  ttlTiers,
  type,
} from 'coherent-cache'
import type { Finance, Metrics, Payment, Renter, Sql } from './reports.ts'

export interface Dashboard {
  readonly metrics: Metrics
  readonly occupancy: number
  readonly finance: Finance
}

/** Dashboards and metrics; occupancy; reports; lists that hardly change; and what is never kept. */
const tier = ttlTiers({ never: 0, hot: '5m', warm: '10m', cool: '15m', fixed: '24h' })
export const keys = defineKeys({
  dashboard: { key: 'rental:dashboard:{landlordId}', value: type<Dashboard>(), ttl: tier.hot },
  metrics: { key: 'rental:metrics:{landlordId}[:{start}[:{end}]]', value: type<Metrics>(), ttl: tier.hot },
  finance: { key: 'rental:finance:{landlordId}[:{start}[:{end}]]', value: type<Finance>(), ttl: tier.cool },
  occupancy: { key: 'rental:occupancy:{landlordId}', value: type<number>(), ttl: tier.warm },
  renters: { key: 'rental:renters:{landlordId}', value: type<readonly Renter[]>(), ttl: tier.fixed },
  payment: { key: 'rental:payment:{id}', value: type<Payment | null>(), ttl: tier.cool },
  notifications: {
    key: 'rental:notifications:{landlordId}',
    value: type<readonly string[]>(),
    ttl: tier.never,
  },
})

interface Tables {
  payments: Payment
  renters: Renter
  costs: { readonly landlord_id: number }
  notifications: object
}

export const dependencies = defineDependencies<Tables, Sql>()({
  scopes: ['landlordId'],
  tables: {
    payments: {
      // A family stands for all forms of its keys, with their spans and without; landlord 1 is never landlord 10.
      invalidates: [keys.metrics, keys.finance, keys.dashboard, keys.payment],
      // A payment names its renter, keys name the landlord. Where none is found, every landlord's reports are void.
      bind: async (payment, tx) => {
        const sql = 'SELECT landlord_id FROM renters WHERE id = $1'
        const found = await tx?.query<Pick<Renter, 'landlord_id'>>(sql, [payment.renter_id])
        return { id: payment.id, landlordId: found?.rows[0]?.landlord_id }
      },
      stable: ['id', 'landlordId'],
    },
    // Who pays is due: metrics hang on renters too.
    renters: {
      invalidates: [keys.occupancy, keys.renters, keys.metrics, keys.finance, keys.dashboard],
      stable: ['landlord_id'],
    },
    costs: { invalidates: [keys.finance, keys.dashboard], stable: ['landlord_id'] },
    notifications: [], // never kept
  },
})

export function openCache(instance: string, store: StoreDriver, clock: Clock) {
  return createCache({
    name: 'rental-reports',
    instance,
    keys,
    dependencies,
    store,
    clock,
    replicaLag: '10s', // well above what the replicas lag; what was voided less long ago is loaded from the primary
    loads: { concurrency: 30 }, // fits the pools
  })
}
