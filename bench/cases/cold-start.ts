import { setTimeout as sleep } from 'node:timers/promises'
import { batchLoader, createCache, type Loader } from 'coherent-cache'
import type { BenchCase } from '../case.ts'
import { ScarceSource } from '../support/scarce-source.ts'

const KEYS = 10_000
const CONNECTIONS = 20
const QUERY_MS = 1

interface Way {
  readonly label: string
  readonly concurrency?: number
  readonly batch?: number
}

const ways: readonly Way[] = [
  { label: 'no load control' },
  { label: 'loads: { concurrency: 15 }', concurrency: 15 },
  { label: 'the same, with a batchLoader of 200', concurrency: 15, batch: 200 },
]

/**
 * A cold start: 10,000 keys are read at once, from a source with 20 connections whose queries take a millisecond, and
 * which somebody else is using too. How long that bystander's queries take, how many wait at the source at most, and how
 * long it takes until all keys are read. Memory alone; each way starts cold and has the machine to itself.
 */
export const coldStart: BenchCase = {
  name: 'cold-start',
  title: 'A cold start of 10,000 keys, with and without load control',
  guards: [
    {
      measure: 'bystander, loads: { concurrency: 15 }',
      is: "p99 of a bystander's query as a share of that without load control",
      atMost: 0.3,
    },
  ],
  async run({ quick }) {
    const rounds = quick ? 1 : 3
    const found = new Map<string, { all: number; bystander: number; peak: number; queries: number }[]>()
    for (let round = 0; round < rounds; round++)
      for (const way of ways)
        found.set(way.label, [...(found.get(way.label) ?? []), await coldly(way, round)])
    const rows = [...found].map(([label, runs]) => {
      const middle = (of: (run: (typeof runs)[number]) => number) =>
        runs.map(of).sort((one, other) => one - other)[runs.length >> 1] as number
      return {
        label,
        all: middle(({ all }) => all),
        bystander: middle(({ bystander }) => bystander),
        peak: middle(({ peak }) => peak),
        queries: middle(({ queries }) => queries),
      }
    })
    const free = rows[0] as (typeof rows)[number]
    return {
      tables: [
        {
          caption: 'Until all are read',
          columns: ['all read, ms', "bystander's query, p99 ms", 'most at the source', 'queries'],
          rows: rows.map(({ label, all, bystander, peak, queries }) => ({
            label,
            cells: [all, bystander, peak, queries],
          })),
          note: `${CONNECTIONS} connections, queries of ${QUERY_MS} ms; the bystander asks every 5 ms.`,
        },
      ],
      measures: Object.fromEntries(
        rows.map(({ label, bystander }) => [`bystander, ${label}`, bystander / free.bystander]),
      ),
    }
  },
}

async function coldly({ concurrency, batch }: Way, round: number) {
  const source = new ScarceSource(CONNECTIONS)
  const cache = createCache({
    name: `cold-${round}-${concurrency ?? 'free'}-${batch ?? 1}`,
    memory: { maxEntries: 2 * KEYS },
    ...(concurrency === undefined ? {} : { loads: { concurrency, queue: KEYS } }),
  })
  const load: Loader<number> =
    batch === undefined
      ? async () => {
          await source.query(QUERY_MS)
          return 1
        }
      : batchLoader(
          async (missing) => {
            await source.query(QUERY_MS)
            return missing.map(() => 1)
          },
          { max: batch },
        )
  const waits: number[] = []
  let over = false
  const bystander = (async () => {
    const asked: Promise<unknown>[] = []
    while (!over) {
      const began = performance.now()
      asked.push(source.query(QUERY_MS).then(() => waits.push(performance.now() - began)))
      await sleep(5)
    }
    await Promise.all(asked)
  })()
  const began = performance.now()
  await Promise.all(Array.from({ length: KEYS }, (_, at) => cache.get(`key:${at}`, load)))
  const all = performance.now() - began
  over = true
  await bystander
  await cache.close()
  waits.sort((one, other) => one - other)
  const p99 = waits[Math.min(waits.length - 1, Math.floor(waits.length * 0.99))] ?? 0
  return { all, bystander: p99, peak: source.peak, queries: source.queries - waits.length }
}
