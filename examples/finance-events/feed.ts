import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from './events.ts'

/** What a frontend is told: that something has changed, and what its next read must not be older than. */
export interface Notification {
  /** Where to read on from. */
  readonly number: number
  readonly event_id: string
  readonly read_after: string
}

/** Tells an organisation's frontends. An event that was told before is not told again. */
export async function publish(sql: Sql, orgId: number, eventId: string, readAfter: string): Promise<void> {
  await sql.query(
    `WITH next AS (
       INSERT INTO feeds VALUES ($1, 1) ON CONFLICT (org_id) DO UPDATE SET last = feeds.last + 1 RETURNING last
     )
     INSERT INTO notifications SELECT $1, last, $2, $3 FROM next ON CONFLICT (event_id) DO NOTHING`,
    [orgId, eventId, readAfter],
  )
}

/** GET /changes?after=7: for frontends that poll, every 3 s. */
export async function since(sql: Sql, orgId: number, number: number): Promise<Notification[]> {
  const { rows } = await sql.query<Notification>(
    'SELECT number, event_id, read_after FROM notifications WHERE org_id = $1 AND number > $2 ORDER BY number',
    [orgId, number],
  )
  return rows
}

/** GET /live: server-sent events, from the browser's `Last-Event-ID` on. */
export function live(sql: Sql, orgId: number, lastEventId: string | null): Response {
  let last = Number(lastEventId ?? 0)
  const gone = new AbortController()
  const body = new ReadableStream<string>({
    async pull(stream) {
      const fresh = await since(sql, orgId, last)
      for (const { number, ...told } of fresh) {
        stream.enqueue(`id: ${number}\ndata: ${JSON.stringify(told)}\n\n`)
        last = number
      }
      if (fresh.length === 0) {
        await sleep(1_000, undefined, { signal: gone.signal })
        stream.enqueue(': live\n\n') // a comment, by which the page shows that it is live
      }
    },
    cancel: () => gone.abort(),
  })
  return new Response(body.pipeThrough(new TextEncoderStream()), {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  })
}
