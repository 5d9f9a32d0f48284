import { race } from '../harness.ts'
import { type Measure, makeItem } from './measure.ts'

const HELD = 256

/** Hits in memory, without Redis, with somebody listening to hits and misses and with nobody. */
export const events: Measure = async ({ kind, quick }) => {
  const names = Array.from({ length: HELD }, (_, at) => `item:g:${at}`)
  const open = async (listened: boolean) => {
    const cache = await kind.open({
      port: undefined,
      memory: true,
      groups: false,
      maxEntries: 10_000,
      events: listened,
    })
    for (const name of names) await cache.get(name, 'g', async () => makeItem(name))
    return cache
  }
  const [silent, heard] = [await open(false), await open(true)]
  const load = async () => makeItem('loaded')
  const [without, listened] = await race(
    [
      {
        name: 'without',
        run: async (times) => {
          for (let at = 0; at < times; at++) await silent.get(names[at & (HELD - 1)] as string, 'g', load)
        },
      },
      {
        name: 'with',
        run: async (times) => {
          for (let at = 0; at < times; at++) await heard.get(names[at & (HELD - 1)] as string, 'g', load)
        },
      },
    ],
    quick ? { rounds: 7, roundMs: 15 } : { rounds: 13, roundMs: 25 },
  )
  await silent.close()
  await heard.close()
  return { without: without.ns, with: listened.ns, cost: listened.costOf(without) }
}
