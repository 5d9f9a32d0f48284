import { LRUCache } from 'lru-cache'
import { collectGarbage, inFlight } from '../harness.ts'
import type { Measure, Measured } from './measure.ts'

const BATCH = 500

/** Heap that an entry takes in memory, with key and value, and over one of a bare `lru-cache` that holds the same. */
export const bytes: Measure = async ({ kind, quick, port }) => {
  const entries = quick ? 10_000 : 30_000
  const nameOf = (at: number) => flat(`item:g${Math.floor(at / BATCH)}:${at}`)
  const value = (key: string) => ({ key, text: flat(key.padEnd(100, 'x')) })
  const held: unknown[] = []
  const weigh = async (fill: () => Promise<unknown>) => {
    const before = heapUsed()
    held.push(await fill())
    return (heapUsed() - before) / entries
  }
  const fillBare = async () => {
    const lru = new LRUCache<string, object>({ max: entries })
    for (let at = 0; at < entries; at++) {
      const key = nameOf(at)
      lru.set(key, value(key))
    }
    return lru
  }
  // What is made once, whoever comes first.
  held.push(await fillBare())
  const figures: Record<string, Measured[string]> = { bare: await weigh(fillBare) }
  for (const grouped of kind.groups ? [false, true] : [false]) {
    const options = { memory: true, groups: grouped, maxEntries: entries }
    const fill = async (from: number, to: number) => {
      const cache = await kind.open({ ...options, port: kind.tiers ? port : undefined })
      let next = from
      const batch = () => {
        const first = next
        next += BATCH
        const keys = Array.from({ length: BATCH }, (_, at) => nameOf(first + at))
        const group = `g${Math.floor(first / BATCH)}`
        const many = cache.getMany?.(keys, group, async (missing) => missing.map(value))
        if (many !== undefined) return many
        let at = 0
        return inFlight(32, BATCH, () => {
          const key = keys[at++] as string
          return cache.get(key, group, async () => value(key))
        })
      }
      await inFlight(2, (to - from) / BATCH, batch)
      return cache
    }
    // Code and what belongs to it, as optimized as it gets, is there before anything is weighed.
    const first = await fill(entries, 2 * entries)
    figures[grouped ? 'grouped' : 'entry'] = await weigh(() => fill(0, entries))
    await first.close()
  }
  if (held.length === 0) throw new Error('Nothing was held.')
  return figures
}

/** One piece, as it comes from a database: not a rope that somebody's `JSON.stringify` would make one. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function heapUsed(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed: used, arrayBuffers } = process.memoryUsage()
  return used + arrayBuffers
}
