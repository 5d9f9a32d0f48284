import { createCache } from 'coherent-cache'
import {
  createHotness,
  familyLoader,
  keepWarm,
  type WarmedCache,
  type WarmItem,
  warm,
} from 'coherent-cache/warming'
import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { collectGarbage, race } from '../harness.ts'
import { openOnRedis } from '../support/redis-caches.ts'
import { dependencies, keys, makeReport, reportKey } from '../support/reports.ts'

const HELD = 1_024

function* plan(from: number, count: number): Iterable<WarmItem> {
  for (let at = from; at < from + count; at++) yield { key: reportKey(at), load: () => makeReport(at) }
}

/**
 * What warming costs: a hit in memory where reads are counted (`createHotness`) or noticed (`keepWarm`), as a multiple of
 * one where they are not; how many keys a plan gets through per second, from a loader that answers at once, missing and
 * fresh, in memory alone and over Redis; and how much the heap grows over a plan of many keys.
 */
export const warming: BenchCase = {
  name: 'warming',
  title: 'Warming: what counting reads costs, and how fast a plan goes',
  guards: [
    { measure: 'hit, counted', is: 'time of a hit as a multiple of one that nobody counts', atMost: 12 },
    { measure: 'heap, MB', is: 'growth of the heap over the plan', atMost: 40 },
  ],
  async run({ quick, redis }) {
    const effort = quick ? { rounds: 15, roundMs: 15 } : { rounds: 21, roundMs: 20 }
    const names = Array.from({ length: HELD }, (_, at) => reportKey(at))
    const open = async (name: string) => {
      const cache = createCache({ name, keys, dependencies, ttl: '1h' })
      for (const [at, key] of names.entries()) await cache.get(key, () => makeReport(at))
      return cache
    }
    const [plain, counted, noticed] = await Promise.all(['plain', 'counted', 'noticed'].map(open))
    if (plain === undefined || counted === undefined || noticed === undefined) throw new Error('No caches.')
    createHotness(counted)
    const loader = familyLoader(keys.report, () => makeReport(0))
    keepWarm(noticed, { loaders: [loader], limit: 2 * HELD })
    const load = () => makeReport(0)
    const hits = (name: string, cache: typeof plain) => ({
      name,
      run: async (times: number) => {
        for (let at = 0; at < times; at++) await cache.get(names[at & (HELD - 1)] as string, load)
      },
    })
    const [bare, hot, kept] = await race(
      [hits('nobody listens', plain), hits('createHotness', counted), hits('keepWarm', noticed)],
      effort,
    )

    const size = quick ? 20_000 : 100_000
    const client = new Redis((await redis()).port)
    const shared = await openOnRedis(client, { name: 'shared', keys, dependencies })
    const speed = async (cache: WarmedCache, from: number, count: number): Promise<number> => {
      const began = performance.now()
      const result = await warm(cache, plan(from, count), { concurrency: 32, progress: false })
      if (result.status !== 'done' || result.failed > 0) throw new Error('The plan was not carried out.')
      return count / ((performance.now() - began) / 1e3)
    }
    const missing = await speed(plain, HELD, size)
    const fresh = await speed(plain, HELD + size - 8_000, 8_000)
    const missingShared = await speed(shared, 0, size / 10)
    const freshShared = await speed(shared, 0, size / 10)
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    await speed(plain, 10 * size, size)
    collectGarbage()
    const heap = (process.memoryUsage().heapUsed - before) / 1e6
    for (const cache of [plain, counted, noticed, shared]) await cache.close()
    client.disconnect()
    return {
      tables: [
        {
          caption: 'A hit in memory',
          columns: ['ns', 'of the first'],
          rows: [bare, hot, kept].map((one) => ({ label: one.name, cells: [one.ns, one.costOf(bare)] })),
        },
        {
          caption: `A plan of ${size.toLocaleString('en')} keys; over Redis a tenth of it`,
          columns: ['missing, keys/s', 'fresh, keys/s', 'heap afterwards, MB more'],
          rows: [
            { label: 'memory alone', cells: [missing, fresh, heap] },
            { label: 'over Redis', cells: [missingShared, freshShared, undefined] },
          ],
          note: 'Loaders answer at once; 32 keys at a time. The heap is that of a process whose memory tier was full before.',
        },
      ],
      measures: { 'hit, counted': hot.costOf(bare).median, 'heap, MB': heap },
    }
  },
}
