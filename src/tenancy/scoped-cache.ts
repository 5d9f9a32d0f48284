import type { CacheReader, ScopedCache } from '../core/cache.ts'
import { type Change, type InvalidateRequests, NO_CHANGE, readRequest } from '../core/change.ts'
import type { Receipt } from '../core/receipt.ts'
import type { TenantScope } from './tenant-scope.ts'

/** What a view of one tenant reaches its cache through. */
export interface ScopedDoors {
  readonly cache: CacheReader & Pick<ScopedCache, 'peek' | 'mark' | 'set'>
  readonly apply: (change: Change) => Promise<Receipt>
  readonly wrap: (reader: CacheReader, ...args: Parameters<CacheReader['wrap']>) => object
  readonly session: (
    reader: CacheReader,
    token: string | null | undefined,
  ) => ReturnType<ScopedCache['session']>
}

/** The cache, as far as one tenant reaches. */
export function scopedCache(scope: TenantScope, { cache, apply, wrap, session }: ScopedDoors): ScopedCache {
  // biome-ignore lint/suspicious/noExplicitAny: the types of each method stand in the interface
  type Any = any
  const many = cache.getMany.bind(cache) as (...args: unknown[]) => Promise<Any>
  const view: ScopedCache = {
    scope: Object.freeze(scope.scope),
    get(key: string, ...rest: Any[]): Any {
      return checked(
        () => scope.checkRead(key, 'get'),
        () => (cache.get as Any)(key, ...rest),
      )
    },
    getEntry(key: string, ...rest: Any[]): Any {
      return checked(
        () => scope.checkRead(key, 'getEntry'),
        () => (cache.getEntry as Any)(key, ...rest),
      )
    },
    getMany(...args: unknown[]): Any {
      return checked(
        () => {
          for (const key of keysAsked(args)) scope.checkRead(key, 'getMany')
        },
        () => many(...args),
      )
    },
    wrap: (...args: Any[]): Any => (wrap as Any)(view, ...args),
    peek(key: string): Any {
      scope.checkRead(key, 'peek')
      return cache.peek(key)
    },
    async mark(key: Any): Promise<Any> {
      scope.checkRead(key, 'mark')
      return cache.mark(key)
    },
    async set(key: string, ...rest: Any[]) {
      scope.checkRead(key, 'set')
      return (cache.set as Any)(key, ...rest)
    },
    async invalidate(request: InvalidateRequests) {
      return apply(scope.confine(readRequest(request), 'invalidate'))
    },
    async clear() {
      return apply(scope.confine({ ...NO_CHANGE, everything: true }, 'clear'))
    },
    session: (token) => session(view, token),
  }
  return Object.freeze(view)
}

/** Nothing is asked of the cache unless the check passes; its error is a rejection, as the cache's are. */
export function checked<T>(check: () => void, ask: () => Promise<T>): Promise<T> {
  try {
    check()
  } catch (error) {
    return Promise.reject(error)
  }
  return ask()
}

/** The keys that `getMany` is asked for; none where it will refuse its arguments. */
export function keysAsked([first, second]: readonly unknown[]): readonly string[] {
  if (Array.isArray(first)) return first
  if (typeof first !== 'function' || !Array.isArray(second)) return []
  return second.map((params) => first(params) as string)
}
