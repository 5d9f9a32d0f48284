import { type Cache, defineDependencies, defineKeys, type } from 'coherent-cache'

/** What a landlord has been paid. */
export interface Total {
  readonly landlordId: number
  readonly amount: number
  readonly payments: number
}

/** What is cached. */
export const keys = defineKeys({
  total: { key: 'total:{landlordId}', value: type<Total>(), ttl: '1h' },
  rate: { key: 'rate:{currency}', value: type<number>(), ttl: '1h' },
})

/** What makes it void. `rates` is no table: the bank that keeps them is told by @invalidates. */
export const dependencies = defineDependencies({
  tables: {
    payments: [keys.total],
    rates: { invalidates: [keys.rate], stable: ['currency'] },
  },
})

/** The cache, its tables known to the compiler. */
export type AppCache = Cache<'payments' | 'rates'>
