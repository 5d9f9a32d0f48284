import { ConflictException, Inject, Injectable } from '@nestjs/common'
import { type AppDatabase, DATABASE } from './cache.module.js'
import { PaymentsRepository } from './payments.repository.js'

@Injectable()
export class PaymentsService {
  constructor(
    @Inject(DATABASE) private readonly db: AppDatabase,
    @Inject(PaymentsRepository) private readonly payments: PaymentsRepository,
  ) {}

  /** Both payments or none. What is thrown rolls back, and then nothing is made void. */
  async transfer(from: number, to: number, amount: number): Promise<void> {
    await this.db.transaction(async () => {
      await this.payments.pay(from, -amount)
      await this.payments.pay(to, amount)
      // Inside the transaction, after a write: read from the database, past the cache.
      const left = await this.payments.total(from)
      if (left.amount < 0) throw new ConflictException(`Landlord ${from} would be left with ${left.amount}.`)
    })
  }
}
