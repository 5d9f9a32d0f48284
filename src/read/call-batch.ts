import { CacheError, show } from '../core/errors.ts'
import type { LoadSource } from '../core/load-source.ts'
import type { BatchContext, BatchLoader } from '../core/loader.ts'
import type { Flight } from '../loading/flight.ts'

/** One key of a batch, with what the caller asked with: the key itself, or a family's parameters. */
export interface Asked<As = unknown> {
  readonly key: string
  readonly as: As
}

/** Aborted once nobody waits for any of the flights. */
export function allGivenUp(flights: readonly Flight[]): AbortSignal {
  const controller = new AbortController()
  let left = flights.length
  for (const { signal } of flights) {
    const note = () => {
      if (--left === 0) controller.abort(signal.reason)
    }
    if (signal.aborted) note()
    else signal.addEventListener('abort', note, { once: true })
  }
  return controller.signal
}

/**
 * Calls a batch loader, and brings what it returns into the order asked.
 *
 * @throws CacheError `BATCH_SHAPE`
 */
export async function callBatch<As>(
  missing: readonly Asked<As>[],
  load: BatchLoader<As, unknown>,
  { source, position }: LoadSource,
  signal: () => AbortSignal,
  what = 'getMany',
): Promise<readonly unknown[]> {
  let made: AbortSignal | undefined
  const context: BatchContext = {
    keys: missing.map(({ key }) => key),
    source,
    position,
    get signal() {
      made ??= signal()
      return made
    },
  }
  const result: unknown = await load(
    missing.map(({ as }) => as),
    context,
  )
  if (Array.isArray(result) && result.length === missing.length) return result
  if (result instanceof Map) {
    return missing.map(({ key, as }) =>
      result.has(as) ? (result.get(as) as unknown) : (result.get(key) as unknown),
    )
  }
  const got = Array.isArray(result) ? `an array of ${result.length}` : show(result)
  throw new CacheError(
    'BATCH_SHAPE',
    `${what}: the loader was asked for ${missing.length} values and returned ${got}. Return an array in the order asked (null where there is nothing), or a Map by key.`,
  )
}
