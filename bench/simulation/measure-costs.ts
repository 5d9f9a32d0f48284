import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import type { Redis } from 'ioredis'
import { inFlight } from '../harness.ts'
import { Fleet } from '../support/fleet.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'
import { redisLoad } from '../support/redis-load.ts'
import type { Costs } from './costs.ts'

const keys = defineKeys({ item: 'item:{groupId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{groupId}:*'] } })
const WIDTH = 32
const STORED = 1_000
const LISTENERS = 20

/** Measures the processor time that Redis and a process spend on each thing, which other programs change little. */
export async function measureCosts(client: Redis, port: number, times: number): Promise<Costs> {
  const open = (instance: string, memory: boolean) =>
    openOnRedis(client, {
      name: 'bench',
      namespace: 'costs',
      instance,
      keys,
      dependencies,
      maxStaleness: '4s',
      ...(memory ? {} : { memory: false }),
    })
  const cache = await open('reader', true)
  const load = async () => ({ amount: 1, note: 'x'.repeat(300) })
  const key = (at: number) => keys.item({ groupId: at, id: at })
  for (let at = 0; at < STORED; at++) await cache.get(key(at), load)
  await whenLeaseHeld(cache)
  let next = 0
  const spent = async (count: number, operation: () => Promise<unknown>) => {
    await inFlight(WIDTH, Math.ceil(count / 10), operation)
    const before = process.cpuUsage()
    const { cpu } = await redisLoad(client, () => inFlight(WIDTH, count, operation))
    const { user, system } = process.cpuUsage(before)
    return { redis: (cpu * 1e6) / count, process: (user + system) / count }
  }
  const inMemory = await spent(20 * times, () => cache.get(key(next++ % STORED), load))
  const inRedis = await spent(times, () => cache.get(key(next++ % STORED), load, { freshness: 'committed' }))
  const missed = await spent(times, () => cache.get(key(1e6 + next++), load))
  const invalidate = (one: Cache) => () =>
    one.invalidate({ table: 'items', operation: 'insert', rows: [{ group_id: next++ }] })
  const alone = await spent(times, invalidate(cache))

  const fleet = await Fleet.open(LISTENERS, 1, { port, namespace: 'costs', maxStaleness: '4s' })
  const listening = await fleet.cpu()
  const heard = await spent(times, invalidate(cache))
  const heardBy = (await fleet.cpu()) - listening
  const rest = await redisLoad(client, () => sleep(2_000))
  await fleet.close()
  // A short T, so that many beats come in little time.
  const beating = await Fleet.open(LISTENERS, 1, { port, namespace: 'beats', maxStaleness: 200 })
  await beating.read(50)
  const before = await beating.cpu()
  const beats = await redisLoad(client, () => sleep(4_000))
  const cpu = (await beating.cpu()) - before
  await beating.close()
  await cache.close()
  const count = (LISTENERS * 2 * beats.seconds * 1_000) / 200
  const deliveries = LISTENERS * times * 1.1
  return {
    redis: {
      storeHit: inRedis.redis,
      miss: missed.redis,
      invalidation: alone.redis,
      delivery: Math.max(0, heard.redis - alone.redis) / LISTENERS,
      heartbeat: (1e6 * (beats.cpu - (rest.cpu / rest.seconds) * beats.seconds)) / count,
    },
    process: {
      memoryHit: inMemory.process,
      storeHit: inRedis.process,
      miss: missed.process,
      delivery: heardBy / deliveries,
      heartbeat: cpu / count,
    },
  }
}
