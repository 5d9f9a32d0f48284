import { Inject, Injectable } from '@nestjs/common'
import { cacheDecorators } from 'coherent-cache/decorators'
import { CACHE } from './cache.module.js'
import { type AppCache, keys } from './keys.js'

const { cached, invalidates } = cacheDecorators((self: RatesRepository) => self.cache)

/** Rates that a bank keeps, not the database: nothing is noticed, so each write is declared. */
@Injectable()
export class RatesRepository {
  readonly #bank = new Map([['EUR', 100]])

  constructor(@Inject(CACHE) readonly cache: AppCache) {}

  @cached(keys.rate, (currency: string) => ({ currency }))
  async rate(currency: string): Promise<number> {
    return this.#bank.get(currency) ?? 1
  }

  @invalidates('rates', (_, currency: string) => ({ operation: 'update', rows: [{ currency }] }))
  async setRate(currency: string, rate: number): Promise<void> {
    this.#bank.set(currency, rate)
  }
}
