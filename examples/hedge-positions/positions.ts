import type { Cache, ReceiptStatus } from 'coherent-cache'
import { bindPg } from 'coherent-cache/pg'
import type { Pool } from 'pg'
import { type Available, keys } from './cache.ts'

/** A currency of an entity. */
export type Place = { readonly entityId: number; readonly currency: string }

const AVAILABLE = 'SELECT hedged, available FROM v_available_amounts WHERE entity_id = $1 AND currency = $2'

/** What the service reads and writes. */
export function openPositions(pool: Pool, cache: Cache) {
  const db = bindPg(pool, cache)

  return {
    /** For the page: from memory, from Redis, or from the database. */
    available(place: Place) {
      return cache.getEntry(keys.available(place), async (): Promise<Available> => {
        const { rows } = await db.query<Available>(AVAILABLE, [place.entityId, place.currency])
        return rows[0] ?? { hedged: 0, available: 0 }
      })
    },

    /** What an entity can hedge in all currencies together. */
    capacity(entityId: number) {
      const sql = 'SELECT available FROM v_entity_capacity WHERE entity_id = $1'
      return cache.getEntry(keys.capacity({ entityId }), async () => {
        const { rows } = await db.query<{ available: number }>(sql, [entityId])
        return rows[0]?.available ?? 0
      })
    },

    /**
     * Books a hedge, if there is room for it. That is decided by the database, on a locked row: the cache informs, it
     * does not decide. Nobody says what the booking voids, the rows that it returns do.
     *
     * @returns what is hedged now (undefined where there was not enough left), and whether every desk has been told
     */
    async book({ entityId, currency }: Place, amount: number) {
      const place = [entityId, currency]
      let status = 'applied' as ReceiptStatus
      const hedged = await db.transaction(
        async (tx) => {
          tx.onCommitted((receipt) => {
            status = receipt.status
          })
          await tx.query(
            'SELECT FROM position_nav_master WHERE entity_id = $1 AND currency = $2 FOR UPDATE',
            place,
          )
          const { rows } = await tx.query<Available>(AVAILABLE, place)
          const { hedged, available } = rows[0] ?? { hedged: 0, available: 0 }
          if (available < amount) return undefined

          const hedge = await tx.query<{ id: number }>(
            'INSERT INTO hedge_instructions (entity_id, currency, amount) VALUES ($1, $2, $3) RETURNING *',
            [...place, amount],
          )
          await tx.query(
            'INSERT INTO deal_bookings (hedge_id, entity_id, currency, amount) VALUES ($1, $2, $3, $4) RETURNING *',
            [hedge.rows[0]?.id, ...place, amount],
          )
          await tx.query(
            'INSERT INTO gl_entries (entity_id, currency, amount) VALUES ($1, $2, $3), ($1, $2, -$3) RETURNING *',
            [...place, amount],
          )
          return hedged + amount
        },
        { name: 'book-hedge' },
      )
      return { hedged, status }
    },

    /** Has the whole booking rolled back. */
    async bookAndThinkAgain(place: Place, amount: number): Promise<void> {
      await db.transaction(async (tx) => {
        await this.book(place, amount) // joins this transaction, as a savepoint
        await tx.rollback()
      })
    },
  }
}
