import type { Booking, ReportId, Sql } from './database.ts'
import type { Change } from './traffic.ts'

/** What the service's write endpoints do, each inside a transaction that somebody else began. */
export async function applyChange(tx: Sql, change: Change): Promise<readonly Booking[]> {
  const { kind, table, amount, reports } = change
  const [{ orgId, propertyId, date }] = reports
  if (kind === 'create') {
    const { rows } = await tx.query<Booking>(
      `INSERT INTO ${table} (org_id, property_id, occurred_at, amount, status)
       VALUES ($1, $2, $3, $4, 'approved') RETURNING *`,
      [orgId, propertyId, noonOf(date), amount],
    )
    return rows
  }
  const ids = await find(tx, change)
  if (kind === 'update') {
    const { rows } = await tx.query<Booking>(`UPDATE ${table} SET amount = $2 WHERE id = $1 RETURNING *`, [
      ids[0],
      amount,
    ])
    return rows
  }
  if (kind === 'delete') {
    const { rows } = await tx.query<Booking>(`DELETE FROM ${table} WHERE id = $1 RETURNING *`, [ids[0]])
    return rows
  }
  const { rows } = await tx.query<Booking>(
    `UPDATE ${table} SET status = 'approved' WHERE id = ANY($1) RETURNING *`,
    [ids],
  )
  return rows
}

/** The rows that a change is about: for an approval those that wait for one, else the first approved of the day. */
async function find(tx: Sql, { kind, table, reports }: Change): Promise<number[]> {
  const approval = kind === 'approve' || kind === 'approveDays'
  const [{ orgId, propertyId }] = reports
  const { rows } = await tx.query<{ id: number }>(
    `SELECT id FROM ${table}
     WHERE org_id = $1 AND property_id = $2 AND status = $3
       AND (occurred_at AT TIME ZONE 'Asia/Kolkata')::date = ANY($4::date[])
     ORDER BY id LIMIT $5`,
    [
      orgId,
      propertyId,
      approval ? 'pending' : 'approved',
      reports.map((report: ReportId) => report.date),
      kind === 'approveDays' ? 1_000 : 1,
    ],
  )
  return rows.map(({ id }) => id)
}

function noonOf(date: string): string {
  return `${date}T12:00:00+05:30`
}
