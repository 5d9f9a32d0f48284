import type { BenchCase } from '../../case.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** A hit in memory of every contender, over Redis and with its bus, against an awaited get of a bare `lru-cache`. */
export const peersMemoryHit: BenchCase = {
  name: 'peers-memory-hit',
  title: 'A hit in memory, everybody',
  peers: true,
  async run(context) {
    const all = await measureAll('memory-hit', await allContenders(), context)
    return {
      tables: [
        {
          caption: 'Awaited, of bare lru-cache',
          columns: ['ns', 'speed', '100 at once', 'with groups'],
          rows: all.map(({ kind, measured }) => ({
            label: kind.name,
            cells: [measured.ns, measured.speed, measured['many speed'], measured['grouped speed']],
          })),
          note: 'Speed as a share of bare lru-cache in the same process, awaited alike. Up to Node 22, promises cost more in a process that uses AsyncLocalStorage, as coherent-cache does: the bare calls beside it too, which flatters its share; compare ns as well. 100 at once: within Promise.all. With groups: entries carry a tag, reference or group. async-cache-dedupe has no memory over Redis: memory alone.',
        },
      ],
      measures: Object.fromEntries(all.map(({ kind, measured }) => [kind.name, middle(measured.speed)])),
    }
  },
}
