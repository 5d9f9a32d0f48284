import type { BenchCase } from './case.ts'
import { adapters } from './cases/adapters.ts'
import { codecs } from './cases/codecs.ts'
import { coldStart } from './cases/cold-start.ts'
import { consistency } from './cases/consistency.ts'
import { detectWrites } from './cases/detect-writes.ts'
import { expiry } from './cases/expiry.ts'
import { getMany } from './cases/get-many.ts'
import { groupInvalidation } from './cases/group-invalidation.ts'
import { heartbeat } from './cases/heartbeat.ts'
import { invalidation } from './cases/invalidation.ts'
import { journal } from './cases/journal.ts'
import { lockContention } from './cases/lock-contention.ts'
import { memory } from './cases/memory.ts'
import { memoryHit } from './cases/memory-hit.ts'
import { miss } from './cases/miss.ts'
import { missParts } from './cases/miss-parts.ts'
import { modes } from './cases/modes.ts'
import { peersBytes } from './cases/peers/bytes.ts'
import { coldRead } from './cases/peers/cold-read.ts'
import { peersEvents } from './cases/peers/events.ts'
import { peersGetMany } from './cases/peers/get-many.ts'
import { peersGroups } from './cases/peers/groups.ts'
import { peersMemoryHit } from './cases/peers/memory-hit.ts'
import { peersMiss } from './cases/peers/miss.ts'
import { size } from './cases/peers/size.ts'
import { stampede } from './cases/peers/stampede.ts'
import { peersStoreHit } from './cases/peers/store-hit.ts'
import { scale } from './cases/scale.ts'
import { scaleSimulation } from './cases/scale-simulation.ts'
import { storeHit } from './cases/store-hit.ts'
import { tenancy } from './cases/tenancy.ts'
import { warming } from './cases/warming.ts'

/** Everything that is measured, in the order in which it runs. */
export const cases: readonly BenchCase[] = [
  memoryHit,
  miss,
  missParts,
  invalidation,
  storeHit,
  getMany,
  groupInvalidation,
  detectWrites,
  journal,
  adapters,
  heartbeat,
  memory,
  codecs,
  tenancy,
  modes,
  lockContention,
  expiry,
  coldStart,
  warming,
  scale,
  scaleSimulation,
  consistency,
  coldRead,
  stampede,
  peersMemoryHit,
  peersStoreHit,
  peersGetMany,
  peersMiss,
  peersGroups,
  peersBytes,
  peersEvents,
  size,
]
