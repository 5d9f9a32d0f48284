import { type Cache, createCache } from 'coherent-cache'
import type { BenchCase } from '../case.ts'
import { collectGarbage, type Spread, spread } from '../harness.ts'
import { dependencies, keys, makeReport, reportKey } from '../support/reports.ts'

/** What is invalidated, and how much of what is cached that voids. */
const CHANGES = {
  "a table's row, 1 % of keys": (cache: Cache, round: number) =>
    cache.invalidate({ table: 'revenues', operation: 'insert', rows: [{ org_id: round % 100 }] }),
  'a table, all keys': (cache: Cache) => cache.invalidate({ table: 'revenues' }),
  'clear, all keys': (cache: Cache) => cache.clear(),
} as const
const LABELS = Object.keys(CHANGES) as (keyof typeof CHANGES)[]
const [ROW, TABLE, CLEAR] = LABELS as [keyof typeof CHANGES, keyof typeof CHANGES, keyof typeof CHANGES]

/**
 * Invalidation with memory alone, against itself at 1 k, 10 k and 100 k cached keys: by a table's row, by the whole
 * table, and all. Every key is valid before each round, in which a row is followed by the table or by all in turn; the
 * rounds of each size take turns with the others'. A group is one stamp, so its time must not grow with the keys.
 */
export const invalidation: BenchCase = {
  name: 'invalidation',
  title: 'Invalidation with memory alone, by the number of cached keys',
  guards: LABELS.map((label) => ({
    measure: label,
    is: 'times as long with 100 k cached keys as with 1 k',
    // Growth in proportion would be 100; a few times is what the garbage collector makes of a large heap.
    atMost: 6,
  })),
  async run({ quick }) {
    const fleet = (quick ? [1_000, 100_000] : [1_000, 10_000, 100_000]).map((size) => ({
      names: Array.from({ length: size }, (_, at) => reportKey(at)),
      cache: createCache({ name: `k${size}`, keys, dependencies, memory: { maxEntries: 200_000 } }),
      micros: new Map(LABELS.map((label): [string, number[]] => [label, []])),
      // The more keys, the longer a refill: fewer rounds for the largest.
      every: size < 100_000 ? 1 : quick ? 5 : 4,
      turns: 0,
    }))
    // Two rounds of the smaller ones, which are not counted, warm up.
    for (let round = -2; round < 16; round++) {
      for (const one of fleet) {
        if (round < 0 ? one.every > 1 : round % one.every !== 0) continue
        const { cache, names, micros } = one
        const turn = one.turns++
        await refill(cache, names)
        if (one.every > 1) collectGarbage()
        for (const label of [ROW, turn % 2 === 0 ? TABLE : CLEAR]) {
          await warmUp(cache)
          const began = performance.now()
          await CHANGES[label](cache, turn)
          if (round >= 0) micros.get(label)?.push((performance.now() - began) * 1e3)
        }
      }
    }
    for (const { cache } of fleet) await cache.close()
    const rows = LABELS.map((label) => {
      const spreads = fleet.map(({ micros }) => spread(micros.get(label) ?? []))
      const growth = (spreads.at(-1) as Spread).median / (spreads[0] as Spread).median
      return { label, growth, cells: [...spreads, growth] }
    })
    return {
      tables: [
        {
          caption: 'One, in microseconds',
          columns: [...(quick ? ['1 k keys'] : ['1 k keys', '10 k']), '100 k', '100 k / 1 k'],
          rows: rows.map(({ label, cells }) => ({ label, cells })),
        },
      ],
      measures: Object.fromEntries(rows.map(({ label, growth }) => [label, growth])),
    }
  },
}

/** Makes every key valid again. */
async function refill(cache: Cache, names: readonly string[]): Promise<void> {
  for (const [at, name] of names.entries()) await cache.get(name, () => makeReport(at))
  if (cache.stats().entries !== names.length) throw new Error('Not every key is cached.')
}

/** Has the machine's caches hold the code that is about to be timed, whatever the refill has driven out. */
async function warmUp(cache: Cache): Promise<void> {
  for (let at = 0; at < 200; at++)
    await cache.invalidate({ table: 'unrelated', operation: 'insert', rows: [{ org_id: at }] })
}
