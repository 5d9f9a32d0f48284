/**
 * One process of the fleet: a cache over the Redis that all share, and the database, bound to it. This is all that a
 * service needs; the rest of this file answers what `main.ts` asks.
 */
import { createCache, defineDependencies, defineKeys, type } from 'coherent-cache'
import { bindPg } from 'coherent-cache/pg'
import { redisStore } from 'coherent-cache/redis'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import type { Answer, Ask } from './asks.ts'

const [redisUrl = '', databaseUrl = ''] = process.argv.slice(2)

const keys = defineKeys({ left: { key: 'left:{showId}', value: type<number>() } })
// A booking has a column show_id, so that one for a show voids what was cached of that show, and of no other.
const dependencies = defineDependencies({ tables: { bookings: ['left:{showId}'] } })

const redis = new Redis(redisUrl)
const pool = new Pool({ connectionString: databaseUrl })
const cache = createCache({ name: 'box-office', keys, dependencies, store: redisStore({ client: redis }) })
const db = bindPg(pool, cache)

const LEFT = `
  SELECT (seats - coalesce((SELECT sum(booked) FROM bookings b WHERE b.show_id = s.show_id), 0))::int AS left
  FROM shows s WHERE show_id = $1`

/** How many seats are left: from memory, from Redis, or from the database. */
function look({ showId, freshness }: Extract<Ask, { ask: 'look' }>): Promise<Answer> {
  const load = async () => (await db.query<{ left: number }>(LEFT, [showId])).rows[0]?.left ?? 0
  return cache.getEntry(keys.left({ showId }), load, { freshness })
}

/** Books seats if there are enough. Nobody says what that voids: the rows that RETURNING gives do. */
function book({ showId, seats, changesItsMind }: Extract<Ask, { ask: 'book' }>): Promise<Answer> {
  return db.transaction(async (tx) => {
    await tx.query('SELECT FROM shows WHERE show_id = $1 FOR UPDATE', [showId])
    const { rows } = await tx.query<{ left: number }>(LEFT, [showId])
    if ((rows[0]?.left ?? 0) < seats) return { booked: false }
    await tx.query('INSERT INTO bookings (show_id, booked) VALUES ($1, $2) RETURNING *', [showId, seats])
    if (changesItsMind) await tx.rollback()
    return { booked: !changesItsMind }
  })
}

process.on('message', async (asked: Ask) => {
  if (asked.ask !== 'leave') process.send?.(await (asked.ask === 'look' ? look(asked) : book(asked)))
  else {
    await cache.close()
    redis.disconnect()
    await pool.end()
    process.disconnect()
  }
})
await cache.ready({ timeout: '10s' })
process.send?.({ booked: false } satisfies Answer)
