import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { inFlight, race } from '../harness.ts'
import { countCommands } from '../support/command-count.ts'
import { type Measure, type Measured, makeItem, unexpected } from './measure.ts'

const STORED = 1_000
const COUNTED = 500

/** Hits in Redis of a process without a memory tier, against a bare GET of the same JSON, at 1, 16 and 64 in flight. */
export const storeHit: Measure = async ({ kind, port }) => {
  const plain = new Redis(port)
  const figures: Record<string, Measured[string]> = {}
  for (const grouped of kind.groups ? [false, true] : [false]) {
    await plain.flushall()
    const names = Array.from({ length: STORED }, (_, at) => `item:g${at % 16}:${at}`)
    await Promise.all(names.map((name) => plain.set(`bare:${name}`, JSON.stringify(makeItem(name)))))
    const open = () => kind.open({ port, memory: false, groups: grouped, maxEntries: 10_000 })
    const cache = await open()
    let turn = 0
    const next = () => turn++ % STORED
    const get = (load: (key: string) => Promise<unknown>) => {
      const at = next()
      const name = names[at] as string
      return cache.get(name, `g${at % 16}`, () => load(name))
    }
    await inFlight(64, STORED, () => get(async (key) => makeItem(key)))
    await sleep(100)
    await inFlight(64, STORED, () => get(async (key) => makeItem(key)))
    for (const width of grouped ? [64] : [1, 16, 64]) {
      const [bare, own] = await race(
        [
          {
            name: 'bare',
            run: (times) => inFlight(width, times, () => plain.get(`bare:${names[next()]}`)),
          },
          { name: 'get', run: (times) => inFlight(width, times, () => get(unexpected)) },
        ],
        { rounds: 5, roundMs: 40, warmUpMs: 200 },
      )
      const name = grouped ? 'grouped ' : ''
      figures[`${name}${width} µs`] = own.microseconds
      figures[`${name}${width} speed`] = own.speedOf(bare)
    }
    const hits = await countCommands(plain, () => inFlight(16, COUNTED, () => get(unexpected)))
    figures[`${grouped ? 'grouped ' : ''}commands`] = hits.sent / COUNTED
    await cache.close()
  }
  plain.disconnect()
  return figures
}
