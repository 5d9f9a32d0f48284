import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { race } from '../harness.ts'
import { countCommands } from '../support/command-count.ts'
import { type Measure, makeItem, unexpected } from './measure.ts'

const ASKED = 100

/** 100 keys of one group, all in Redis, against one MGET of the same JSON. Who reads no batches reads them at once. */
export const getMany: Measure = async ({ kind, quick, port }) => {
  const plain = new Redis(port)
  const names = Array.from({ length: ASKED }, (_, at) => `item:g:${at}`)
  const copies = names.map((name) => `bare:${name}`)
  await Promise.all(copies.map((name) => plain.set(name, JSON.stringify(makeItem(name)))))
  const cache = await kind.open({ port, memory: false, groups: false, maxEntries: 10_000 })
  const read = (load: (missing: readonly string[]) => Promise<readonly unknown[]>) =>
    cache.getMany === undefined
      ? Promise.all(names.map((name) => cache.get(name, 'g', async () => (await load([name]))[0])))
      : cache.getMany(names, 'g', load)
  await read(async (missing) => missing.map(makeItem))
  await sleep(100)
  await read(async (missing) => missing.map(makeItem))
  const [bare, own] = await race(
    [
      {
        name: 'MGET',
        run: async (times) => {
          for (let at = 0; at < times; at++) await plain.mget(copies)
        },
      },
      {
        name: 'getMany',
        run: async (times) => {
          for (let at = 0; at < times; at++) await read(unexpected)
        },
      },
    ],
    { rounds: quick ? 7 : 11, roundMs: 40, warmUpMs: 200 },
  )
  const { sent } = await countCommands(plain, () => read(unexpected))
  await cache.close()
  plain.disconnect()
  return { µs: own.microseconds, cost: own.costOf(bare), commands: sent }
}
