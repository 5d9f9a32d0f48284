import { bytes } from './bytes.ts'
import { events } from './events.ts'
import { getMany } from './get-many.ts'
import { groups } from './groups.ts'
import type { Measure } from './measure.ts'
import { memoryHit } from './memory-hit.ts'
import { miss } from './miss.ts'
import { storeHit } from './store-hit.ts'

/** What is measured of one contender at a time, each in a process of its own. */
export const measures = {
  bytes,
  events,
  'get-many': getMany,
  groups,
  'memory-hit': memoryHit,
  miss,
  'store-hit': storeHit,
} satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures
