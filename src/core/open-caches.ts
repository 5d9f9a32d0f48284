import { CacheError, show } from './errors.ts'

const OPEN = Symbol.for('coherent-cache.open')

/**
 * Claims a cache's name in this process, across every copy of this package in it: two open caches of one name would
 * each believe that the other's fills and timers are its own.
 *
 * @returns what gives the name back.
 * @throws CacheError `DUPLICATE_CACHE`
 */
export function claimName(name: string, instance: string | undefined): () => void {
  const holder = globalThis as { [OPEN]?: Set<string> }
  holder[OPEN] ??= new Set()
  const open = holder[OPEN]
  const id = instance === undefined ? name : `${name}#${instance}`
  if (open.has(id)) {
    throw new CacheError(
      'DUPLICATE_CACHE',
      `createCache: a cache named ${show(name)} is open in this process already. Share it, close() it first, or give each its own instance option if several are meant.`,
    )
  }
  open.add(id)
  return () => {
    open.delete(id)
  }
}
