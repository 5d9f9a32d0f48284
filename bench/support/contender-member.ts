/** A process with contenders in it: does what `contender-process.ts` orders, and answers each order. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from './contender.ts'
import type { Message, Order } from './contender-process.ts'
import { contenderOf } from './contenders.ts'
import { runStorm } from './storm.ts'

const LOAD_MS = 50
const caches = new Map<string, Contender>()
const held = new Map<string, () => void>()
const send = (message: Message) => process.send?.(message)

function cacheOf(name: string): Contender {
  const cache = caches.get(name)
  if (cache === undefined) throw new Error(`No cache ${name} has been opened.`)
  return cache
}

async function follow(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'open':
      caches.set(order.cache, await (await contenderOf(order.kind)).open(order.options))
      return undefined
    case 'read': {
      const { key, group, version, hold } = order
      const value = await cacheOf(order.cache).get(key, group, async () => {
        if (hold) {
          const released = new Promise<void>((resolve) => held.set(key, resolve))
          send({ loading: key })
          await released
        }
        return { key, version }
      })
      return (value as { version: number }).version
    }
    case 'release':
      held.get(order.key)?.()
      return undefined
    case 'invalidate':
      return claimsDone(
        order.key === undefined
          ? await cacheOf(order.cache).invalidateGroup?.(order.group)
          : await cacheOf(order.cache).invalidate(order.key, order.group),
      )
    case 'stampede': {
      let loads = 0
      const read = () =>
        cacheOf(order.cache).get(order.key, 'stampede', async () => {
          loads++
          await sleep(LOAD_MS)
          return { key: order.key, version: 1 }
        })
      await Promise.all(Array.from({ length: order.reads }, read))
      return loads
    }
    case 'storm':
      return runStorm(cacheOf(order.cache), order.storm)
    case 'close':
      await Promise.all([...caches.values()].map((cache) => cache.close()))
      return undefined
  }
}

/** What an invalidation resolves with may admit that it is not done: `false`, or a receipt that says so. */
function claimsDone(answer: unknown): boolean {
  const { status = 'applied' } = (answer ?? {}) as { status?: string }
  return answer !== false && status === 'applied'
}

process.on('message', async ([id, order]: [number, Order]) => {
  try {
    send({ answers: id, value: await follow(order) })
  } catch (error) {
    send({ answers: id, error: String(error) })
  }
})
process.on('disconnect', () => process.exit())
// Whatever a contender leaves unhandled while its Redis is away must not end the measurement.
process.on('unhandledRejection', () => {})
