import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { Redis } from 'ioredis'
import { Dice } from '../../test/explorer/dice.ts'
import type { BenchCase } from '../case.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'

const keys = defineKeys({ feed: 'feed:{id}' })
const dependencies = defineDependencies({ tables: { posts: ['feed:*'] } })

/** How long a COMMIT takes, in milliseconds. */
const COMMIT_MS = 20

/** A writer's rate, in transactions per second, and what readers saw meanwhile. */
interface Seen {
  readonly rate: number
  /** From before the lock is asked for to after it is taken off, in milliseconds, as measured. */
  readonly lockedMs: number
  /** Between two reads of one key, in milliseconds. */
  readonly againMs: number
  readonly reads: number
  readonly hits: number
  readonly underLock: number
}

/**
 * The share of reads that the cache answers while transactions in mode `'committed'` write, at random times (Poisson) and
 * a growing rate λ, a table whose one pattern has no captures: all of them lock the same stamp. A lock lasts d: a COMMIT of
 * 20 ms and two trips to Redis. At a random moment no lock is live with a probability of e^(-λd), and none has been since
 * a key was read τ before with one of e^(-λ(d+τ)). Ten keys are read in turn, one each millisecond, by a process of its own cache.
 */
export const lockContention: BenchCase = {
  name: 'lock-contention',
  title: 'Hits under soft locks, by the rate of writes',
  guards: [{ measure: 'off', is: 'by how much the share without a lock is off e^(-λd)', atMost: 0.3 }],
  async run({ quick, redis }) {
    const client = new Redis((await redis()).port)
    const open = (instance: string) =>
      openOnRedis(client, {
        name: 'bench',
        instance,
        keys,
        dependencies,
        consistency: 'committed',
        maxStaleness: '1s',
      })
    const [writer, reader] = [await open('writer'), await open('reader')]
    // Nothing is cached for one lifetime of a soft lock after a map was registered.
    await sleep(3_500)
    await reader.get(keys.feed({ id: 0 }), async () => 'feed')
    await whenLeaseHeld(reader)
    const seconds = quick ? 6 : 5
    const seen: Seen[] = []
    for (const rate of quick ? [20] : [1, 10, 30, 100])
      seen.push(await observe(writer, reader, rate, seconds))
    await writer.close()
    await reader.close()
    client.disconnect()
    const expected = ({ rate, lockedMs }: Seen) => Math.exp(-rate * (lockedMs / 1_000))
    const off = seen.map((one) => Math.abs(1 - one.underLock / one.reads - expected(one)))
    return {
      tables: [
        {
          caption: 'Transactions a second',
          columns: ['d, ms', 'τ, ms', 'e^(-λd)', 'no lock', 'e^(-λ(d+τ))', 'hits'],
          rows: seen.map((one) => ({
            label: one.rate.toFixed(1),
            cells: [
              one.lockedMs,
              one.againMs,
              expected(one),
              1 - one.underLock / one.reads,
              Math.exp((-one.rate * (one.lockedMs + one.againMs)) / 1_000),
              one.hits / one.reads,
            ],
          })),
          note: 'd: from before the lock is asked for until it is off; τ: between two reads of a key; no lock: reads that met none; hits: reads that the cache answered. A read hits if no lock has been live since the read before it.',
        },
      ],
      measures: { off: Math.max(...off), hits: Math.min(...seen.map((one) => one.hits / one.reads)) },
    }
  },
}

async function observe(writer: Cache, reader: Cache, rate: number, seconds: number): Promise<Seen> {
  const counts = { reads: 0, loads: 0, underLock: 0 }
  const forget = reader.on('miss', ({ reason }) => {
    if (reason === 'locked') counts.underLock++
  })
  const until = performance.now() + seconds * 1_000
  const locked: number[] = []
  const dice = new Dice(rate)
  const transactions: Promise<void>[] = []
  const write = async () => {
    const began = performance.now()
    const unit = writer.unitOfWork()
    unit.write('posts', { operation: 'insert' })
    await unit.prepare()
    await sleep(COMMIT_MS)
    await unit.commit()
    locked.push(performance.now() - began)
  }
  const writing = (async () => {
    while (performance.now() < until) {
      await sleep((-Math.log(1 - dice.fraction()) * 1_000) / rate)
      transactions.push(write())
    }
  })()
  for (let at = 0; performance.now() < until; at++) {
    counts.reads++
    await reader.get(keys.feed({ id: at % 10 }), async () => {
      counts.loads++
      return 'feed'
    })
    await sleep(1)
  }
  await writing
  await Promise.all(transactions)
  forget()
  const againMs = (10 * seconds * 1_000) / counts.reads
  const lockedMs = locked.reduce((sum, one) => sum + one, 0) / locked.length
  return {
    // As it came out, not as it was meant.
    rate: locked.length / seconds,
    lockedMs,
    againMs,
    reads: counts.reads,
    hits: counts.reads - counts.loads,
    underLock: counts.underLock,
  }
}
