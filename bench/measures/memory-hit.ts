import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { race } from '../harness.ts'
import { type Measure, type Measured, makeItem } from './measure.ts'

const HELD = 1_024
const AT_ONCE = 100

/** Hits in memory over Redis, awaited one by one and 100 at once, against an awaited bare `lru-cache`. */
export const memoryHit: Measure = async ({ kind, quick, port }) => {
  const effort = quick ? { rounds: 7, roundMs: 15 } : { rounds: 7, roundMs: 25 }
  const names = Array.from({ length: HELD }, (_, at) => `item:g${at % 16}:${at}`)
  const groups = names.map((_, at) => `g${at % 16}`)
  const bare = new LRUCache<string, object>({ max: 10_000 })
  for (const name of names) bare.set(name, makeItem(name))
  const figures: Record<string, Measured[string]> = {}
  for (const grouped of kind.groups ? [false, true] : [false]) {
    const cache = await kind.open({
      port: kind.tiers ? port : undefined,
      memory: true,
      groups: grouped,
      maxEntries: 10_000,
    })
    let loads = 0
    const load = async () => {
      loads++
      return makeItem('loaded')
    }
    for (const [at, name] of names.entries()) await cache.get(name, groups[at] as string, load)
    // Until memory answers: whoever needs a moment before it may.
    await sleep(700)
    for (const [at, name] of names.entries()) await cache.get(name, groups[at] as string, load)
    loads = 0
    const [base, one, baseMany, many] = await race(
      [
        {
          name: 'bare',
          run: async (times) => {
            for (let at = 0; at < times; at++) await bare.get(names[at & (HELD - 1)] as string)
          },
        },
        {
          name: 'get',
          run: async (times) => {
            for (let at = 0; at < times; at++) {
              const index = at & (HELD - 1)
              await cache.get(names[index] as string, groups[index] as string, load)
            }
          },
        },
        {
          name: 'bare, many',
          run: async (times) => {
            for (let at = 0; at < times; at += AT_ONCE)
              await Promise.all(
                Array.from({ length: AT_ONCE }, async (_, lane) =>
                  bare.get(names[(at + lane) & (HELD - 1)] as string),
                ),
              )
          },
        },
        {
          name: 'get, many',
          run: async (times) => {
            for (let at = 0; at < times; at += AT_ONCE)
              await Promise.all(
                Array.from({ length: AT_ONCE }, async (_, lane) => {
                  const index = (at + lane) & (HELD - 1)
                  return cache.get(names[index] as string, groups[index] as string, load)
                }),
              )
          },
        },
      ],
      effort,
    )
    await cache.close()
    if (loads > 0) throw new Error(`${kind.name}: ${loads} reads were no hits.`)
    const name = grouped ? 'grouped ' : ''
    figures[`${name}bare ns`] = base.ns
    figures[`${name}ns`] = one.ns
    figures[`${name}speed`] = one.speedOf(base)
    figures[`${name}many ns`] = many.ns
    figures[`${name}many speed`] = many.speedOf(baseMany)
  }
  return figures
}
