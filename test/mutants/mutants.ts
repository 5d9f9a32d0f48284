import { inCdc } from './in-cdc.ts'
import { inHearing, inStampTable } from './in-coherence.ts'
import { inCore } from './in-core.ts'
import { inJournal } from './in-journal.ts'
import { inLayers } from './in-layers.ts'
import { inFetch, inReader, inReserve } from './in-read.ts'
import { inRedis } from './in-redis.ts'
import { inReplicas } from './in-replicas.ts'
import { inStores } from './in-stores.ts'
import { inTenancy } from './in-tenancy.ts'
import { inWarming } from './in-warming.ts'
import { inWrite } from './in-write.ts'
import type { Mutant } from './mutant.ts'

/** Every guard of the protocol, each taken out in turn. */
export const mutants: readonly Mutant[] = [
  ...inStampTable,
  ...inHearing,
  ...inReader,
  ...inReserve,
  ...inFetch,
  ...inStores,
  ...inWrite,
  ...inLayers,
  ...inCore,
  ...inRedis,
  ...inWarming,
  ...inReplicas,
  ...inCdc,
  ...inTenancy,
  ...inJournal,
]
