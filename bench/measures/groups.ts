import { Redis } from 'ioredis'
import { inFlight } from '../harness.ts'
import { Pinger } from '../support/pinger.ts'
import { type Measure, type Measured, makeItem } from './measure.ts'

const BATCH = 500

/** Invalidating one group of so many keys, all in Redis and none in memory: time, commands, and how long Redis answers nobody. */
export const groups: Measure = async ({ kind, quick, full, port }) => {
  const client = new Redis(port)
  await client.config('SET', 'slowlog-log-slower-than', '-1')
  const pinger = await Pinger.start(port)
  const cache = await kind.open({ port, memory: false, groups: true, maxEntries: 1_000 })
  const sizes = quick
    ? [1_000, 10_000]
    : full
      ? [1_000, 10_000, 100_000, 1_000_000]
      : [1_000, 10_000, 100_000]
  const figures: Record<string, Measured[string]> = {}
  for (const size of sizes) {
    const group = `size${size}`
    let stored = 0
    const name = (at: number) => `item:${group}:${at}`
    if (cache.getMany === undefined)
      await inFlight(64, size, () => {
        const key = name(stored++)
        return cache.get(key, group, async () => ({ key }))
      })
    else
      await inFlight(2, size / BATCH, () => {
        const first = stored
        stored += BATCH
        const keys = Array.from({ length: BATCH }, (_, at) => name(first + at))
        return cache.getMany?.(keys, group, async (missing) =>
          missing.map((key) => ({ key })),
        ) as Promise<unknown>
      })
    const before = await calls(client)
    let ms = 0
    const longest = await pinger.longest(async () => {
      const began = performance.now()
      await cache.invalidateGroup?.(group)
      ms = performance.now() - began
    })
    const { others, pings } = await calls(client)
    let loads = 0
    for (const at of [0, size >> 1, size - 1])
      await cache.get(name(at), group, async () => {
        loads++
        return makeItem(name(at))
      })
    if (loads < 3) throw new Error(`${kind.name}: the group of ${size} was not invalidated.`)
    if (pings <= before.pings) throw new Error('Nobody felt for stalls.')
    figures[`${size} ms`] = ms
    figures[`${size} stall`] = longest
    figures[`${size} commands`] = others - before.others
  }
  pinger.end()
  await cache.close()
  client.disconnect()
  return figures
}

/** Commands that ran so far, inside scripts too, but for those of this measurement. */
async function calls(client: Redis): Promise<{ others: number; pings: number }> {
  let [others, pings] = [0, 0]
  for (const [, name, count] of (await client.info('commandstats')).matchAll(
    /cmdstat_([^:]+):calls=(\d+)/g,
  )) {
    if (name === 'ping') pings += Number(count)
    else if (name !== 'info') others += Number(count)
  }
  return { others, pings }
}
