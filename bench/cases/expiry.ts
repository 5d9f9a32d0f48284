import { setTimeout as sleep } from 'node:timers/promises'
import { type CacheOptions, createCache } from 'coherent-cache'
import type { BenchCase } from '../case.ts'

const KEYS = 100
const LOAD_MS = 20
const TTL_MS = 500
const READS_PER_TICK = 20

const ways: readonly { readonly label: string; readonly options: Partial<CacheOptions> }[] = [
  { label: 'plain expiry', options: {} },
  { label: 'staleWhileRevalidate', options: { staleWhileRevalidate: '10s' } },
  { label: 'refreshAhead', options: { refreshAhead: true } },
  { label: 'refreshAhead: { beta: 3 }', options: { refreshAhead: { beta: 3 } } },
  { label: 'both', options: { refreshAhead: true, staleWhileRevalidate: '10s' } },
]

/**
 * How long readers wait when values end: 100 keys that live for half a second, whose loads take 20 ms, read at random
 * some thousand times a second, memory alone. All four caches are asked the same at the same moments, so that they share
 * the machine's moods. A read's time is from the call to its answer.
 */
export const expiry: BenchCase = {
  name: 'expiry',
  title: 'Readers of values that end, against plain expiry',
  guards: [
    {
      measure: 'p99, staleWhileRevalidate',
      is: 'p99 of a read as a share of that with plain expiry',
      atMost: 0.5,
    },
  ],
  async run({ quick }) {
    const load = () => sleep(LOAD_MS, { at: Date.now() })
    const lanes = ways.map(({ label, options }) => ({
      label,
      cache: createCache({ name: label.replace(/\W+/g, '-'), ttl: TTL_MS, ...options }),
      times: [] as number[],
    }))
    const names = Array.from({ length: KEYS }, (_, at) => `value:${at}`)
    for (const { cache } of lanes) await Promise.all(names.map((name) => cache.get(name, load)))
    const before = lanes.map(({ cache }) => cache.stats())
    const reads: Promise<unknown>[] = []
    const end = performance.now() + (quick ? 3_000 : 15_000)
    const began = performance.now()
    while (performance.now() < end) {
      for (let read = 0; read < READS_PER_TICK; read++) {
        const name = names[Math.floor(Math.random() * KEYS)] as string
        for (const { cache, times } of lanes) {
          const asked = performance.now()
          reads.push(cache.get(name, load).then(() => times.push(performance.now() - asked)))
        }
      }
      await sleep(1)
    }
    await Promise.all(reads)
    const seconds = (performance.now() - began) / 1e3
    const found = lanes.map(({ label, cache, times }, at) => {
      times.sort((one, other) => one - other)
      const quantile = (part: number) =>
        times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
      const stats = cache.stats()
      return {
        label,
        // Half a load: more is hardly the machine's.
        waited: times.filter((time) => time > LOAD_MS / 2).length / times.length,
        p99: quantile(0.99),
        p999: quantile(0.999),
        loads: (stats.loads - (before[at]?.loads ?? 0)) / seconds,
        stale: stats.hits.stale / times.length,
      }
    })
    for (const { cache } of lanes) await cache.close()
    const plain = found[0] as (typeof found)[number]
    return {
      tables: [
        {
          caption: 'A read',
          columns: ['share that waited', 'p99 ms', 'p99.9 ms', 'loads a second', 'share answered stale'],
          rows: found.map(({ label, waited, p99, p999, loads, stale }) => ({
            label,
            cells: [waited, p99, p999, loads, stale],
          })),
          note: `${KEYS} keys, lifetime ${TTL_MS} ms, loads of ${LOAD_MS} ms.`,
        },
      ],
      measures: Object.fromEntries(found.map(({ label, p99 }) => [`p99, ${label}`, p99 / plain.p99])),
    }
  },
}
