import { Inject, Injectable } from '@nestjs/common'
import { cacheDecorators } from 'coherent-cache/decorators'
import { type AppDatabase, CACHE, DATABASE } from './cache.module.js'
import { type AppCache, keys, type Total } from './keys.js'

// The container injects the cache into the object, so that is where the decorators look for it.
const { cached } = cacheDecorators((self: PaymentsRepository) => self.cache)

@Injectable()
export class PaymentsRepository {
  constructor(
    @Inject(CACHE) readonly cache: AppCache,
    @Inject(DATABASE) readonly db: AppDatabase,
  ) {}

  @cached(keys.total, (landlordId: number) => ({ landlordId }))
  async total(landlordId: number): Promise<Total> {
    const { rows } = await this.db.query<{ amount: number; payments: number }>(
      'SELECT coalesce(sum(amount), 0)::int AS amount, count(*)::int AS payments FROM payments WHERE landlord_id = $1',
      [landlordId],
    )
    return { landlordId, amount: rows[0]?.amount ?? 0, payments: rows[0]?.payments ?? 0 }
  }

  /** Joins the transaction that it is called in, or is one of its own. The write is noticed, with its row. */
  async pay(landlordId: number, amount: number): Promise<void> {
    await this.db.query('INSERT INTO payments (landlord_id, amount) VALUES ($1, $2) RETURNING *', [
      landlordId,
      amount,
    ])
  }
}
