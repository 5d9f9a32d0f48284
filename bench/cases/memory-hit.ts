import { createCache } from 'coherent-cache'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { BenchCase } from '../case.ts'
import { race, type Timing } from '../harness.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'
import { dependencies, keys, makeReport, reportKey } from '../support/reports.ts'

const HELD = 1_024

/**
 * A hit in memory: `await cache.get(key, load)` against an awaited get of a bare `lru-cache` with as many entries, and
 * the synchronous `peek` against its synchronous get; with memory alone, and over Redis while the lease is held. Lease,
 * lifetime and a vector of five or six stamps are checked on each.
 *
 * Up to Node 22, promises cost more in a process once any `AsyncLocalStorage` has been used in it. The bare get is
 * therefore also measured first thing, before a cache is opened.
 */
export const memoryHit: BenchCase = {
  name: 'memory-hit',
  title: 'A hit in memory, against bare lru-cache',
  guards: [
    { measure: 'get, memory alone', is: 'speed of an awaited bare lru-cache get', atLeast: 0.5 },
    { measure: 'get, over Redis', is: 'speed of an awaited bare lru-cache get', atLeast: 0.5 },
  ],
  async run({ quick, redis }) {
    const effort = quick ? { rounds: 15, roundMs: 15 } : { rounds: 31, roundMs: 25 }
    const names = Array.from({ length: HELD }, (_, at) => reportKey(at))
    const bare = new LRUCache<string, object>({ max: 10_000 })
    for (const [at, name] of names.entries()) bare.set(name, makeReport(at))
    const bareAwaited = {
      name: 'bare lru-cache, awaited',
      run: async (times: number) => {
        for (let at = 0; at < times; at++) await bare.get(names[at & (HELD - 1)] as string)
      },
    }
    const [untouched] = await race([bareAwaited], effort)

    const client = new Redis((await redis()).port)
    const alone = createCache({ name: 'alone', keys, dependencies })
    const shared = await openOnRedis(client, { name: 'shared', keys, dependencies })
    const load = async () => ({})
    for (const [at, name] of names.entries()) {
      await alone.get(name, () => makeReport(at))
      await shared.get(name, () => makeReport(at))
    }
    await whenLeaseHeld(shared)
    const [awaited, getAlone, getShared] = await race(
      [
        bareAwaited,
        {
          name: 'get, memory alone',
          run: async (times) => {
            for (let at = 0; at < times; at++) await alone.get(names[at & (HELD - 1)] as string, load)
          },
        },
        {
          name: 'get, over Redis',
          run: async (times) => {
            for (let at = 0; at < times; at++) await shared.get(names[at & (HELD - 1)] as string, load)
          },
        },
      ],
      effort,
    )
    const found = (value: unknown) => {
      if (value === undefined) throw new Error('A key was not in memory.')
    }
    const [sync, peekAlone, peekShared] = await race(
      [
        {
          name: 'bare lru-cache',
          run: (times) => {
            for (let at = 0; at < times; at++) found(bare.get(names[at & (HELD - 1)] as string))
          },
        },
        {
          name: 'peek, memory alone',
          run: (times) => {
            for (let at = 0; at < times; at++) found(alone.peek(names[at & (HELD - 1)] as string))
          },
        },
        {
          name: 'peek, over Redis',
          run: (times) => {
            for (let at = 0; at < times; at++) found(shared.peek(names[at & (HELD - 1)] as string))
          },
        },
      ],
      effort,
    )
    for (const { hits, misses } of [alone.stats(), shared.stats()]) {
      if (misses > HELD || hits.store > 0) throw new Error('Not every read was a hit in memory.')
    }
    await alone.close()
    await shared.close()
    client.disconnect()

    const rows = (base: Timing, ...others: Timing[]) => [
      { label: base.name, cells: [base.ns, 1] },
      ...others.map((timing) => ({ label: timing.name, cells: [timing.ns, timing.speedOf(base)] })),
    ]
    return {
      tables: [
        {
          caption: 'Awaited',
          columns: ['ns', 'speed of bare'],
          rows: [
            ...rows(awaited, getAlone, getShared),
            {
              label: 'bare, no cache opened yet',
              cells: [untouched.ns, awaited.ns.median / untouched.ns.median],
            },
          ],
          note: 'The last line is the same bare get at the start of the process, before any async context was used.',
        },
        {
          caption: 'Synchronous',
          columns: ['ns', 'speed of bare'],
          rows: rows(sync, peekAlone, peekShared),
        },
      ],
      measures: {
        'get, memory alone': getAlone.speedOf(awaited).median,
        'get, over Redis': getShared.speedOf(awaited).median,
        'get, memory alone, of an untouched process': untouched.ns.median / getAlone.ns.median,
        'peek, memory alone': peekAlone.speedOf(sync).median,
        'peek, over Redis': peekShared.speedOf(sync).median,
      },
    }
  },
}
