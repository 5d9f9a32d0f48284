import { createCache, defineDependencies, defineKeys, type StoreDriver, type } from 'coherent-cache'
import type { FinanceEvent } from './events.ts'

export interface Report {
  readonly revenue: number
  readonly expenses: number
}
/** A row of `revenues` or `expenses`. */
interface Entry {
  readonly org_id: number
  readonly property_id: number
  readonly day: string
}

/** Each kind has a room of its own in memory, so that neither displaces the other. */
const room = { value: type<Report>(), maxEntries: 1_000 }
export const keys = defineKeys({
  daily: { key: 'report:daily:{orgId}:{propertyId}:{date}', ttl: '5m', ...room },
  monthly: { key: 'report:monthly:{orgId}:{propertyId}:{month}', ttl: '24h', ...room },
  yearly: { key: 'report:yearly:{orgId}:{propertyId}:{year}', ttl: '24h', ...room },
})

const invalidates = [keys.daily, keys.monthly, keys.yearly] as const
/** The reports of a day: its own, its month's and its year's. */
const reportsOf = ({ org_id, property_id }: Omit<Entry, 'day'>, day: string) => ({
  orgId: org_id,
  propertyId: property_id,
  date: day,
  month: day.slice(0, 7),
  year: day.slice(0, 4),
})
const entries = { invalidates, bind: (row: Entry) => reportsOf(row, row.day) }

export const dependencies = defineDependencies<{
  revenues: Entry
  expenses: Entry
  finance_events: FinanceEvent
}>()({
  scopes: ['orgId'],
  tables: {
    revenues: entries,
    expenses: entries,
    // One event, several days.
    finance_events: { invalidates, bind: (event) => event.dates.map((day) => reportsOf(event, day)) },
  },
})

export function openCache(instance: string, store: StoreDriver) {
  return createCache({
    name: 'finance',
    instance,
    keys,
    dependencies,
    store,
    partitionBy: 'orgId',
    memory: { perTenant: 200 },
    storeTimeout: '2s', // on a busy machine rather wait for Redis than tell the story without it
  })
}
