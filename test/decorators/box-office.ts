import type { Cache, Families, TypeOnly } from 'coherent-cache'
import type { CacheDecorators } from 'coherent-cache/decorators'

type SeatKeys = Families<{
  readonly seats: { readonly key: 'seats:{show}'; readonly value: TypeOnly<number> }
  readonly shows: 'shows:{day}'
}>

/** A class as an application writes it, compiled by the tests in both forms of decorators. */
export function boxOffice({ cached, invalidates }: CacheDecorators, keys: SeatKeys) {
  class BoxOffice {
    readonly cache: Cache
    free = 100
    loads = 0
    fails: Error | undefined

    constructor(cache: Cache) {
      this.cache = cache
    }

    @cached(keys.seats, (show: number) => ({ show }))
    async seats(show: number): Promise<number> {
      this.loads++
      return this.free - show * 0
    }

    @cached(keys.shows)
    async shows(params: { readonly day: string }): Promise<string[]> {
      return [params.day]
    }

    @cached(keys.seats, (show: number) => ({ show }), { freshness: 'reload' })
    async counted(_show: number): Promise<number> {
      this.loads++
      return this.free
    }

    @invalidates('bookings', (_: unknown, show: number) => ({ operation: 'insert', rows: [{ show }] }))
    async book(_show: number, seats = 1): Promise<number> {
      this.free -= seats
      if (this.fails !== undefined) throw this.fails
      return this.free
    }

    // What says the rows need not name every argument.
    @invalidates('bookings', (_: unknown, show: number) => ({ operation: 'delete', rows: [{ show }] }))
    async cancel(_show: number, seats: number): Promise<void> {
      this.free += seats
    }

    // @ts-expect-error but must take those that it names as they are
    @invalidates('bookings', (_: unknown, show: string) => ({ operation: 'delete', rows: [{ show }] }))
    async mistaken(_show: number): Promise<void> {}

    @invalidates(['bookings', 'refunds'])
    async close(): Promise<void> {
      this.free = 0
    }
  }
  return BoxOffice
}
