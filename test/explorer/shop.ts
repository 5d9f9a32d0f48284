import { defineDependencies, defineKeys } from 'coherent-cache'

/** What the caches of a world cache: single rows, a sum over all, and one value made of two others. */
export const keys = defineKeys({ item: 'item:{id}', sum: 'sum:{group}', both: 'both:{name}' })

export const ROWS = ['1', '2'] as const

/** The maps of two versions of the application: the same facts under different patterns. */
export const maps = {
  old: defineDependencies({ tables: { items: ['item:{id}', 'sum:*', 'both:*'] }, scopes: ['id'] }),
  new: defineDependencies({ tables: { items: ['item:*', 'sum:{group}', 'both:{name}'] }, scopes: ['id'] }),
} as const

export type MapName = keyof typeof maps

/** The rows that a key's value shows. */
export function rowsOf(key: string): readonly string[] {
  return key.startsWith('item:') ? [key.slice(5)] : ROWS
}

/** The keys that a key's loader reads through the cache. */
export function partsOf(key: string): readonly string[] {
  return key.startsWith('both:') ? ROWS.map((row) => `item:${row}`) : []
}

/** The stamps that an eviction may take, as far as they do not depend on who has registered what. */
export function stampsOf(key: string, map: MapName): readonly string[] {
  const pattern = {
    item: { old: ['item:{id}', `item:{id}|${key.slice(5)}`], new: ['item:*'] },
    sum: { old: ['sum:*'], new: ['sum:{group}', `sum:{group}|${key.slice(4)}`] },
    both: { old: ['both:*'], new: ['both:{name}', `both:{name}|${key.slice(5)}`] },
  }[key.slice(0, key.indexOf(':')) as 'item' | 'sum' | 'both'][map]
  return ['|', ...pattern]
}
