import type { PGlite } from '@electric-sql/pglite'
import { bindPglite } from 'coherent-cache/pglite'
import type { Warming } from 'coherent-cache/warming'
import type { Bundles } from './bundle.ts'
import { type DashboardCache, keyOf } from './cache.ts'

export interface User {
  readonly tenantId: number
  readonly admin: boolean
  readonly superadmin: boolean
}

const forbidden = () => new Response(null, { status: 403 })

/** One process of the service. */
export function createService(cache: DashboardCache, client: PGlite, bundles: Bundles, warming: Warming) {
  const db = bindPglite(client, cache)
  const log: string[] = []

  return {
    cache,
    warming,
    log,

    /** GET /dashboard: one's own bundle, a superadmin's over all tenants. `bust_cache=true` computes it anew. */
    async dashboard(request: Request, user: User): Promise<Response> {
      const query = new URL(request.url).searchParams
      const testData = query.get('test_data') === 'true'
      const bust = query.get('bust_cache') === 'true'
      if (bust && !user.admin) return forbidden()

      const whose = { testData, tenantId: user.superadmin ? undefined : user.tenantId }
      const { value, status, tier, age } = await cache.getEntry(keyOf(whose), () => bundles.compute(whose), {
        freshness: bust ? 'reload' : 'bounded',
        timeout: { hard: '5s' },
      })
      log.push(`${keyOf(whose)}: ${status}, ${tier}, ${Math.round(age / 60_000)} min old`)
      return Response.json(value, { headers: { 'x-cache': status, 'x-cache-tier': tier } })
    },

    /** POST /orders: the tenant's bundle, and that of all tenants, are void with the row. */
    async placeOrder({ tenantId }: User, amount: number, placedAt: Date, testData = false): Promise<void> {
      await db.query(
        'INSERT INTO orders (tenant_id, test_data, amount, placed_at) VALUES ($1, $2, $3, $4) RETURNING *',
        [tenantId, testData, amount, placedAt],
      )
    },

    /** PATCH /tenants/{id} */
    async setSeats(tenantId: number, seats: number): Promise<void> {
      await db.query('UPDATE tenants SET seats = $2 WHERE id = $1 RETURNING *', [tenantId, seats])
    },

    /** POST /dashboard/clear: one tenant, or all where it is said; an empty request clears nothing. */
    async clear(user: User, { tenantId, all }: { tenantId?: number; all?: true }): Promise<Response> {
      if (!user.admin || (!user.superadmin && (all || tenantId !== user.tenantId))) return forbidden()
      if (all) return Response.json(await cache.clear())
      if (tenantId === undefined) return Response.json({ error: 'name a tenant, or all' }, { status: 400 })
      return Response.json(await cache.invalidate({ scope: { tenantId } }))
    },

    /** GET /health: without its store the service works, slower. */
    health(): Response {
      const health = cache.health()
      return Response.json(health, { status: health.status === 'closed' ? 503 : 200 })
    },

    /** For the runbook: why is this bundle slow, or old, or void so often? */
    async inspect(user: User) {
      const { tier, age, ttl, dependsOn, invalidatedBy } = await cache.explain(
        keyOf({ tenantId: user.tenantId, testData: false }),
      )
      return { tier, age, ttl, dependsOn, invalidatedBy, byTable: cache.stats().tables }
    },
  }
}
export type Service = ReturnType<typeof createService>
