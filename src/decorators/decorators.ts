import type { Cache } from '../core/cache.ts'
import type { InvalidateRequest, WrittenRows } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import type { AnyFamily, Key, KeyOf, ParamsOf } from '../core/key.ts'
import type { ReadOptions } from '../core/loader.ts'

/** The part of a cache that decorated methods use. */
export type DecoratedCache = Pick<Cache, 'get' | 'invalidate' | 'currentUnit'>

/** The cache itself, or how a method finds it in its own object, where a container has put it. */
export type CacheSource<Self> = DecoratedCache | ((self: Self) => DecoratedCache)

type Method<Args extends unknown[], Result> = (...args: Args) => Result

/**
 * A decorator of methods with these arguments and this result, in both forms: the standard one (TC39), and that of
 * TypeScript's `experimentalDecorators`, which NestJS projects use.
 */
export interface MethodDecoratorOf<Args extends unknown[], Result> {
  <This, M extends Method<Args, Result>>(
    method: M & ((this: This, ...args: never[]) => unknown),
    context: ClassMethodDecoratorContext<This>,
  ): M
  <M extends Method<Args, Result>>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void
}

/** What a method cached under this family's keys may return. */
export type CachedResult<F> = KeyOf<F> extends Key<infer Value> ? Promise<Value> : Promise<unknown>

/** What a call wrote, given what the method resolved to and its arguments; undefined: anything of the table. */
export type WrittenBy<Result, Args extends unknown[]> = (
  result: Result,
  ...args: Args
) => WrittenRows | undefined

/** The decorators of one cache. */
export interface CacheDecorators {
  /**
   * Reads a method through the cache: what it returns is the value of the family's key for its arguments.
   *
   * @param params the key's parameters, from the method's arguments; left out, its one argument is the parameters
   * @param options as for `cache.get`
   */
  cached<F extends AnyFamily, Args extends unknown[]>(
    family: F,
    params: (...args: Args) => ParamsOf<F>,
    options?: ReadOptions | undefined,
  ): MethodDecoratorOf<Args, CachedResult<F>>
  cached<F extends AnyFamily>(
    family: F,
    params?: undefined,
    options?: ReadOptions | undefined,
  ): MethodDecoratorOf<[params: never], CachedResult<F>>
  /**
   * Declares that a method writes a table, or several. Inside a unit of work of the cache (a transaction of a bound
   * database) the write is declared to it and applied when it commits, and only then; elsewhere it is invalidated when
   * the method has resolved, before its caller goes on. A method that rejects may have written all the same: its
   * tables count as changed in whole.
   *
   * @param written narrows it to rows; may name the first arguments alone
   */
  invalidates<Args extends unknown[] = never[], Result = unknown>(
    tables: string | readonly string[],
    written?: WrittenBy<Result, Args> | undefined,
    // biome-ignore lint/suspicious/noExplicitAny: arguments that `written` leaves out
  ): MethodDecoratorOf<[...Args, ...any[]], Promise<Result>>
}

/**
 * Decorators for the methods of classes, over one cache.
 *
 * @throws CacheError `INVALID_ARGUMENT` where a decorator is used on anything but a method, or given no family or table.
 *
 * @example
 * ```ts
 * import { type Cache, createCache, defineDependencies, defineKeys, type } from 'coherent-cache'
 * import { cacheDecorators } from 'coherent-cache/decorators'
 *
 * const keys = defineKeys({ seats: { key: 'seats:{show}', value: type<number>() } })
 * const dependencies = defineDependencies({ tables: { bookings: ['seats:{show}'] } })
 * const { cached, invalidates } = cacheDecorators((self: BoxOffice) => self.cache)
 *
 * class BoxOffice {
 *   #free = 100
 *   constructor(readonly cache: Cache) {}
 *
 *   @cached(keys.seats, (show: number) => ({ show }))
 *   async seats(show: number): Promise<number> {
 *     return this.#free
 *   }
 *
 *   @invalidates('bookings', (_, show: number) => ({ operation: 'insert', rows: [{ show }] }))
 *   async book(show: number): Promise<void> {
 *     this.#free -= 1
 *   }
 * }
 *
 * const office = new BoxOffice(createCache({ name: 'box-office', keys, dependencies }))
 * await office.seats(7) // 100
 * await office.book(7)
 * await office.seats(7) // 99
 * ```
 */
export function cacheDecorators<Self = unknown>(source: CacheSource<Self>): CacheDecorators {
  const cacheOf = (self: unknown): DecoratedCache => {
    const cache = typeof source === 'function' ? source(self as Self) : source
    if (typeof cache?.get === 'function') return cache
    throw new CacheError(
      'INVALID_ARGUMENT',
      `cacheDecorators: ${show(cache)} is no cache. Pass one, or a function that finds it in the object of the method.`,
    )
  }
  return {
    cached(family: AnyFamily, params?: (...args: never[]) => object, options?: ReadOptions) {
      if (typeof family !== 'function')
        throw new CacheError('INVALID_ARGUMENT', `cached: ${show(family)} is no key family of defineKeys.`)
      const keyOf = params ?? ((...args: unknown[]) => args[0] as never)
      return decorator(
        'cached',
        (method) =>
          async function (this: unknown, ...args) {
            const key = family(keyOf(...(args as never[]))) as string
            return cacheOf(this).get(key, () => method.apply(this, args), options)
          },
      )
    },
    invalidates(tables, written) {
      const names = typeof tables === 'string' ? [tables] : tables
      if (names.length === 0)
        throw new CacheError('INVALID_ARGUMENT', 'invalidates: name at least one table.')
      return decorator(
        'invalidates',
        (method) =>
          async function (this: unknown, ...args) {
            const cache = cacheOf(this)
            let change: WrittenRows | undefined
            try {
              const result = await method.apply(this, args)
              change = written?.(result as never, ...(args as never))
              return result
            } finally {
              await declare(cache, names, change)
            }
          },
      )
    },
  }
}

async function declare(
  cache: DecoratedCache,
  tables: readonly string[],
  change: WrittenRows | undefined,
): Promise<void> {
  const unit = cache.currentUnit()
  if (unit === undefined) {
    await cache.invalidate(tables.map((table) => ({ table, ...change }) as InvalidateRequest))
    return
  }
  for (const table of tables) unit.write(table, change)
}

type AnyMethod = (this: unknown, ...args: unknown[]) => unknown

/** A decorator in both forms, which differ in what they are called with. */
function decorator(
  name: string,
  wrap: (method: AnyMethod) => AnyMethod,
  // biome-ignore lint/suspicious/noExplicitAny: the arguments and results of the methods are the callers'
): MethodDecoratorOf<any, any> {
  const decorate = (method: unknown): AnyMethod => {
    if (typeof method !== 'function')
      throw new CacheError('INVALID_ARGUMENT', `@${name} decorates methods, not ${show(method)}.`)
    const wrapped = wrap(method as AnyMethod)
    Object.defineProperty(wrapped, 'name', { value: method.name, configurable: true })
    Object.defineProperty(wrapped, 'length', { value: method.length, configurable: true })
    // What other decorators have noted on the method (routes, guards) is found through it.
    return Object.setPrototypeOf(wrapped, method) as AnyMethod
  }
  const either = (target: unknown, at: unknown, descriptor?: PropertyDescriptor): unknown => {
    if (typeof at === 'object') return decorate(target)
    if (descriptor === undefined) return decorate(undefined)
    descriptor.value = decorate(descriptor.value)
    return undefined
  }
  // biome-ignore lint/suspicious/noExplicitAny: one function for both forms
  return either as MethodDecoratorOf<any, any>
}
