import type { BenchCase } from '../../case.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** A hit in Redis of every contender, without a memory tier, against a bare `GET` of a plain ioredis client. */
export const peersStoreHit: BenchCase = {
  name: 'peers-store-hit',
  title: 'A hit in Redis, everybody',
  peers: true,
  async run(context) {
    const all = await measureAll('store-hit', await allContenders(), context)
    return {
      tables: [
        {
          caption: 'Speed, of a bare GET',
          columns: ['1', '16', '64 in flight', '64, groups', 'commands', '… groups'],
          rows: all.map(({ kind, measured }) => ({
            label: kind.name,
            cells: [
              measured['1 speed'],
              measured['16 speed'],
              measured['64 speed'],
              measured['grouped 64 speed'],
              measured.commands,
              measured['grouped commands'],
            ],
          })),
          note: 'Throughput as a share of bare GETs of the same JSON with as many in flight, without auto-pipelining. Commands: sent per hit with 16 in flight, heartbeats of the time among them; less than 1 where reads of one moment share a command.',
        },
      ],
      measures: Object.fromEntries(
        all.map(({ kind, measured }) => [kind.name, middle(measured['64 speed'])]),
      ),
    }
  },
}
