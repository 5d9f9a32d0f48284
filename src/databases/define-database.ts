import type { Cache } from '../core/cache.ts'
import type { Receipt } from '../core/receipt.ts'

// Under construction: replaced by the databases room.
export interface BoundDatabase {
  readonly cache: Cache
  readonly receipt?: Receipt
}
