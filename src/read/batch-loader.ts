import { type Duration, milliseconds } from '../core/duration.ts'
import { ANY_SOURCE } from '../core/load-source.ts'
import type { BatchContext, BatchLoader, BatchResult, Loader } from '../core/loader.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import { callBatch } from './call-batch.ts'
import { checkLoader } from './request.ts'

/** How reads are gathered. */
export interface BatchLoaderOptions {
  /**
   * How long the first of them waits for others; 0: until what runs at this moment has begun all that it begins.
   * @default 0
   */
  readonly window?: Duration | undefined
  /** The most that one load is asked for; a full window closes at once. @default 1_000 */
  readonly max?: number | undefined
}

/** One of the keys that a gathered load is asked for. */
export interface BatchItem {
  readonly key: string
  /** The key's parameters as text; empty for a key of no family. */
  readonly params: Readonly<Record<string, string>>
}

/** A loader that takes reads together. */
export interface Batched {
  readonly load: BatchLoader<BatchItem, unknown>
  readonly windowMs: number
  readonly max: number
}

const BATCHED = Symbol.for('coherent-cache.batched')
const MOST = 1_000

/** What is behind a loader that {@link batchLoader} made; undefined for any other. */
export function batchedBy(load: Loader<unknown>): Batched | undefined {
  return (load as { readonly [BATCHED]?: Batched })[BATCHED]
}

/**
 * A loader for single `get`s that are made about the same time: what is missing of them is asked of the store in one trip,
 * and of `load` in one call, as one load where `loads` limits them. Each read keeps its own options, and its own key's fill
 * is fenced as ever. Make it once, not per read: reads with the same loader are gathered.
 *
 * Inside transactions and other loads, and where nothing is kept, `load` is called for the one key at once. `setTtl` and
 * `skip` are not to be had.
 *
 * @param load Is told what is missing; returns an array in that order, or a Map by key. Else reads reject with
 *   `BATCH_SHAPE`. What it throws reaches every reader.
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION` or `INVALID_DURATION`
 *
 * @example
 * ```ts
 * import { batchLoader, createCache, defineKeys, type } from 'coherent-cache'
 *
 * const keys = defineKeys({ user: { key: 'user:{id}', value: type<{ name: string }>() } })
 * const cache = createCache({ name: 'shop', keys })
 * const loadUsers = batchLoader(async (missing) => missing.map(({ params }) => ({ name: `user ${params.id}` })))
 * // One call of the loader, for three users:
 * await Promise.all([1, 2, 3].map((id) => cache.get(keys.user({ id }), loadUsers)))
 * ```
 */
export function batchLoader<V>(
  load: (
    missing: readonly BatchItem[],
    context: BatchContext,
  ) => BatchResult<BatchItem, V> | Promise<BatchResult<BatchItem, V>>,
  options?: BatchLoaderOptions,
): Loader<V> {
  checkLoader(load, 'batchLoader')
  checkOptions(options, ['window', 'max'], 'batchLoader')
  const { window = 0, max = MOST } = options ?? {}
  const batched: Batched = {
    load,
    windowMs: milliseconds(window, 'batchLoader: window'),
    max: checkCount(max, 1, 'batchLoader: max'),
  }
  const alone: Loader<V> = async (context) => {
    const { key, params, source, position } = context
    const asked = [{ key, as: { key, params } }]
    const from = source === 'any' ? ANY_SOURCE : { source, position }
    const [value] = await callBatch(asked, load as Batched['load'], from, () => context.signal, 'batchLoader')
    return value as V
  }
  return Object.assign(alone, { [BATCHED]: batched })
}
