import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { type Costs, loadOf } from '../simulation/costs.ts'
import { measureCosts } from '../simulation/measure-costs.ts'
import { type Effort, type Simulated, type Situation, simulate, simulateOften } from '../simulation/model.ts'
import { runForReal } from '../simulation/real-run.ts'

const MAX_STALENESS_MS = 1_000

/** A million organisations, each read once per 5 s. What differs stands in the rows. */
const SYSTEM: Situation = {
  organisations: 1_000_000,
  inequality: 0,
  reads: 200_000,
  writes: 2_000,
  processes: 40,
  routing: 'any',
  memoryEntries: 10_000,
  ttlMs: 900_000,
  loadMs: 50,
  deliveryMs: 2,
}
const SITUATIONS: readonly (readonly [label: string, situation: Situation])[] = [
  ['5 s of life, no stamps', { ...SYSTEM, ttlMs: 5_000, writes: 0 }],
  ['15 min under stamps', SYSTEM],
  ['… and 20 k writes/s', { ...SYSTEM, writes: 20_000 }],
  ['unequal (s = 1)', { ...SYSTEM, inequality: 1 }],
  ['unequal, 100 k entries', { ...SYSTEM, inequality: 1, memoryEntries: 100_000 }],
  ['routed by organisation', { ...SYSTEM, routing: 'by organisation', memoryEntries: 40_000 }],
  ['routed, 100 processes', { ...SYSTEM, routing: 'by organisation', memoryEntries: 16_000, processes: 100 }],
]

/** What 4 real processes do as well. */
const CHECKED: Situation = {
  organisations: 2_000,
  inequality: 1,
  reads: 600,
  writes: 12,
  processes: 4,
  routing: 'any',
  memoryEntries: 200,
  ttlMs: 20_000,
  loadMs: 20,
  deliveryMs: 2,
}

/**
 * The first of the systems that this library is made for, simulated: a million organisations, 200 k reads a second. What
 * each thing costs Redis and a process is measured first, in processor time; then the model is checked against 4 real
 * processes with 2,000 organisations; then it is asked for hit rates, loads and messages at the size of the system, and
 * the costs are put to them.
 */
export const scaleSimulation: BenchCase = {
  name: 'scale-simulation',
  title: 'A million organisations, simulated',
  guards: [
    { measure: 'error', is: 'by how much a share of reads in the model is off the real one', atMost: 0.1 },
    {
      measure: 'routed hits',
      is: 'share of reads answered without a load, routed by organisation',
      atLeast: 0.85,
    },
  ],
  async run({ quick, redis }) {
    const { port } = await redis()
    const client = new Redis(port)
    const costs = await measureCosts(client, port, quick ? 500 : 3_000)
    const short: Effort = { warmUpSeconds: quick ? 4 : 10, seconds: quick ? 6 : 12, seed: 7, cold: true }
    const real = await runForReal(port, CHECKED, short)
    const model = simulateOften(40, { ...CHECKED, reads: real.reads, writes: real.writes }, short)
    client.disconnect()
    const shares = ['inMemory', 'inRedis', 'loaded'] as const
    const error = Math.max(...shares.map((name) => Math.abs(real[name] - model[name])))

    const effort: Effort = {
      warmUpSeconds: quick ? 20 : 60,
      seconds: quick ? 20 : 40,
      seed: 7,
      cold: false,
    }
    const simulated = SITUATIONS.map(([label, situation]) => {
      const result = simulate(situation, effort)
      return { label, situation, result, load: loadOf(situation, result, costs, MAX_STALENESS_MS) }
    })
    const routed = simulated.find(({ label }) => label === 'routed by organisation')?.result as Simulated
    return {
      tables: [
        costTable(costs),
        {
          caption: 'Model and 4 processes',
          columns: ['memory, %', 'Redis, %', 'loaded, %', 'loads/s'],
          rows: [
            { label: 'real', cells: [...shares.map((name) => 100 * real[name]), real.loads] },
            { label: 'model', cells: [...shares.map((name) => 100 * model[name]), model.loads] },
          ],
          note: `${real.reads.toFixed(0)} reads and ${real.writes.toFixed(1)} writes a second, 2,000 organisations, 200 entries each, life of 20 s; the largest error of a share is ${(100 * error).toFixed(1)} points.`,
        },
        {
          caption: 'Shares of reads, at 200 k reads/s',
          columns: ['memory, %', 'Redis, %', 'loads, %', 'loads/s'],
          rows: simulated.map(({ label, result }) => ({
            label,
            cells: [...shares.map((name) => 100 * result[name]), result.loads],
          })),
          note: '40 processes with 10,000 entries each, 2,000 writes/s, 50 ms a load, all organisations alike and read by any process, where the line says nothing else.',
        },
        {
          caption: 'What they ask of Redis and of a process',
          columns: ['Redis, cores', 'of it: reads', 'messages', 'beats', 'messages/s', 'process, cores'],
          rows: simulated.map(({ label, load }) => ({
            label,
            cells: [
              load.redisCores,
              load.redis.reads + load.redis.misses,
              load.redis.invalidations + load.redis.deliveries,
              load.redis.heartbeats,
              load.messages,
              load.processCore,
            ],
          })),
          note: 'Cores of the machine that this ran on. Redis runs scripts on one: beyond some 0.6 of it, more than one Redis is needed.',
        },
      ],
      measures: { error, 'routed hits': 1 - routed.loaded },
    }
  },
}

function costTable({ redis, process }: Costs) {
  const row = (label: string, ofRedis: number | undefined, ofProcess: number | undefined) => ({
    label,
    cells: [ofRedis, ofProcess],
  })
  return {
    caption: 'Processor time, µs',
    columns: ['of Redis', 'of the process'],
    rows: [
      row('a hit in memory', undefined, process.memoryHit),
      row('a hit in Redis', redis.storeHit, process.storeHit),
      row('a miss', redis.miss, process.miss),
      row('an invalidation', redis.invalidation, undefined),
      row('… for each process that hears it', redis.delivery, process.delivery),
      row('a heartbeat', redis.heartbeat, process.heartbeat),
    ],
  }
}
