import type { PGlite } from '@electric-sql/pglite'
import { createCache, defineDependencies } from 'coherent-cache'
import { type BoundPglite, bindPglite, type PGliteBindOptions } from 'coherent-cache/pglite'
import { type RecordingPglite, recording } from '../support/pglite.ts'

export const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*', 'landlord:{landlordId}'],
    orgs: ['org:{id}'],
    items: ['item:{orgId}:{id}'],
    audit: ['audit:*'],
    ledger: ['ledger:{id}'],
    'billing.invoices': ['invoice:{id}'],
    measured: {
      invalidates: ['measured:{id}:{size}'],
      bind: (row) => ({ id: row.id, size: row.amount > 100 ? 'large' : 'small' }),
    },
    lookups: {
      invalidates: ['lookup:{id}'],
      bind: async (row, tx) => (await tx.query(row.sql)).rows,
    },
    v_payments: ['view:*'],
    m_totals: ['totals:*'],
    parts: ['part:{region}:{id}'],
    parents: ['parent:*'],
    children: ['child:*'],
    numbers: ['number:*'],
  },
})

/** A cache bound to a database, and what it was told of writes. */
export interface Bound {
  readonly cache: ReturnType<typeof createCache>
  readonly db: BoundPglite<PGlite>
  /** The statements sent. */
  readonly client: RecordingPglite
  /** For each commit that invalidated something: the stamps, by name. */
  readonly invalidated: (readonly string[])[]
  readonly unknown: string[]
}

let instances = 0

export function bound(pglite: PGlite, options?: PGliteBindOptions): Bound {
  instances++
  const cache = createCache({ name: 'databases-room', instance: `${process.pid}-${instances}`, dependencies })
  const client = recording(pglite)
  const invalidated: (readonly string[])[] = []
  const unknown: string[] = []
  cache.on('invalidated', ({ receipt }) => invalidated.push([...receipt.stamps].sort()))
  cache.on('unknownTable', ({ table }) => unknown.push(table))
  return { cache, client, invalidated, unknown, db: bindPglite(client.db, cache, options) }
}
