import type { Bound } from './binding.ts'
import type { Within } from './change.ts'
import { CacheError, show } from './errors.ts'

/**
 * What rows bind, with the tenant they are said to be of.
 *
 * @throws CacheError `OUT_OF_SCOPE` where they bind another one.
 */
export function confinedTo(
  within: Within | undefined,
  scopes: readonly Bound[] | undefined,
  table: string,
): readonly Bound[] | undefined {
  if (within === undefined) return scopes
  const { capture, value } = within
  return (scopes ?? [new Map<string, string>()]).map((bound) => {
    const own = bound.get(capture)
    if (own === undefined) return new Map([...bound, [capture, value]])
    if (own === value) return bound
    throw new CacheError(
      'OUT_OF_SCOPE',
      `invalidate: a row of ${table} binds ${capture} ${show(own)}, and the scope is that of ${show(value)}. Tell of rows of several tenants through the cache itself.`,
    )
  })
}
