import type { Clock } from './clock.ts'
import { CacheError, show } from './errors.ts'
import type { CacheEvents, EventName } from './events.ts'
import type { HealthPart } from './health.ts'
import type { Randomness } from './random.ts'
import type { Leads } from './store.ts'

/**
 * What an entry point that is built upon a cache (warming is one) gets from it beside its public interface. It reads and
 * writes values through the public interface alone, so that every rule of the protocol holds for it.
 */
export interface Extension {
  readonly clock: Clock
  readonly randomness: Randomness
  /** This cache in this process, in messages and logs. */
  readonly process: string
  /** Who leads what in the fleet; undefined where this process is all there is. */
  readonly leads: Leads | undefined
  /** Keys that are being read for the cache's own sake, by how many: their events are no sign that anybody wants them. */
  readonly quiet: Map<string, number>
  /** Database clients that are bound to this cache, and what bound them. */
  readonly bound: WeakMap<object, string>
  emit<Name extends EventName>(name: Name, event: CacheEvents[Name]): void
  /** Shows how a part is doing in `health().parts`. @returns what takes it away */
  addHealth(name: string, look: () => HealthPart): () => void
  /** Runs when the cache is closed, before its store is; waited for as long as `close` waits. @returns what takes it away */
  onClose(stop: () => unknown): () => void
}

/** Where a cache has it. Shared by every copy of this package, as a brand is. */
export const EXTENSION: unique symbol = Symbol.for('coherent-cache.extension')

/** What a cache of this library has; undefined for anything else, an object of the cache's shape too. */
export function findExtension(cache: unknown): Extension | undefined {
  return (cache as { readonly [EXTENSION]?: Extension } | null | undefined)?.[EXTENSION]
}

/** @throws CacheError `INVALID_ARGUMENT` for anything that is no cache of this library */
export function extensionOf(cache: unknown, what: string): Extension {
  const extension = findExtension(cache)
  if (extension !== undefined) return extension
  throw new CacheError(
    'INVALID_ARGUMENT',
    `${what}: ${show(cache)} is no cache. Pass what createCache returned.`,
  )
}

/** Marks a key as read for the cache's own sake while `read` runs. */
export async function quietly<T>({ quiet }: Extension, key: string, read: () => Promise<T>): Promise<T> {
  quiet.set(key, (quiet.get(key) ?? 0) + 1)
  try {
    return await read()
  } finally {
    const left = (quiet.get(key) ?? 1) - 1
    if (left === 0) quiet.delete(key)
    else quiet.set(key, left)
  }
}
