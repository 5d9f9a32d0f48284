import type { CacheReader } from '../core/cache.ts'
import { CacheError, show } from '../core/errors.ts'
import type { LoaderContext, ReadOptions, WrapConfig, WrappedMethod } from '../core/loader.ts'
import { readWishes } from './request.ts'

type Method = (...args: unknown[]) => unknown

/**
 * A repository with some methods read through a cache, or a session of one. Calls on the wrapper of configured methods
 * go to the reader; inside them, and in every other method, `this` is the repository itself.
 *
 * @throws CacheError `INVALID_ARGUMENT` for a method the repository has not, or a configuration without `key`;
 *   `INVALID_OPTION` or `INVALID_DURATION` for a bad option.
 */
export function wrapRepository<R extends object>(
  reader: Pick<CacheReader, 'get'>,
  repository: R,
  methods: WrapConfig<R>,
): R {
  if (typeof repository !== 'object' || repository === null) {
    throw new CacheError('INVALID_ARGUMENT', `wrap: ${show(repository)} is no repository.`)
  }
  const cached = new Map<PropertyKey, Method>()
  for (const [name, config] of Object.entries(methods) as [string, WrappedMethod<unknown[]> | undefined][]) {
    if (config === undefined) continue
    const method: unknown = Reflect.get(repository, name)
    if (typeof method !== 'function')
      throw new CacheError('INVALID_ARGUMENT', `wrap: the repository has no method ${show(name)}.`)
    if (typeof config.key !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `wrap: ${name} needs a key: { ${name}: { key: (…arguments) => keys.family({ … }) } }.`,
      )
    }
    cached.set(name, readThrough(reader, repository, method as Method, name, config))
  }
  const bound = new Map<PropertyKey, { from: unknown; to: unknown }>()
  const get = (_: unknown, name: PropertyKey): unknown => {
    const through = cached.get(name)
    if (through !== undefined) return through
    const member: unknown = Reflect.get(repository, name, repository)
    if (typeof member !== 'function' || name === 'constructor') return member
    const known = bound.get(name)
    if (known?.from === member) return known.to
    const to: unknown = member.bind(repository)
    bound.set(name, { from: member, to })
    return to
  }
  // Not over the repository itself: a proxy must give back what a frozen object holds, and nothing else.
  return new Proxy<R>(Object.create(repository), {
    get,
    set: (_, name, value) => Reflect.set(repository, name, value, repository),
    deleteProperty: (_, name) => Reflect.deleteProperty(repository, name),
    defineProperty: (_, name, property) => Reflect.defineProperty(repository, name, property),
    getPrototypeOf: () => Reflect.getPrototypeOf(repository),
    ownKeys: () => Reflect.ownKeys(repository),
    getOwnPropertyDescriptor(_, name) {
      const own = Reflect.getOwnPropertyDescriptor(repository, name)
      if (own === undefined) return undefined
      const enumerable = own.enumerable === true
      return { value: get(undefined, name), enumerable, writable: true, configurable: true }
    },
  })
}

/** One method, read through the reader. What its configuration throws is a rejection, as what the method throws is. */
function readThrough<R extends object>(
  reader: Pick<CacheReader, 'get'>,
  repository: R,
  method: Method,
  name: string,
  { key, options: optionsOfCall, load, ...options }: WrappedMethod<unknown[], R>,
): Method {
  checkFunction(load, `${name}.load`)
  checkFunction(optionsOfCall, `${name}.options`)
  const always = given(options)
  readWishes(always)
  return (...args) => {
    const call = () => Reflect.apply(method, repository, args) as unknown
    let cacheKey: string | undefined
    let wishes: ReadOptions | undefined
    try {
      cacheKey = key(...args)
      wishes = merged(always, optionsOfCall?.(...args))
    } catch (error) {
      return Promise.reject(error)
    }
    if (cacheKey === undefined) return call()
    const loader = load === undefined ? call : (context: LoaderContext) => load(context, repository, args)
    return reader.get(cacheKey, loader, wishes)
  }
}

function checkFunction(value: unknown, what: string): void {
  if (value === undefined || typeof value === 'function') return
  throw new CacheError('INVALID_ARGUMENT', `wrap: ${what}: ${show(value)} is no function.`)
}

/** Options of a call over those that stand for every call. */
function merged(
  always: ReadOptions | undefined,
  call: ReadOptions | null | undefined,
): ReadOptions | undefined {
  if (call === undefined || call === null) return always
  return always === undefined ? call : { ...always, ...given(call) }
}

/** The options that are given; undefined where none is, which is the shortest way through a read. */
function given(options: ReadOptions): ReadOptions | undefined {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
