/** One process of the run that the model is checked against. Started by `real-run.ts`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defineDependencies, defineKeys } from 'coherent-cache'
import { Redis } from 'ioredis'
import { Dice } from '../../test/explorer/dice.ts'
import { openOnRedis } from '../support/redis-caches.ts'
import { aliasSampler } from './model.ts'
import type { RealCounts, RealOrder } from './real-run.ts'

const keys = defineKeys({ report: 'report:{orgId}' })
const dependencies = defineDependencies({ tables: { entries: ['report:{orgId}'] } })

process.once('message', async ({ port, member, situation, warmUpSeconds, seconds }: RealOrder) => {
  const client = new Redis(port)
  const { organisations, inequality, reads, writes, processes, memoryEntries, ttlMs, loadMs } = situation
  const cache = await openOnRedis(client, {
    name: 'bench',
    namespace: 'real',
    instance: `p${member}`,
    keys,
    dependencies,
    maxStaleness: '2s',
    ttl: ttlMs,
    memory: { maxEntries: memoryEntries },
  })
  const dice = new Dice(7, member)
  const draw = aliasSampler(
    Array.from({ length: organisations }, (_, at) => (at + 1) ** -inequality),
    dice,
  )
  const load = async () => {
    await sleep(loadMs)
    return { revenue: 1 }
  }
  const now = () => {
    const { hits, loads, misses } = cache.stats()
    return { memory: hits.memory, store: hits.store, loads, misses }
  }
  let reading = 0
  let from: Omit<RealCounts, 'reads' | 'writes'> | undefined
  let count = { reads: 0, writes: 0 }
  const began = performance.now()
  let due = 0
  while (performance.now() - began < (warmUpSeconds + seconds) * 1_000) {
    const elapsed = performance.now() - began
    if (from === undefined && elapsed >= warmUpSeconds * 1_000) {
      from = now()
      count = { reads: 0, writes: 0 }
    }
    for (; due <= elapsed; due += (-Math.log(1 - dice.fraction()) * 1_000 * processes) / (reads + writes)) {
      const orgId = draw()
      reading++
      const write = dice.fraction() * (reads + writes) < writes
      if (write) count.writes++
      else count.reads++
      const done = write
        ? cache.invalidate({ table: 'entries', operation: 'insert', rows: [{ org_id: orgId }] })
        : cache.get(keys.report({ orgId }), load)
      void Promise.resolve(done).finally(() => {
        reading--
      })
    }
    await sleep(1)
  }
  while (reading > 0) await sleep(5)
  const to = now()
  const counts: RealCounts = {
    ...count,
    memory: to.memory - (from?.memory ?? 0),
    store: to.store - (from?.store ?? 0),
    loads: to.loads - (from?.loads ?? 0),
    misses: to.misses - (from?.misses ?? 0),
  }
  await cache.close()
  client.disconnect()
  process.send?.(counts)
  process.disconnect()
})
