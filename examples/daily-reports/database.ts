import { PGlite } from '@electric-sql/pglite'
import schema from './schema.sql'

/** Names a report. */
export type ReportId = { readonly orgId: number; readonly propertyId: number; readonly date: string }

/** What the page shows of one property on one day: approved entries, and how many wait for approval. */
export type DailyReport = {
  readonly net: number
  readonly revenue: number
  readonly expenses: number
  readonly pending: number
}

/** A row of `revenues` or `expenses`. */
export type Booking = {
  readonly id: number
  readonly org_id: number
  readonly property_id: number
  readonly occurred_at: Date
  readonly amount: number
  readonly status: 'pending' | 'approved'
}

/** What runs SQL: the database, or a transaction of it. */
export interface Sql {
  query<Row>(sql: string, values?: unknown[]): Promise<{ rows: Row[] }>
}

const REPORTS = `
  WITH bookings AS (
    SELECT occurred_at, status, amount AS revenue, 0 AS expense FROM revenues WHERE org_id = $1 AND property_id = $2
    UNION ALL
    SELECT occurred_at, status, 0, amount FROM expenses WHERE org_id = $1 AND property_id = $2
  ), days AS (
    SELECT (occurred_at AT TIME ZONE 'Asia/Kolkata')::date AS day, * FROM bookings
  )
  SELECT day::text AS date,
         coalesce(sum(revenue) FILTER (WHERE status = 'approved'), 0)::float8 AS revenue,
         coalesce(sum(expense) FILTER (WHERE status = 'approved'), 0)::float8 AS expenses,
         count(*) FILTER (WHERE status = 'pending')::int AS pending
  FROM days WHERE day = ANY($3::date[]) GROUP BY day`

/** Some reports of one property, in their order, computed from the rows. */
export async function computeReports(sql: Sql, reports: readonly ReportId[]): Promise<DailyReport[]> {
  type Day = { date: string; revenue: number; expenses: number; pending: number }
  const [{ orgId, propertyId }] = reports as readonly [ReportId]
  const dates = reports.map(({ date }) => date)
  const { rows } = await sql.query<Day>(REPORTS, [orgId, propertyId, dates])
  const days = new Map(rows.map((row) => [row.date, row]))
  return dates.map((date) => {
    const { revenue = 0, expenses = 0, pending = 0 } = days.get(date) ?? {}
    return { net: revenue - expenses, revenue, expenses, pending }
  })
}

/** PostgreSQL inside this process, and how often it was asked for a report. */
export class ReportsDatabase {
  readonly client: PGlite
  /** Reports computed for readers. */
  queries = 0

  private constructor(client: PGlite) {
    this.client = client
  }

  static async open(): Promise<ReportsDatabase> {
    return new ReportsDatabase(await PGlite.create())
  }

  /** The same rows again, as of `today`. @returns how many they are */
  async reset(today: string): Promise<number> {
    await this.client.query(`SELECT set_config('demo.today', $1, false)`, [today])
    await this.client.exec(schema)
    this.queries = 0
    const counted =
      'SELECT (SELECT count(*) FROM revenues)::int + (SELECT count(*) FROM expenses)::int AS rows'
    const { rows } = await this.client.query<{ rows: number }>(counted)
    return rows[0]?.rows ?? 0
  }

  /** What a page shows, straight from the rows. */
  async report(id: ReportId): Promise<DailyReport> {
    this.queries++
    const [report] = await computeReports(this.client, [id])
    return report as DailyReport
  }

  async close(): Promise<void> {
    await this.client.close()
  }
}
