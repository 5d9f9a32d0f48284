import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../test/support/redis.ts'
import type { ContenderKind } from '../support/contender.ts'
import { ContenderProcess, type Ended, limited } from '../support/contender-process.ts'

const AFTERWARDS_MS = 5_000
const READ_EVERY_MS = 50

export interface Outage {
  /** What became of the invalidation made while Redis was away. `hung`: not within the outage and seconds after it. */
  readonly invalidation: Ended<boolean>
  /** It was said to be done while Redis was still away. */
  readonly saidDoneWhileAway: boolean
  /** Reads of both processes that began during the outage, after the invalidation had been asked for. */
  readonly readsAway: number
  /** The longest of them, in milliseconds. */
  readonly longestReadMs: number
  /** The oldest answer of the writer's own process and of the other, since the change of the row, in milliseconds. */
  readonly oldestMs: { readonly own: number; readonly other: number }
  /** Whether one of them still answers with the old value at the end. */
  readonly staleAtEnd: boolean
}

/**
 * Two processes hold a key in memory; Redis is killed; the row changes, and its process invalidates; Redis comes back,
 * with its data or without. Both processes read all the time.
 */
export async function outage(kind: ContenderKind, data: 'kept' | 'lost', awayMs: number): Promise<Outage> {
  const redis = await startRedis({ keepData: true })
  const [writer, other] = [new ContenderProcess(), new ContenderProcess()]
  const [cache, group, key] = ['key', 'outage', 'item:outage:1']
  const options = { port: redis.port, memory: true, groups: false, maxEntries: 10_000 }
  try {
    for (const one of [writer, other]) await one.open(cache, kind.name, options)
    for (let turn = 0; turn < 20; turn++) {
      for (const one of [writer, other]) await one.read(cache, key, group, 1)
      await sleep(READ_EVERY_MS)
    }
    await redis.kill('SIGKILL')
    const changed = performance.now()
    const back = changed + awayMs
    const end = back + AFTERWARDS_MS
    const invalidating = limited(writer.invalidate(cache, group, key), end - performance.now())

    let [readsAway, longestReadMs] = [0, 0]
    const watch = async (one: ContenderProcess) => {
      let [oldestMs, stale] = [0, false]
      while (performance.now() < end) {
        const began = performance.now()
        // Not longer than until the end, when it counts as hung.
        const { value, ms } = await limited(one.read(cache, key, group, 2), Math.max(1, end - began))
        if (began < back) {
          readsAway++
          longestReadMs = Math.max(longestReadMs, ms)
        }
        if (value !== undefined) {
          stale = value < 2
          if (stale) oldestMs = began - changed
        }
        await sleep(READ_EVERY_MS)
      }
      return { oldestMs, stale }
    }
    const returning = sleep(awayMs).then(() => redis.restart({ empty: data === 'lost' }))
    const [own, others] = await Promise.all([watch(writer), watch(other)])
    await returning
    const invalidation = await invalidating
    return {
      invalidation,
      saidDoneWhileAway: invalidation.value === true && invalidation.ms < awayMs,
      readsAway,
      longestReadMs,
      oldestMs: { own: own.oldestMs, other: others.oldestMs },
      staleAtEnd: own.stale || others.stale,
    }
  } finally {
    for (const one of [writer, other]) await one.end()
    await redis.stop()
  }
}
