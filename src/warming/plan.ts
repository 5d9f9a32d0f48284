import { CacheError, show } from '../core/errors.ts'
import type { AnyFamily, KeyOf, ParamsOf } from '../core/key.ts'
import type { Loader, LoaderContext, LoaderOf, ReadOptions } from '../core/loader.ts'

/** One key of a plan, and how to load it. */
export interface WarmItem {
  readonly key: string
  readonly load: Loader<unknown>
  /** Over the lifetime of the key's family. */
  readonly ttl?: ReadOptions['ttl']
}

/** What a plan is told. */
export interface PlanContext {
  /** Aborted when the run is to end: stop looking for more keys. */
  readonly signal: AbortSignal
}

/** The keys of a plan, in the order in which to warm them; read one by one, never gathered. */
export type PlanItems = Iterable<WarmItem> | AsyncIterable<WarmItem>

/** What to warm: the items, or a function that gives them anew for each run. */
export type Plan = PlanItems | ((context: PlanContext) => PlanItems | Promise<PlanItems>)

/**
 * An item whose loader the compiler checks against the type of its key.
 *
 * @example
 * ```ts
 * import { defineKeys, type } from 'coherent-cache'
 * import { warmItem } from 'coherent-cache/warming'
 *
 * const keys = defineKeys({ stock: { key: 'stock:{sku}', value: type<number>() } })
 * const item = warmItem(keys.stock({ sku: 'A1' }), async () => 12)
 * ```
 */
export function warmItem<K extends string, L = unknown>(
  key: K,
  load: LoaderOf<K, L>,
  options: { readonly ttl?: ReadOptions['ttl'] } = {},
): WarmItem {
  return { key, load: load as Loader<unknown>, ttl: options.ttl }
}

/** How the keys of one family are loaded, whichever they are. */
export interface FamilyLoader {
  readonly family: AnyFamily
  /** The item of a key of this family; undefined for any other text. */
  item(key: string): WarmItem | undefined
}

type TextParams<F> = { readonly [Name in keyof ParamsOf<F>]: string }

/**
 * How to load any key of a family, given its parameters as text, as keys carry them. For what knows keys and no loaders:
 * the hottest keys, and keys to be kept warm.
 *
 * @throws CacheError `INVALID_ARGUMENT` for anything that is no key family, or no loader.
 *
 * @example
 * ```ts
 * import { defineKeys, type } from 'coherent-cache'
 * import { familyLoader } from 'coherent-cache/warming'
 *
 * const keys = defineKeys({ stock: { key: 'stock:{sku}', value: type<number>() } })
 * const loader = familyLoader(keys.stock, async ({ sku }) => sku.length)
 * loader.item('stock:A1') // { key: 'stock:A1', load }
 * ```
 */
export function familyLoader<F extends AnyFamily>(
  family: F,
  load: (params: TextParams<F>, context: LoaderContext) => ReturnType<LoaderOf<KeyOf<F>, unknown>>,
  options: { readonly ttl?: ReadOptions['ttl'] } = {},
): FamilyLoader {
  if (typeof family?.parse !== 'function' || typeof load !== 'function') {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `familyLoader: ${show(family)} is no key family, or ${show(load)} no loader.`,
    )
  }
  return {
    family,
    item(key) {
      const params = family.parse(key) as TextParams<F> | undefined
      if (params === undefined) return undefined
      return { key, load: (context) => load(params, context), ttl: options.ttl }
    },
  }
}

/** Who warms wants a new value, or an error: what is past its lifetime is for readers who would rather not wait. */
export const WITHOUT_STALE: ReadOptions = { staleWhileRevalidate: 0, staleIfError: 0 }

/** The item of a key, by the first loader whose family it is of. */
export function itemOf(loaders: readonly FamilyLoader[], key: string): WarmItem | undefined {
  for (const loader of loaders) {
    const item = loader.item(key)
    if (item !== undefined) return item
  }
  return undefined
}

/** The items of a plan as something to read one by one. @throws CacheError `INVALID_ARGUMENT` */
export async function iterate(
  plan: Plan,
  context: PlanContext,
): Promise<AsyncIterator<WarmItem> | Iterator<WarmItem>> {
  const items = typeof plan === 'function' ? await plan(context) : plan
  if (typeof items === 'object' && items !== null) {
    if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
    if (Symbol.iterator in items) return items[Symbol.iterator]()
  }
  throw noPlan(items)
}

/** @throws CacheError `INVALID_ARGUMENT` for what cannot be a plan. What a function gives is seen when it is called. */
export function checkPlan(plan: unknown): void {
  if (typeof plan === 'function') return
  if (typeof plan === 'object' && plan !== null && (Symbol.asyncIterator in plan || Symbol.iterator in plan))
    return
  throw noPlan(plan)
}

function noPlan(given: unknown): CacheError {
  return new CacheError(
    'INVALID_ARGUMENT',
    `warm: ${show(given)} is no plan. Pass an iterable or async iterable of { key, load }, or a function that gives one.`,
  )
}
