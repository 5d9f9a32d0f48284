import type { BenchCase } from '../../case.ts'
import { ContenderProcess } from '../../support/contender-process.ts'
import { allContenders } from '../../support/contenders.ts'

const READS = 1_000
const PROCESSES = 2

/** 1,000 reads of one cold key at once over two processes, with a load of 50 ms: how often is it loaded? */
export const stampede: BenchCase = {
  name: 'stampede',
  title: 'A thousand reads of a cold key in two processes',
  peers: true,
  async run({ quick, redis }) {
    const { port } = await redis()
    const rows: { label: string; cells: number[] }[] = []
    const keys = quick ? 2 : 5
    for (const kind of await allContenders()) {
      const processes = Array.from({ length: PROCESSES }, () => new ContenderProcess())
      const options = { port, memory: true, groups: false, maxEntries: 10_000 }
      for (const one of processes) await one.open('cache', kind.name, options)
      let loads = 0
      const times: number[] = []
      for (let at = 0; at < keys; at++) {
        const key = `item:stampede:${kind.name}${at}`
        const began = performance.now()
        const counts = await Promise.all(
          processes.map((one) => one.stampede('cache', key, READS / PROCESSES)),
        )
        times.push(performance.now() - began)
        loads += counts.reduce((sum, count) => sum + count, 0)
      }
      for (const one of processes) await one.end()
      times.sort((one, other) => one - other)
      rows.push({ label: kind.name, cells: [loads / keys, times[times.length >> 1] as number] })
    }
    return {
      tables: [
        {
          caption: '1,000 reads',
          columns: ['loads', 'ms until all are answered'],
          rows,
          note: `Mean of ${keys} keys; the load takes 50 ms.`,
        },
      ],
      measures: Object.fromEntries(rows.map(({ label, cells }) => [label, cells[0] as number])),
    }
  },
}
