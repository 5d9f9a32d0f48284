import type { BenchCase } from '../../case.ts'
import type { Measured } from '../../measures/measure.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** What an entry of the memory tier takes, over Redis, beyond what a bare `lru-cache` takes for the same. */
export const peersBytes: BenchCase = {
  name: 'peers-bytes',
  title: 'Bytes of an entry in memory, everybody',
  peers: true,
  async run(context) {
    const all = await measureAll('bytes', await allContenders(), context)
    const over = (measured: Measured, figure: string) =>
      typeof measured[figure] === 'number' ? measured[figure] - (measured.bare as number) : undefined
    return {
      tables: [
        {
          caption: 'Bytes an entry',
          columns: ['all', 'over bare', 'groups: all', 'over bare'],
          rows: all.map(({ kind, measured }) => ({
            label: kind.name,
            cells: [measured.entry, over(measured, 'entry'), measured.grouped, over(measured, 'grouped')],
          })),
          note: 'All: key, value of a key and 100 characters, and what the library keeps with them; 500 entries share a group; those that are in Redis by then are read from there, and have copies of their keys. async-cache-dedupe has no memory over Redis: memory alone.',
        },
      ],
      measures: Object.fromEntries(all.map(({ kind, measured }) => [kind.name, middle(measured.entry)])),
    }
  },
}
