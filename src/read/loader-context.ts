import type { KeyPlan } from '../core/dependency-map.ts'
import { type Duration, milliseconds } from '../core/duration.ts'
import type { Ttl } from '../core/lifetime.ts'
import type { LoadSource } from '../core/load-source.ts'
import type { LoaderContext } from '../core/loader.ts'

/** What a loader says about its value. */
export interface LoadNotes {
  ttl: Ttl | undefined
  skip: boolean
}

/** The context of one load. The abort signal is made only if the loader asks for it. */
export function createLoaderContext(
  plan: KeyPlan,
  { source, position }: LoadSource,
  signal: () => AbortSignal,
  notes: LoadNotes,
): LoaderContext {
  return {
    key: plan.key,
    params: plan.params,
    source,
    position,
    get signal() {
      return signal()
    },
    setTtl(ttl: Duration) {
      notes.ttl = milliseconds(ttl, 'setTtl')
    },
    skip() {
      notes.skip = true
    },
  }
}
