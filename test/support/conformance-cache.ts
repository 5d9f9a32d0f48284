import { createCache } from 'coherent-cache'
import type { DatabaseUnderTest } from 'coherent-cache/testing'

type MakeCache = DatabaseUnderTest<never>['cache']

let caches = 0

/** A cache for one case of the conformance suite. */
export const conformanceCache: MakeCache = (dependencies) =>
  createCache({
    name: 'conformance',
    instance: `${process.pid}-${caches++}`,
    dependencies,
  }) as ReturnType<MakeCache>
