import type { Cache } from 'coherent-cache'
import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { inFlight, race, type Timing } from '../harness.ts'
import { countCommands } from '../support/command-count.ts'
import { openOnRedis } from '../support/redis-caches.ts'
import { dependencies, keys, makeReport, reportKey } from '../support/reports.ts'

const STORED = 1_000

/**
 * A hit in Redis, read by a process that keeps no memory tier, against a bare `GET` of the same JSON by a plain ioredis
 * client; at 1 and at 64 in flight. Three ways to hit: judged by this process (lease held, vector known: a plain read);
 * `freshness: 'committed'` (judged by the script, as nested reads are); and the first read of each key by a process
 * that has just started. What a hit does beyond the bare read: judging the vector, decoding the JSON, freezing it.
 *
 * Then the commands that one hit and one miss cost.
 */
export const storeHit: BenchCase = {
  name: 'store-hit',
  title: 'A hit in Redis, against a bare GET',
  guards: [
    { measure: 'commands per hit', is: 'commands per store hit while the lease is held', atMost: 1.02 },
    { measure: 'commands per miss', is: 'commands per miss', atMost: 2.02 },
  ],
  async run({ quick, redis }) {
    const { port } = await redis()
    const plain = new Redis(port)
    const pipelined = new Redis(port, { enableAutoPipelining: true })
    const client = new Redis(port)
    const names = Array.from({ length: STORED }, (_, at) => reportKey(at))
    await Promise.all(names.map((name, at) => plain.set(name, JSON.stringify(makeReport(at)))))

    const open = (instance: string, memory: boolean) =>
      openOnRedis(client, {
        name: 'bench',
        instance,
        keys,
        dependencies,
        ...(memory ? {} : { memory: false }),
      })
    const writer = await open('writer', true)
    await Promise.all(names.map((name, at) => writer.get(name, () => makeReport(at))))
    const reader = await open('reader', false)
    const unexpected = () => {
      throw new Error('A key was not in Redis.')
    }
    await Promise.all(names.map((name) => reader.get(name, unexpected)))

    const cold: { cache: Cache | undefined; opened: number } = { cache: undefined, opened: 0 }
    const compete = (width: number, coldTimes: number) => {
      let turn = 0
      const name = () => names[turn++ % STORED] as string
      const reads = (read: () => Promise<unknown>) => (times: number) => inFlight(width, times, read)
      return race(
        [
          { name: 'bare GET', run: reads(() => plain.get(name())) },
          { name: 'bare GET, auto-pipelining', run: reads(() => pipelined.get(name())) },
          { name: 'get, lease held', run: reads(() => reader.get(name(), unexpected)) },
          {
            name: "get, 'committed'",
            run: reads(() => reader.get(name(), unexpected, { freshness: 'committed' })),
          },
          {
            name: 'get, first of its key',
            times: coldTimes,
            prepare: async () => {
              await cold.cache?.close()
              cold.cache = await open(`cold${cold.opened++}`, false)
              turn = 0
            },
            run: reads(() => (cold.cache as Cache).get(name(), unexpected)),
          },
        ],
        { rounds: quick ? 5 : 15, roundMs: 60, warmUpMs: 300 },
      )
    }
    const one = quick ? undefined : await compete(1, 200)
    const many = quick ? undefined : await compete(64, STORED)
    await cold.cache?.close()

    let next = 0
    const hit = await countCommands(plain, () =>
      inFlight(64, STORED, () => reader.get(names[next++] as string, unexpected)),
    )
    const miss = await countCommands(plain, () =>
      inFlight(64, STORED, () => {
        const at = next++
        return reader.get(reportKey(at), () => makeReport(at))
      }),
    )
    await writer.close()
    await reader.close()
    for (const one of [plain, pipelined, client]) one.disconnect()

    const table = (caption: string, [base, ...others]: readonly Timing[]) => ({
      caption,
      columns: ['µs', 'speed of bare'],
      rows: [
        { label: (base as Timing).name, cells: [(base as Timing).microseconds, 1] },
        ...others.map((timing) => ({
          label: timing.name,
          cells: [timing.microseconds, timing.speedOf(base as Timing)],
        })),
      ],
    })
    return {
      tables: [
        ...(one === undefined ? [] : [table('One at a time', one)]),
        ...(many === undefined ? [] : [table('64 in flight', many)]),
        {
          caption: 'Commands',
          columns: ['sent', 'run, inside scripts too'],
          rows: [
            { label: 'a hit, lease held', cells: [hit.sent / STORED, hit.ran / STORED] },
            { label: 'a miss', cells: [miss.sent / STORED, miss.ran / STORED] },
          ],
          note: `Per read, over ${STORED} reads; the heartbeats of that time are among them.`,
        },
      ],
      measures: {
        'commands per hit': hit.sent / STORED,
        'commands per miss': miss.sent / STORED,
        ...(one === undefined ? {} : { 'speed, 1 in flight': one[2].speedOf(one[0]).median }),
        ...(many === undefined ? {} : { 'speed, 64 in flight': many[2].speedOf(many[0]).median }),
      },
    }
  },
}
