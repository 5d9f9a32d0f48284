import type { BenchCase } from './case.ts'
import { detectWrites } from './cases/detect-writes.ts'
import { getMany } from './cases/get-many.ts'
import { groupInvalidation } from './cases/group-invalidation.ts'
import { invalidation } from './cases/invalidation.ts'
import { memoryHit } from './cases/memory-hit.ts'
import { miss } from './cases/miss.ts'
import { storeHit } from './cases/store-hit.ts'

/** Everything that is measured, in the order in which it runs. */
export const cases: readonly BenchCase[] = [
  memoryHit,
  miss,
  invalidation,
  storeHit,
  getMany,
  groupInvalidation,
  detectWrites,
]
