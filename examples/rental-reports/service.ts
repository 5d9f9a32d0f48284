import type { PGlite } from '@electric-sql/pglite'
import type { CacheReader, ReadOptions } from 'coherent-cache'
import { bindPglite } from 'coherent-cache/pglite'
import { type Dashboard, keys, type openCache } from './cache.ts'
import type { Payment, Reports } from './reports.ts'

export interface User {
  readonly admin: boolean
  readonly landlordIds: readonly number[]
}

/** Ids that one query is asked for. */
const PAGE = 100

/** One process of the service. */
export function createService(cache: ReturnType<typeof openCache>, primary: PGlite, reports: Reports) {
  const db = bindPglite(primary, cache)

  /** The repository, read through the cache or a session of it. `source` keeps out a replica that may lag. */
  const through = (reader: CacheReader, options?: ReadOptions) =>
    reader.wrap(reports, {
      metrics: {
        key: (landlordId, span) => keys.metrics({ landlordId, ...span }),
        load: ({ source }, repository, [landlordId, span]) => repository.metrics(landlordId, span, source),
        ...options,
      },
      finance: {
        key: (landlordId, span) => keys.finance({ landlordId, ...span }),
        load: ({ source }, repository, [landlordId, span]) => repository.finance(landlordId, span, source),
        ...options,
      },
      occupancy: {
        key: (landlordId) => keys.occupancy({ landlordId }),
        load: ({ source }, repository, [landlordId]) => repository.occupancy(landlordId, source),
        ...options,
      },
      renters: {
        key: (landlordId) => keys.renters({ landlordId }),
        load: ({ source }, repository, [landlordId]) => repository.renters(landlordId, source),
      },
      notifications: { key: (landlordId) => keys.notifications({ landlordId }) },
    })

  return {
    cache,
    reports: through(cache),

    /** GET /dashboard. Whether the user may see it comes first; with a payment's token no part predates the payment. */
    async dashboard(user: User, landlordId: number, readAfter: string | null = null, refresh = false) {
      if (!user.landlordIds.includes(landlordId)) return new Response(null, { status: 403 })
      const session = cache.session(readAfter)
      const options: ReadOptions = { freshness: refresh ? 'reload' : 'bounded', staleIfError: '1h' }
      const parts = through(session, options)
      const { value, tier } = await session.getEntry(
        keys.dashboard({ landlordId }),
        async (): Promise<Dashboard> => {
          const [metrics, occupancy, finance] = await Promise.all([
            parts.metrics(landlordId, {}),
            parts.occupancy(landlordId),
            parts.finance(landlordId, {}),
          ])
          return { metrics, occupancy, finance }
        },
        options,
      )
      return Response.json(value, { headers: { 'x-cache': tier } })
    },

    /** GET /payments?ids=…: of each page one query, for the ids that missed. */
    async payments(ids: readonly number[]): Promise<(Payment | null)[]> {
      const pages: (Payment | null)[][] = []
      for (let at = 0; at < ids.length; at += PAGE) {
        const asked = ids.slice(at, at + PAGE).map((id) => ({ id }))
        const page = await cache.getMany(keys.payment, asked, (missing, { source }) =>
          reports.payments(
            missing.map(({ id }) => id),
            source,
          ),
        )
        pages.push(page)
      }
      return pages.flat()
    },

    /** POST /payments. The answer carries what the next read must not be older than. */
    async pay(renterId: number, amount: number, paidOn: string): Promise<Response> {
      const headers = new Headers()
      await db.transaction(async (tx) => {
        tx.onCommitted(({ token }) => headers.set('x-read-after', token))
        await tx.query('INSERT INTO payments (renter_id, amount, paid_on) VALUES ($1, $2, $3) RETURNING *', [
          renterId,
          amount,
          paidOn,
        ])
      })
      return new Response(null, { status: 201, headers })
    },

    /** PATCH /renters/{id} */
    async leave(renterId: number): Promise<void> {
      await db.query(`UPDATE renters SET status = 'left' WHERE id = $1 RETURNING *`, [renterId])
    },

    /** GET and DELETE /admin/cache. */
    async administer(
      user: User,
      action: 'stats' | 'explain' | 'clear',
      landlordId: number,
    ): Promise<Response> {
      if (!user.admin) return new Response(null, { status: 403 })
      if (action === 'clear') return Response.json(await cache.invalidate({ scope: { landlordId } }))
      if (action === 'explain') return Response.json(await cache.explain(keys.metrics({ landlordId })))
      const { hits, misses, hitRate, entries } = cache.stats()
      return Response.json({ requests: hits.memory + hits.store + misses, hitRate, entries })
    },
  }
}
export type Service = ReturnType<typeof createService>
