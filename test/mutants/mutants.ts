import { inHearing, inStampTable } from './in-coherence.ts'
import { inLayers } from './in-layers.ts'
import { inFetch, inReader } from './in-read.ts'
import { inStores } from './in-stores.ts'
import { inWrite } from './in-write.ts'
import type { Mutant } from './mutant.ts'

/** Every guard of the protocol in the code that the explorer runs, each taken out in turn. */
export const mutants: readonly Mutant[] = [
  ...inStampTable,
  ...inHearing,
  ...inReader,
  ...inFetch,
  ...inStores,
  ...inWrite,
  ...inLayers,
]
