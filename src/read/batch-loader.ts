import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import { type AnyFamily, compiledFamily, type KeyOf, type TextsOf } from '../core/key.ts'
import { ANY_SOURCE } from '../core/load-source.ts'
import type {
  BatchContext,
  BatchLoader,
  BatchLoaderOf,
  BatchResult,
  Loader,
  LoaderOf,
} from '../core/loader.ts'
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

/**
 * One of the keys that a gathered load is asked for.
 *
 * @typeParam Params Its parameters as text, by name.
 */
export interface BatchItem<Params = Readonly<Record<string, string>>, K extends string = string> {
  readonly key: K
  /** The key's parameters as text; empty for a key of no family. */
  readonly params: Params
}

/** A loader that takes reads together. */
export interface Batched {
  /** What the loader is asked for a key; undefined for one that is not of its family. */
  readonly itemOf: (key: string, params: BatchItem['params']) => BatchItem | undefined
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
 * With a family, `params` are of its type. The loader is for keys of that family then: a read of another one rejects with
 * `INVALID_ARGUMENT`.
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
 * const loadUsers = batchLoader(keys.user, async (missing) =>
 *   missing.map(({ params }) => ({ name: `user ${params.id}` })),
 * )
 * // One call of the loader, for three users:
 * await Promise.all([1, 2, 3].map((id) => cache.get(keys.user({ id }), loadUsers)))
 * ```
 */
export function batchLoader<F extends AnyFamily, L = unknown>(
  family: F,
  load: BatchLoaderOf<KeyOf<F>, BatchItem<TextsOf<F>, KeyOf<F>>, L>,
  options?: BatchLoaderOptions,
): LoaderOf<KeyOf<F>, L>
/** As above, for keys of any family and of none. */
export function batchLoader<V>(
  load: (
    missing: readonly BatchItem[],
    context: BatchContext,
  ) => BatchResult<BatchItem, V> | Promise<BatchResult<BatchItem, V>>,
  options?: BatchLoaderOptions,
): Loader<V>
export function batchLoader(first: unknown, second?: unknown, third?: unknown): Loader<unknown> {
  const family = compiledFamily(first) === undefined ? undefined : (first as AnyFamily)
  const [load, options] = (family === undefined ? [first, second] : [second, third]) as [
    Batched['load'],
    BatchLoaderOptions | undefined,
  ]
  checkLoader(load, 'batchLoader')
  checkOptions(options, ['window', 'max'], 'batchLoader')
  const { window = 0, max = MOST } = options ?? {}
  const itemOf: Batched['itemOf'] = (key, params) => {
    if (family === undefined) return { key, params }
    const own = family.parse(key) as BatchItem['params'] | undefined
    return own && { key, params: own }
  }
  const batched: Batched = {
    itemOf,
    load,
    windowMs: milliseconds(window, 'batchLoader: window'),
    max: checkCount(max, 1, 'batchLoader: max'),
  }
  const alone: Loader<unknown> = async ({ key, params, source, position, signal }) => {
    const as = itemOf(key, params)
    if (as === undefined) {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `batchLoader: ${show(key)} is no key of the family ${show(family?.family)} that this loader was made for.`,
        { key },
      )
    }
    const from = source === 'any' ? ANY_SOURCE : { source, position }
    const [value] = await callBatch([{ key, as }], load, from, () => signal, 'batchLoader')
    return value
  }
  return Object.assign(alone, { [BATCHED]: batched })
}
