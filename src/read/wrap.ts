import type { CacheReader } from '../core/cache.ts'
import { CacheError, show } from '../core/errors.ts'
import type { ReadOptions, WrapConfig, WrappedMethod } from '../core/loader.ts'

type Method = (...args: unknown[]) => unknown

/**
 * A repository with some methods read through a cache. Calls on the wrapper of configured methods go to the cache;
 * inside them, and in every other method, `this` is the repository itself.
 *
 * @throws CacheError `INVALID_ARGUMENT` for a method the repository has not, or a configuration without `key`.
 */
export function wrapRepository<R extends object>(
  reader: CacheReader,
  repository: R,
  methods: WrapConfig<R>,
): R {
  if (typeof repository !== 'object' || repository === null) {
    throw new CacheError('INVALID_ARGUMENT', `wrap: ${show(repository)} is no repository.`)
  }
  const cached = new Map<PropertyKey, Method>()
  for (const [name, config] of Object.entries(methods) as [string, WrappedMethod<unknown[]>][]) {
    const method: unknown = Reflect.get(repository, name)
    if (typeof method !== 'function')
      throw new CacheError('INVALID_ARGUMENT', `wrap: the repository has no method ${show(name)}.`)
    if (typeof config?.key !== 'function') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `wrap: ${name} needs a key: { ${name}: { key: (…arguments) => keys.family({ … }) } }.`,
      )
    }
    const { key, ...options } = config
    cached.set(name, (...args) => {
      const call = () => Reflect.apply(method, repository, args) as unknown
      const name = key(...args)
      return name === undefined ? call() : reader.get(name, call, optionsOf(options))
    })
  }
  const bound = new Map<PropertyKey, { from: unknown; to: unknown }>()
  return new Proxy(repository, {
    get(target, name) {
      const through = cached.get(name)
      if (through !== undefined) return through
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function' || name === 'constructor') return member
      const known = bound.get(name)
      if (known?.from === member) return known.to
      const to: unknown = member.bind(target)
      bound.set(name, { from: member, to })
      return to
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
}

function optionsOf(options: ReadOptions): ReadOptions | undefined {
  return Object.keys(options).length === 0 ? undefined : options
}
