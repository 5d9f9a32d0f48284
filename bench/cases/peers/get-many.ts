import type { BenchCase } from '../../case.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** 100 keys that are all in Redis, by every contender, against one bare `MGET`. */
export const peersGetMany: BenchCase = {
  name: 'peers-get-many',
  title: '100 keys in Redis, everybody',
  peers: true,
  async run(context) {
    const all = await measureAll('get-many', await allContenders(), context)
    return {
      tables: [
        {
          caption: '100 keys',
          columns: ['µs', 'times bare MGET', 'commands'],
          rows: all.map(({ kind, measured }) => ({
            label: kind.batches ? kind.name : `${kind.name}, 100 gets`,
            cells: [measured.µs, measured.cost, measured.commands],
          })),
          note: 'Who reads no batches is asked for all of them at once.',
        },
      ],
      measures: Object.fromEntries(all.map(({ kind, measured }) => [kind.name, middle(measured.cost)])),
    }
  },
}
