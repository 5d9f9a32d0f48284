import type { FinanceEvent, Sql } from './events.ts'

/**
 * Stands in for the team's queue: hands every event to one of the replicas, at least once and in no certain order. An
 * event that its handler rejects, or whose acknowledgement is lost, is delivered again.
 *
 * @returns how many were delivered
 */
export async function deliver(
  sql: Sql,
  handle: (event: FinanceEvent) => Promise<void>,
  { acknowledge = true } = {},
): Promise<number> {
  const { rows } = await sql.query<FinanceEvent>(
    `SELECT * FROM finance_events e
     WHERE NOT EXISTS (SELECT FROM event_deliveries d WHERE d.event_id = e.id) ORDER BY number DESC`,
  )
  const outcomes = await Promise.allSettled(rows.map(handle))
  for (const [at, { status }] of outcomes.entries()) {
    if (status === 'fulfilled' && acknowledge)
      await sql.query('INSERT INTO event_deliveries VALUES ($1) ON CONFLICT DO NOTHING', [rows[at]?.id])
  }
  return rows.length
}
