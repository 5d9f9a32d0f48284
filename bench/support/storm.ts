import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Contender } from './contender.ts'
import type { Storm } from './contender-process.ts'
import type { ReadLog } from './staleness.ts'

const READERS = 4
const QUERY_MS = 10
const WRITE_EVERY_MS = 15
const QUIET_MS = 1_500

/** Reads and writes at random for a while, then reads every key once more after a pause. */
export async function runStorm(cache: Contender, storm: Storm): Promise<ReadLog> {
  const database = new Redis(storm.database)
  const reads: [number, number, number][] = []
  const writes: [number, number, number][] = []
  const now = () => performance.timeOrigin + performance.now()
  const groupOf = (key: number) => String(key % storm.groups)
  const nameOf = (key: number) => `item:${groupOf(key)}:${key}`
  const until = performance.now() + storm.seconds * 1_000

  /** A query sees the row as it is when it begins, and takes a while. */
  const load = async (key: number) => {
    const version = Number((await database.get(`row:${key}`)) ?? 0)
    await sleep(Math.random() * QUERY_MS)
    return { key: nameOf(key), version }
  }
  const read = async (key: number) => {
    const value = await cache.get(nameOf(key), groupOf(key), () => load(key))
    return (value as { version: number }).version
  }
  const reader = async () => {
    while (performance.now() < until) {
      const key = Math.floor(Math.random() * storm.keys)
      const began = now()
      reads.push([began, key, await read(key)])
      await sleep(1)
    }
  }
  const writer = async () => {
    while (performance.now() < until) {
      await sleep(Math.random() * 2 * WRITE_EVERY_MS)
      const turn = Math.floor(Math.random() * (storm.keys / storm.processes))
      const key = turn * storm.processes + storm.member
      const version = await database.incr(`row:${key}`)
      if (storm.by === 'key') await cache.invalidate(nameOf(key), groupOf(key))
      else await cache.invalidateGroup?.(groupOf(key))
      writes.push([now(), key, version])
    }
  }
  await Promise.all([...Array.from({ length: READERS }, reader), writer()])
  await sleep(QUIET_MS)
  const end: number[] = []
  for (let key = 0; key < storm.keys; key++) end.push(await read(key))
  database.disconnect()
  return { reads, writes, end }
}
