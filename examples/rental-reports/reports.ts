/** The repository: what costs 300 to 800 ms each, on a grown database. It knows nothing of a cache. */
export interface Metrics {
  readonly paid: number
  readonly due: number
}
export interface Finance {
  readonly income: number
  readonly costs: number
}
export interface Payment {
  readonly id: number
  readonly renter_id: number
  readonly amount: number
  readonly paid_on: string
}
export interface Renter {
  readonly id: number
  readonly landlord_id: number
  readonly status: 'active' | 'left'
}
/** Days, from and up to. */
export interface Span {
  readonly start?: string | undefined
  readonly end?: string | undefined
}
/** What runs SQL. */
export interface Sql {
  query<Row>(sql: string, values?: unknown[]): Promise<{ rows: Row[] }>
}
export type Source = 'primary' | 'any'

const METRICS = `
  SELECT coalesce(sum(amount), 0)::int AS paid,
         (SELECT coalesce(sum(rent), 0) FROM renters WHERE landlord_id = $1 AND status = 'active')::int AS due
  FROM payments p JOIN renters r ON r.id = p.renter_id
  WHERE landlord_id = $1 AND paid_on BETWEEN $2 AND $3`
const FINANCE = `
  SELECT (SELECT coalesce(sum(amount), 0) FROM payments p JOIN renters r ON r.id = p.renter_id
          WHERE landlord_id = $1 AND paid_on BETWEEN $2 AND $3)::int AS income,
         (SELECT coalesce(sum(amount), 0) FROM costs WHERE landlord_id = $1 AND paid_on BETWEEN $2 AND $3)::int AS costs`

export class Reports {
  readonly #primary: Sql
  readonly #replica: Sql
  /** Queries, by where they went. */
  readonly queries = { primary: 0, replica: 0 }

  constructor(primary: Sql, replica: Sql) {
    this.#primary = primary
    this.#replica = replica
  }

  async metrics(landlordId: number, { start, end }: Span, source: Source = 'any'): Promise<Metrics> {
    const [metrics] = await this.#query<Metrics>(source, METRICS, [landlordId, start ?? '', end ?? '9'])
    return metrics as Metrics
  }

  async finance(landlordId: number, { start, end }: Span, source: Source = 'any'): Promise<Finance> {
    const [finance] = await this.#query<Finance>(source, FINANCE, [landlordId, start ?? '', end ?? '9'])
    return finance as Finance
  }

  /** The share of those who rent that still do. */
  async occupancy(landlordId: number, source: Source = 'any'): Promise<number> {
    const sql = `SELECT coalesce(round(avg((status = 'active')::int), 2), 0)::float8 AS share FROM renters WHERE landlord_id = $1`
    const [found] = await this.#query<{ share: number }>(source, sql, [landlordId])
    return found?.share ?? 0
  }

  async renters(landlordId: number, source: Source = 'any'): Promise<readonly Renter[]> {
    const sql = 'SELECT id, landlord_id, status FROM renters WHERE landlord_id = $1 ORDER BY id'
    return this.#query<Renter>(source, sql, [landlordId])
  }

  async notifications(landlordId: number): Promise<readonly string[]> {
    const sql = 'SELECT text FROM notifications WHERE landlord_id = $1 ORDER BY id'
    return (await this.#query<{ text: string }>('primary', sql, [landlordId])).map(({ text }) => text)
  }

  /** In the order asked; null where there is none. */
  async payments(ids: readonly number[], source: Source = 'any'): Promise<(Payment | null)[]> {
    const found = await this.#query<Payment>(source, 'SELECT * FROM payments WHERE id = ANY($1)', [ids])
    const byId = new Map(found.map((payment) => [payment.id, payment]))
    return ids.map((id) => byId.get(id) ?? null)
  }

  async #query<Row>(source: Source, sql: string, values: unknown[]): Promise<Row[]> {
    this.queries[source === 'primary' ? 'primary' : 'replica']++
    return (await (source === 'primary' ? this.#primary : this.#replica).query<Row>(sql, values)).rows
  }
}
