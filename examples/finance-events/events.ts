/** The events: recorded in the transaction of what happened, looked up afterwards. */
type Change = 'added' | 'updated' | 'deleted' | 'approved' | 'rejected'
export type EventType = `${'expense' | 'revenue'}.${Change}` | 'balance.updated'

export interface FinanceEvent {
  readonly id: string
  readonly number: number
  readonly schema_version: number
  readonly type: EventType
  readonly entity_id: number | null
  readonly org_id: number
  readonly property_id: number
  /** The days whose reports it concerns. */
  readonly dates: readonly string[]
  readonly at: Date
  readonly user_id: number
}

/** What runs SQL: a database, a transaction of it, bound or not. */
export interface Sql {
  query<Row>(sql: string, values?: unknown[]): Promise<{ rows: Row[] }>
}

/** Records an event. It becomes visible with the rest of the transaction, or not at all. */
export async function record(tx: Sql, event: Omit<FinanceEvent, 'id' | 'number' | 'at'>): Promise<void> {
  await tx.query(
    `INSERT INTO finance_events (schema_version, type, entity_id, org_id, property_id, dates, user_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *`,
    [
      event.schema_version,
      event.type,
      event.entity_id,
      event.org_id,
      event.property_id,
      event.dates,
      event.user_id,
    ],
  )
}

/** An organisation's events, newest first. The next page begins `before` the number of the last one of this. */
export async function history(
  sql: Sql,
  orgId: number,
  {
    type,
    entityId,
    before,
    limit = 100,
  }: { type?: EventType; entityId?: number; before?: number; limit?: number },
): Promise<FinanceEvent[]> {
  const { rows } = await sql.query<FinanceEvent>(
    `SELECT * FROM finance_events
     WHERE org_id = $1 AND ($2::text IS NULL OR type = $2) AND ($3::int IS NULL OR entity_id = $3)
       AND ($4::bigint IS NULL OR number < $4)
     ORDER BY number DESC LIMIT $5`,
    [orgId, type ?? null, entityId ?? null, before ?? null, limit],
  )
  return rows
}

/** How many events of each type an organisation had. */
export async function metrics(sql: Sql, orgId: number): Promise<Record<string, number>> {
  const { rows } = await sql.query<{ type: string; events: number }>(
    'SELECT type, count(*)::int AS events FROM finance_events WHERE org_id = $1 GROUP BY type ORDER BY type',
    [orgId],
  )
  return Object.fromEntries(rows.map(({ type, events }) => [type, events]))
}
