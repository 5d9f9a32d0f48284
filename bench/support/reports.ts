import { defineDependencies, defineKeys } from 'coherent-cache'

/**
 * The workload of most cases: a report per organisation, property and day. Each value hangs on five stamps (everything,
 * the pattern, and each leading run of its captures), and on a sixth where a store is shared.
 */
export const keys = defineKeys({ report: 'report:daily:{orgId}:{propertyId}:{date}' })

export const dependencies = defineDependencies({
  tables: {
    revenues: ['report:daily:{orgId}:{propertyId}:{date}', 'report:monthly:{orgId}:*'],
    unrelated: ['unrelated:*'],
  },
})

/** The report of a number: 100 organisations, 10 properties each, any number of days. */
export function reportKey(at: number): string {
  return keys.report({ orgId: at % 100, propertyId: Math.floor(at / 100) % 10, date: Math.floor(at / 1_000) })
}

/** A report of about 300 bytes of JSON; a new object each time, as a loader returns it. */
export function makeReport(at: number) {
  return {
    id: at,
    currency: 'USD',
    revenue: 125_000.5 + at,
    expenses: 48_210.25,
    net: 76_790.25 + at,
    pending: 3,
    lines: [
      { name: 'rooms', amount: 98_000, share: 0.78 },
      { name: 'restaurant', amount: 21_000.5, share: 0.17 },
      { name: 'events', amount: 6_000, share: 0.05 },
    ],
    approvedBy: 'night audit',
    note: 'closed at 02:00, no adjustments since',
  }
}
