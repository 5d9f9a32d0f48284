import type { PGlite } from '@electric-sql/pglite'
import type { Clock } from 'coherent-cache'
import { z } from 'zod'

/** What a dashboard shows. What comes out of the store, where another version may have put it, is validated by this. */
export const bundleSchema = z.object({
  orders: z.number(),
  ordersThisMonth: z.number(),
  openTickets: z.number(),
  closedTickets: z.number(),
  customers: z.number(),
  newCustomers: z.number(),
  revenue: z.number(),
  revenueThisMonth: z.number(),
  revenuePerSeat: z.number(),
  recentOrders: z.array(z.object({ id: z.number(), placed_at: z.date() })),
})
export type Bundle = z.infer<typeof bundleSchema>

/** Whose bundle; without a tenant, that of all of them together. */
export interface Whose {
  readonly tenantId?: number | undefined
  readonly testData: boolean
}

const OF = 'WHERE ($1::int IS NULL OR tenant_id = $1) AND test_data = $2'
const SEATS = '(SELECT sum(seats) FROM tenants WHERE $1::int IS NULL OR id = $1)'

/** The bundle, by queries that run side by side. */
export async function queryBundle(
  sql: Pick<PGlite, 'query'>,
  { tenantId, testData }: Whose,
): Promise<Bundle> {
  const rows = async <Row>(text: string) => (await sql.query<Row>(text, [tenantId ?? null, testData])).rows
  const number = async (what: string, from: string, and = '') => {
    const [row] = await rows<{ value: number }>(`SELECT (${what})::int AS value FROM ${from} ${OF} ${and}`)
    return row?.value ?? 0
  }
  const total = 'coalesce(sum(amount), 0)'
  const month = `AND placed_at >= '2026-11-01'`
  return all({
    orders: number('count(*)', 'orders'),
    ordersThisMonth: number('count(*)', 'orders', month),
    openTickets: number('count(*)', 'tickets', 'AND open'),
    closedTickets: number('count(*)', 'tickets', 'AND NOT open'),
    customers: number('count(*)', 'customers'),
    newCustomers: number('count(*)', 'customers', `AND since >= '2026-11-01'`),
    revenue: number(total, 'orders'),
    revenueThisMonth: number(total, 'orders', month),
    revenuePerSeat: number(`${total} / ${SEATS}`, 'orders'),
    recentOrders: rows<Bundle['recentOrders'][number]>(
      `SELECT id, placed_at FROM orders ${OF} ORDER BY placed_at DESC, id DESC LIMIT 5`,
    ),
  })
}

/** What all of them come to, by name. */
async function all<Parts extends object>(
  parts: {
    readonly [Name in keyof Parts]: Promise<Parts[Name]>
  },
): Promise<Parts> {
  const entries = Object.entries<Promise<unknown>>(parts)
  const found = await Promise.all(entries.map(async ([name, part]) => [name, await part] as const))
  return Object.fromEntries(found) as Parts
}

/** How long that takes on tables that have grown. */
export const COMPUTING = 800

/** Computes bundles, as slowly as the team's database did. */
export class Bundles {
  computed = 0
  readonly #sql: Pick<PGlite, 'query'>
  readonly #clock: Clock

  constructor(sql: Pick<PGlite, 'query'>, clock: Clock) {
    this.#sql = sql
    this.#clock = clock
  }

  async compute(whose: Whose): Promise<Bundle> {
    this.computed++
    const bundle = await queryBundle(this.#sql, whose)
    await new Promise<void>((resolve) => {
      this.#clock.after(COMPUTING, resolve)
    })
    return bundle
  }
}
