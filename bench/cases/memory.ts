import { createCache, defineDependencies, defineKeys } from 'coherent-cache'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { BenchCase } from '../case.ts'
import { collectGarbage, inFlight } from '../harness.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'

const keys = defineKeys({ item: 'item:{orgId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{orgId}:{id}'] } })

/**
 * What an entry takes, in bytes: in the memory tier, over a bare `lru-cache` that holds the same strings under the same
 * keys; and in Redis, by kind of name. Each key hangs on everything, its pattern, its organisation and itself. The
 * organisations are few, so that a stamp of an organisation is shared by many entries, or one for each entry, so that
 * the difference is what a stamp takes. Values are strings of 100 characters.
 */
export const memory: BenchCase = {
  name: 'memory',
  title: 'Bytes per entry, stamp and claim',
  guards: [{ measure: 'entry', is: 'bytes that an entry takes over one of lru-cache', atMost: 800 }],
  async run({ quick, redis }) {
    const entries = quick ? 10_000 : 50_000
    const value = (at: number) => `${at}`.padEnd(100, 'x')
    const key = (at: number, orgs: number) => keys.item({ orgId: at % orgs, id: at })
    const heap: { label: string; bytes: number }[] = []
    const held: unknown[] = []
    const measure = async (label: string, fill: () => Promise<unknown>) => {
      const before = heapUsed()
      held.push(await fill())
      heap.push({ label, bytes: (heapUsed() - before) / entries })
    }
    const bare = async (orgs: number) => {
      const lru = new LRUCache<string, string>({ max: entries })
      for (let at = 0; at < entries; at++) lru.set(key(at, orgs), value(at))
      return lru
    }
    const client = new Redis((await redis()).port)
    // What is made once, whatever is measured first: code, tables of strings, connections.
    held.push(await bare(100))
    await measure('bare lru-cache', () => bare(100))
    for (const orgs of [100, entries]) {
      const stamps = orgs === 100 ? 'shared organisations' : 'an organisation each'
      await measure(`memory alone, ${stamps}`, async () => {
        const name = `alone-${orgs}`
        const cache = createCache({ name, keys, dependencies, memory: { maxEntries: entries } })
        for (let at = 0; at < entries; at++) await cache.get(key(at, orgs), async () => value(at))
        if (cache.stats().entries !== entries) throw new Error('Not every key is in memory.')
        return cache
      })
    }
    const inRedis: { label: string; cells: number[] }[] = []
    const shared = await openOnRedis(client, {
      name: 'shared',
      keys,
      dependencies,
      maxStaleness: '10s',
      memory: { maxEntries: entries },
    })
    await shared.get(key(0, 1), async () => value(0))
    await whenLeaseHeld(shared)
    const before = await usedMemory(client)
    let next = 1
    await measure('over Redis, an organisation each', () =>
      inFlight(64, entries, () => {
        const at = next++
        return shared.get(key(at, Number.MAX_SAFE_INTEGER), async () => value(at))
      }),
    )
    const { entries: kept, stamps } = shared.stats()
    const used = (await usedMemory(client)) - before
    inRedis.push({ label: 'all of an entry with 2 stamps of its own', cells: [used / entries] })
    for (const [label, name] of [
      ['a value (136 B of header, 104 B of payload)', `v:shared:${key(1, Number.MAX_SAFE_INTEGER)}`],
      ['a stamp', `s:item:{orgId}:{id}|1:1`],
      ['a registered map', undefined],
    ] as const) {
      const names = name === undefined ? await client.keys('cc:{shared.0}:map:*') : [`cc:{shared.0}:${name}`]
      inRedis.push({ label, cells: [Number(await client.memory('USAGE', names[0] as string))] })
    }
    // A load that has not ended holds its claim.
    let release = (_: string) => {}
    const loading = shared.get(keys.item({ orgId: 0, id: 'claimed' }), () => {
      return new Promise<string>((resolve) => {
        release = resolve
      })
    })
    const claim = 'cc:{shared.0}:c:shared:item:0:claimed'
    for (let turns = 0; turns < 1_000 && (await client.exists(claim)) === 0; turns++)
      await new Promise((resolve) => setTimeout(resolve, 2))
    inRedis.push({
      label: 'a claim, while its load runs',
      cells: [Number(await client.memory('USAGE', claim))],
    })
    release('done')
    await loading
    await shared.close()
    client.disconnect()
    if (held.length === 0) throw new Error('Nothing was held.')

    const bytesOf = (label: string) => heap.find((one) => one.label === label)?.bytes ?? Number.NaN
    const base = bytesOf('bare lru-cache')
    const few = bytesOf('memory alone, shared organisations')
    const many = bytesOf('memory alone, an organisation each')
    return {
      tables: [
        {
          caption: `In a process, ${entries.toLocaleString('en-US')} entries`,
          columns: ['bytes an entry', 'over bare'],
          rows: [
            ...heap.map(({ label, bytes }) => ({ label, cells: [bytes, bytes - base] })),
            { label: 'one more stamp of its own', cells: [many - few, undefined] },
          ],
          note: `Key, value of 100 characters, vector, and the stamp that each key has alone. Over Redis the process holds ${kept} entries and ${stamps} stamps in its table at the end.`,
        },
        { caption: 'In Redis', columns: ['bytes'], rows: inRedis },
      ],
      measures: { entry: few - base, stamp: many - few, 'entry in Redis': used / entries },
    }
  },
}

function heapUsed(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed: used, arrayBuffers } = process.memoryUsage()
  return used + arrayBuffers
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
}
