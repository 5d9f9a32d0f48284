import { Redis } from 'ioredis'
import { inFlight, spread } from '../harness.ts'
import type { Contender } from '../support/contender.ts'
import { Pinger } from '../support/pinger.ts'
import { type Measure, type Measured, unexpected } from './measure.ts'

const BATCH = 500

/**
 * Invalidating one group of so many keys, all in Redis and none in memory: time, commands, and how long Redis answers
 * nobody else.
 */
export const groups: Measure = async ({ kind, quick, full, port }) => {
  const client = new Redis(port)
  const pinger = await Pinger.start(port)
  const cache = await kind.open({ port, memory: false, groups: true, maxEntries: 1_000 })
  const figures: Record<string, Measured[string]> = {}
  // The first of its kind compiles, loads scripts and opens connections.
  await fill(cache, 'first', BATCH)
  await cache.invalidateGroup?.('first')
  const sizes = quick
    ? [1_000, 10_000]
    : full
      ? [1_000, 10_000, 100_000, 1_000_000]
      : [1_000, 10_000, 100_000]
  for (const size of sizes) {
    const [times, stalls, commands]: [number[], number[], number[]] = [[], [], []]
    for (let round = 0; round < (size <= 1_000 ? 5 : size <= 10_000 ? 2 : 1); round++) {
      const group = `size${size}-${round}`
      await fill(cache, group, size)
      const before = await commandsSoFar(client)
      stalls.push(
        await pinger.longest(async () => {
          const began = performance.now()
          await cache.invalidateGroup?.(group)
          times.push(performance.now() - began)
        }),
      )
      commands.push((await commandsSoFar(client)) - before)
      let loads = 0
      for (const at of [0, size >> 1, size - 1])
        await cache.get(nameOf(group, at), group, async () => {
          loads++
          return { key: nameOf(group, at) }
        })
      if (loads < 3) throw new Error(`${kind.name}: the group of ${size} was not invalidated.`)
    }
    figures[`${size} ms`] = spread(times)
    figures[`${size} stall`] = spread(stalls)
    figures[`${size} commands`] = spread(commands).median
  }
  pinger.end()
  await cache.close()
  client.disconnect()
  return figures
}

function nameOf(group: string, at: number): string {
  return `item:${group}:${at}`
}

/** Puts so many keys of a group into Redis, and makes sure that they are there. */
async function fill(cache: Contender, group: string, size: number): Promise<void> {
  let stored = 0
  if (cache.getMany === undefined)
    await inFlight(64, size, () => {
      const key = nameOf(group, stored++)
      return cache.get(key, group, async () => ({ key }))
    })
  else
    await inFlight(2, size / BATCH, async () => {
      const first = stored
      stored += BATCH
      const keys = Array.from({ length: BATCH }, (_, at) => nameOf(group, first + at))
      await cache.getMany?.(keys, group, async (missing) => missing.map((key) => ({ key })))
    })
  for (const at of [0, size >> 1, size - 1]) await cache.get(nameOf(group, at), group, unexpected)
}

/** Commands that ran so far, inside scripts too, but for those of this measurement. */
async function commandsSoFar(client: Redis): Promise<number> {
  let calls = 0
  for (const [, name, count] of (await client.info('commandstats')).matchAll(/cmdstat_([^:]+):calls=(\d+)/g))
    if (name !== 'ping' && name !== 'info') calls += Number(count)
  return calls
}
