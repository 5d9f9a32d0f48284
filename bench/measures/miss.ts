import { Redis } from 'ioredis'
import { inFlight, race } from '../harness.ts'
import { countCommands } from '../support/command-count.ts'
import { type Measure, type Measured, makeItem } from './measure.ts'

const COUNTED = 300

/** Reads of keys never read before, over memory and Redis, one at a time, with a loader that returns at once; against a bare GET. */
export const miss: Measure = async ({ kind, quick, port }) => {
  const plain = new Redis(port)
  await plain.set('bare', JSON.stringify(makeItem('bare')))
  const figures: Record<string, Measured[string]> = {}
  for (const grouped of kind.groups ? [false, true] : [false]) {
    const cache = await kind.open({ port, memory: true, groups: grouped, maxEntries: 2_000 })
    let next = 0
    const read = () => {
      const at = next++
      const key = `item:g${at % 16}:${grouped ? 'a' : 'b'}${at}`
      return cache.get(key, `g${at % 16}`, async () => makeItem(key))
    }
    const [bare, own] = await race(
      [
        {
          name: 'bare GET',
          run: async (times) => {
            for (let at = 0; at < times; at++) await plain.get('bare')
          },
        },
        {
          name: 'miss',
          run: async (times) => {
            for (let at = 0; at < times; at++) await read()
          },
        },
      ],
      // A miss runs much code, which is compiled only once it has run some thousand times: the process of a service has.
      { rounds: quick ? 5 : 9, roundMs: 60, warmUpMs: 300, warmUpTimes: quick ? 2_000 : 6_000 },
    )
    const { sent } = await countCommands(plain, () => inFlight(1, COUNTED, read))
    await cache.close()
    const name = grouped ? 'grouped ' : ''
    figures[`${name}µs`] = own.microseconds
    figures[`${name}cost`] = own.costOf(bare)
    figures[`${name}commands`] = sent / COUNTED
  }
  plain.disconnect()
  return figures
}
