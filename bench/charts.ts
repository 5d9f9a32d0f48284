/**
 * `npm run bench:charts`: draws the charts of `docs/scale.md` from what the last run wrote. Before it:
 * `npm run bench -- lock-contention scale-simulation`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Cell, Table } from './case.ts'
import { barChart, lineChart } from './chart.ts'
import type { CaseReport } from './report.ts'
import { type Costs, loadOf } from './simulation/costs.ts'
import type { Simulated, Situation } from './simulation/model.ts'

const { cases } = JSON.parse(await readFile(new URL('./results/bench.json', import.meta.url), 'utf8')) as {
  cases: readonly CaseReport[]
}

function tableOf(name: string, caption: string): Table {
  const table = cases.find((one) => one.name === name)?.tables.find((one) => one.caption.startsWith(caption))
  if (table === undefined)
    throw new Error(`bench.json has no table "${caption}…" of ${name}; run that case first.`)
  return table
}

function numbers(cells: readonly Cell[]): number[] {
  return cells.map((cell) => (typeof cell === 'number' ? cell : (cell?.median ?? 0)))
}

const locks = tableOf('lock-contention', 'Transactions').rows.map(({ label, cells }) => {
  return { rate: Number(label), cells: numbers(cells) }
})
const overRate = (column: number) =>
  locks.map(({ rate, cells }): [number, number] => [rate, cells[column] as number])

const [inMemory, inRedis, miss, invalidation, delivery, heartbeat] = tableOf(
  'scale-simulation',
  'Processor',
).rows.map(({ cells }) => numbers(cells)) as [number[], number[], number[], number[], number[], number[]]
const costs = {
  redis: {
    storeHit: inRedis[0],
    miss: miss[0],
    invalidation: invalidation[0],
    delivery: delivery[0],
    heartbeat: heartbeat[0],
  },
  process: {
    memoryHit: inMemory[1],
    storeHit: inRedis[1],
    miss: miss[1],
    delivery: delivery[1],
    heartbeat: heartbeat[1],
  },
} as Costs
/** All reads answered from memory: what is left grows with the processes. */
const writes = 2_000
const loads = [10, 20, 50, 100, 200, 500, 1_000].map((processes) => {
  const situation = { reads: 200_000, writes, processes } as Situation
  const simulated = { inMemory: 1, inRedis: 0, loads: writes } as Simulated
  return { processes, load: loadOf(situation, simulated, costs, 1_000) }
})
const overProcesses = (of: (one: (typeof loads)[number]['load']) => number) =>
  loads.map(({ processes, load }): [number, number] => [processes, of(load)])

const shares = tableOf('scale-simulation', 'Shares').rows
const charts = {
  'soft-locks': lineChart({
    title: 'Hits under soft locks, by transactions that lock one stamp',
    x: 'transactions per second',
    y: 'share of reads',
    mostY: 1,
    series: [
      { name: 'no lock: e^(−λd)', points: overRate(2) },
      { name: 'measured', points: overRate(3), as: 'dots' },
      { name: 'hits: e^(−λ(d+τ))', points: overRate(4) },
      { name: 'measured', points: overRate(5), as: 'dots' },
    ],
  }),
  tiers: barChart({
    title: 'Who answers 200,000 reads a second (simulated)',
    parts: ['memory', 'Redis', 'loader'],
    bars: shares.map(({ label, cells }) => ({
      label,
      shares: numbers(cells)
        .slice(0, 3)
        .map((share) => share / 100),
    })),
  }),
  processes: lineChart({
    title: `What grows with the processes, at ${writes.toLocaleString('en-US')} changes a second`,
    x: 'processes',
    y: 'cores',
    mostY: 1,
    series: [
      {
        name: 'Redis: messages',
        points: overProcesses(({ redis }) => redis.deliveries + redis.invalidations),
      },
      { name: 'Redis: heartbeats', points: overProcesses(({ redis }) => redis.heartbeats) },
      { name: 'Redis in all', points: overProcesses(({ redisCores }) => redisCores) },
      { name: 'each process', points: overProcesses(({ processCore }) => processCore) },
    ],
  }),
}
const folder = fileURLToPath(new URL('../docs/images', import.meta.url))
await mkdir(folder, { recursive: true })
for (const [name, chart] of Object.entries(charts)) await writeFile(`${folder}/scale-${name}.svg`, chart)
