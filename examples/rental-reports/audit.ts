import type { PGlite } from '@electric-sql/pglite'
import { createCache, type Dependencies, defineDependencies } from 'coherent-cache'
import { auditDependencies } from 'coherent-cache/audit'
import { bindPglite } from 'coherent-cache/pglite'
import { keys } from './cache.ts'
import { Reports } from './reports.ts'

/** The team's own map: patterns that look right, and match none of its keys. */
export const theirMap = defineDependencies({
  tables: {
    payments: ['payment_metrics:{landlordId}:*', 'rental:financial:{landlordId}:*', 'rental:payment:{id}'],
    renters: ['occupancy:{landlordId}', 'rental:renters:{landlordId}'],
  },
})

/** What the loaders really read, beside what a map declares. Run it as a test: docs/audit.md. */
export async function audit(dependencies: Dependencies, client: PGlite) {
  const cache = createCache({ name: 'rental-audit', keys, dependencies })
  const database = bindPglite(client, cache)
  const report = await auditDependencies(
    cache,
    {
      metrics: { key: keys.metrics({ landlordId: 1 }), load: (_, tx) => new Reports(tx, tx).metrics(1, {}) },
      finance: { key: keys.finance({ landlordId: 1 }), load: (_, tx) => new Reports(tx, tx).finance(1, {}) },
      occupancy: {
        key: keys.occupancy({ landlordId: 1 }),
        load: (_, tx) => new Reports(tx, tx).occupancy(1),
      },
      renters: { key: keys.renters({ landlordId: 1 }), load: (_, tx) => new Reports(tx, tx).renters(1) },
      payment: { key: keys.payment({ id: 1 }), load: (_, tx) => new Reports(tx, tx).payments([1]) },
    },
    { database },
  )
  await cache.close()
  return report
}
