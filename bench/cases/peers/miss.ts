import type { BenchCase } from '../../case.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** A miss of every contender over memory and Redis, with an instant loader, one at a time, against a bare `GET`. */
export const peersMiss: BenchCase = {
  name: 'peers-miss',
  title: 'A miss over Redis, everybody',
  peers: true,
  async run(context) {
    const all = await measureAll('miss', await allContenders(), context)
    return {
      tables: [
        {
          caption: 'One at a time',
          columns: ['µs', 'times bare GET', 'commands', 'groups: µs', 'times', 'commands'],
          rows: all.map(({ kind, measured }) => ({
            label: kind.name,
            cells: [
              measured.µs,
              measured.cost,
              measured.commands,
              measured['grouped µs'],
              measured['grouped cost'],
              measured['grouped commands'],
            ],
          })),
          note: 'Commands: sent per miss. coherent-cache takes a claim with the first, so that one process loads for all; the others load once in each process.',
        },
      ],
      measures: Object.fromEntries(all.map(({ kind, measured }) => [kind.name, middle(measured.cost)])),
    }
  },
}
