import { type Clock, createCache, defineDependencies, defineKeys, type StoreDriver } from 'coherent-cache'
import { bundleSchema, type Whose } from './bundle.ts'

/** Writes void a bundle, so it may live for a day. A bundle of another shape would be another `version`. */
const bundle = { value: bundleSchema, ttl: '24h', staleIfError: '1h', version: 1 } as const
export const keys = defineKeys({
  bundle: { key: 'dashboard:tenant:{tenantId}:{testData}', ...bundle },
  overall: { key: 'dashboard:all:{testData}', ...bundle },
})
export const keyOf = ({ tenantId, testData }: Whose) =>
  tenantId === undefined ? keys.overall({ testData }) : keys.bundle({ tenantId, testData })

/** Rows have columns tenant_id and test_data, which name the two bundles that they are counted in. */
const rows = { invalidates: [keys.bundle, keys.overall], stable: ['tenant_id', 'test_data'] } as const

export const dependencies = defineDependencies({
  scopes: ['tenantId'],
  tables: {
    orders: rows,
    tickets: rows,
    customers: rows,
    tenants: { invalidates: [keys.bundle, keys.overall], bind: { tenantId: 'id' }, stable: ['id'] },
  },
})

export function openCache(instance: string, store: StoreDriver, clock: Clock) {
  return createCache({
    name: 'dashboards',
    instance,
    keys,
    dependencies,
    store,
    clock,
    partitionBy: 'tenantId',
    memory: { maxBytes: 64 * 1024 * 1024 },
  })
}
export type DashboardCache = ReturnType<typeof openCache>
