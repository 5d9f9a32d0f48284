import type { Cache } from 'coherent-cache'
import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { race } from '../harness.ts'
import { countCommands } from '../support/command-count.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'
import { dependencies, keys, makeReport, reportKey } from '../support/reports.ts'

const ASKED = 100

/**
 * `getMany` of 100 keys that are all in Redis, against one bare `MGET` of the same JSON: judged by this process (lease
 * held, vectors known), by the script (`freshness: 'committed'`), and the first read by a process that has just
 * started. Below them 100 hits in memory, which ask nobody.
 */
export const getMany: BenchCase = {
  name: 'get-many',
  title: 'getMany of 100 keys, against one bare MGET',
  async run({ quick, redis }) {
    const { port } = await redis()
    const plain = new Redis(port)
    const client = new Redis(port)
    const names = Array.from({ length: ASKED }, (_, at) => reportKey(at))
    await Promise.all(names.map((name, at) => plain.set(name, JSON.stringify(makeReport(at)))))
    const open = (instance: string, memory: boolean) =>
      openOnRedis(client, {
        name: 'bench',
        instance,
        keys,
        dependencies,
        ...(memory ? {} : { memory: false }),
      })
    const holder = await open('holder', true)
    await holder.getMany(names, (missing) => missing.map((_, at) => makeReport(at)))
    await whenLeaseHeld(holder)
    const reader = await open('reader', false)
    const unexpected = () => {
      throw new Error('A key was not in Redis.')
    }
    await reader.getMany(names, unexpected)

    let cold: Cache | undefined
    let opened = 0
    const [bare, known, committed, first, memory] = await race(
      [
        {
          name: 'bare MGET',
          run: async (times) => {
            for (let at = 0; at < times; at++) await plain.mget(names)
          },
        },
        {
          name: 'getMany, lease held',
          run: async (times) => {
            for (let at = 0; at < times; at++) await reader.getMany(names, unexpected)
          },
        },
        {
          name: "getMany, 'committed'",
          run: async (times) => {
            for (let at = 0; at < times; at++)
              await reader.getMany(names, unexpected, { freshness: 'committed' })
          },
        },
        {
          name: 'getMany, first of its keys',
          times: 1,
          prepare: async () => {
            await cold?.close()
            cold = await open(`cold${opened++}`, false)
          },
          run: () => cold?.getMany(names, unexpected),
        },
        {
          name: 'getMany, all in memory',
          run: async (times) => {
            for (let at = 0; at < times; at++) await holder.getMany(names, unexpected)
          },
        },
      ],
      { rounds: quick ? 7 : 21, roundMs: 40, warmUpMs: 300 },
    )
    const count = await countCommands(plain, () => reader.getMany(names, unexpected))
    for (const cache of [holder, reader, cold]) await cache?.close()
    plain.disconnect()
    client.disconnect()
    return {
      tables: [
        {
          caption: `${ASKED} keys`,
          columns: ['µs', 'times bare MGET'],
          rows: [
            { label: bare.name, cells: [bare.microseconds, 1] },
            ...[known, committed, first, memory].map((timing) => ({
              label: timing.name,
              cells: [timing.microseconds, timing.costOf(bare)],
            })),
          ],
          note: `Commands sent for one getMany while the lease is held: ${count.sent}.`,
        },
      ],
      measures: { 'times bare MGET': known.costOf(bare).median, commands: count.sent },
    }
  },
}
