import type { BenchCase } from '../../case.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** What listening to hits and misses costs a hit in memory, against the same library without listeners. */
export const peersEvents: BenchCase = {
  name: 'peers-events',
  title: 'Listening to events, everybody',
  peers: true,
  async run(context) {
    const kinds = (await allContenders()).filter(({ events }) => events)
    const all = await measureAll('events', kinds, context)
    return {
      tables: [
        {
          caption: 'A hit in memory alone, ns',
          columns: ['nobody listens', 'one listens', 'times'],
          rows: all.map(({ kind, measured }) => ({
            label: kind.name,
            cells: [measured.without, measured.with, measured.cost],
          })),
        },
      ],
      measures: Object.fromEntries(all.map(({ kind, measured }) => [kind.name, middle(measured.cost)])),
    }
  },
}
