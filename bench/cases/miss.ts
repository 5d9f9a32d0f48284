import { createCache, defineDependencies, defineKeys } from 'coherent-cache'
import type { BenchCase } from '../case.ts'
import { race, type Subject } from '../harness.ts'

const keys = defineKeys({ item: 'item:{groupId}:{id}' })

/** Distinct patterns that all match the keys of `item`, or all but the first do not. */
function patternsFor(count: number, matching: 'one' | 'all'): string[] {
  return Array.from({ length: count }, (_, at) => {
    if (at === 0) return 'item:{groupId}:*'
    return matching === 'all' ? `item:{g${at}}:*` : `other${at}:{groupId}:*`
  })
}

/**
 * A miss over the bare loader, memory alone: a key never read before, so that matching it against the map is part of
 * the cost, and a loader that returns a small object at once. Maps of 0, 1, 10 and 50 patterns of which one matches the
 * key, and of 10 and 50 that all match it. Memory is full, so that each miss also evicts.
 */
export const miss: BenchCase = {
  name: 'miss',
  title: 'A miss with memory alone, against its bare loader',
  async run({ quick }) {
    let next = 0
    const load = async (key: string) => ({ key, amount: 1 })
    const maps = [
      { label: 'no pattern', patterns: patternsFor(0, 'one') },
      { label: '1 pattern', patterns: patternsFor(1, 'one') },
      { label: '10 patterns, 1 matches', patterns: patternsFor(10, 'one') },
      { label: '50 patterns, 1 matches', patterns: patternsFor(50, 'one') },
      { label: '10 patterns, all match', patterns: patternsFor(10, 'all') },
      { label: '50 patterns, all match', patterns: patternsFor(50, 'all') },
    ].map(({ label, patterns }) => {
      const dependencies = defineDependencies({ tables: { items: patterns } })
      const name = label.replace(/\W+/g, '-')
      return { label, cache: createCache({ name, keys, dependencies, memory: { maxEntries: 2_000 } }) }
    })
    const bare: Subject = {
      name: 'bare loader',
      run: async (times) => {
        for (let at = 0; at < times; at++) await load(`item:${next & 63}:${next++}`)
      },
    }
    const subjects = maps.map(
      ({ label, cache }): Subject => ({
        name: label,
        run: async (times) => {
          for (let at = 0; at < times; at++)
            await cache.get(`item:${next & 63}:${next++}`, ({ key }) => load(key))
        },
      }),
    )
    const [base, ...others] = await race([bare, ...subjects], { rounds: quick ? 7 : 21, roundMs: 30 })
    const hits = maps.reduce((sum, { cache }) => sum + cache.stats().hits.memory, 0)
    if (base === undefined || hits > 0) throw new Error('Not every read was a miss.')
    for (const { cache } of maps) await cache.close()
    const measures = others.map((timing) => [timing.name, timing.costOf(base).median] as const)
    return {
      tables: [
        {
          caption: 'By the patterns of the map',
          columns: ['ns', 'times bare loader'],
          rows: [
            { label: base.name, cells: [base.ns, 1] },
            ...others.map((timing) => ({ label: timing.name, cells: [timing.ns, timing.costOf(base)] })),
          ],
        },
      ],
      measures: Object.fromEntries(measures),
    }
  },
}
