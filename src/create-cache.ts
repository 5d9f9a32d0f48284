import type { Cache } from './core/cache.ts'
import type { CacheOptions } from './core/cache-options.ts'

export function createCache<const Tables extends string = string, const Scopes extends string = string>(
  options: CacheOptions<Tables, Scopes>,
): Cache<Tables, Scopes> {
  throw new Error(`under construction: ${options.name}`)
}
