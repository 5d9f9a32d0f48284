import { setTimeout as sleep } from 'node:timers/promises'
import { startProxy } from '../../test/support/tcp-proxy.ts'
import type { ContenderKind } from '../support/contender.ts'
import { ContenderProcess } from '../support/contender-process.ts'

const READ_EVERY_MS = 25
const WATCH_MS = 3_000

export interface LostMessage {
  readonly reads: number
  readonly stale: number
  /** How long after the acknowledgement the old value was still answered, in milliseconds. */
  readonly oldestMs: number
  readonly staleAtEnd: boolean
}

/**
 * Two processes hold a key in memory. What one of them has subscribed to goes dead without a word; the other
 * invalidates. How long does the first answer with the old value?
 */
export async function lostMessage(kind: ContenderKind, port: number): Promise<LostMessage> {
  const proxy = await startProxy(port)
  const [writer, deaf] = [new ContenderProcess(), new ContenderProcess()]
  const [cache, group, key] = ['key', 'lost', 'item:lost:1']
  const options = { memory: true, groups: false, maxEntries: 10_000 }
  try {
    await writer.open(cache, kind.name, { ...options, port })
    await deaf.open(cache, kind.name, { ...options, port: proxy.port })
    for (let turn = 0; turn < 20; turn++) {
      for (const one of [writer, deaf]) await one.read(cache, key, group, 1)
      await sleep(READ_EVERY_MS)
    }
    proxy.holdMessages()
    await writer.invalidate(cache, group, key)
    const acknowledged = performance.now()
    let [reads, stale, oldestMs] = [0, 0, 0]
    let staleAtEnd = false
    while (performance.now() < acknowledged + WATCH_MS) {
      const began = performance.now()
      staleAtEnd = (await deaf.read(cache, key, group, 2)) < 2
      reads++
      if (staleAtEnd) {
        stale++
        oldestMs = began - acknowledged
      }
      await sleep(READ_EVERY_MS)
    }
    return { reads, stale, oldestMs, staleAtEnd }
  } finally {
    for (const one of [writer, deaf]) await one.end()
    await proxy.close()
  }
}
