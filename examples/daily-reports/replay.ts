import { setTimeout as sleep } from 'node:timers/promises'
import type { ReportsDatabase } from './database.ts'
import type { Verdict } from './judge.ts'
import type { Replica } from './service.ts'
import { type Scene, Stage } from './stage.ts'
import type { Traffic } from './traffic.ts'

/** What one cache made of the traffic. */
export interface Measured extends Verdict {
  /** Reports computed by the database for readers. */
  readonly databaseQueries: number
  readonly hitRate: number
  /** Writes that the shared tier was not told of while they were judged. */
  readonly queued: number
  readonly readMs: { readonly p50: number; readonly p99: number }
}

/** Plays the traffic to replicas over a database in its first state, and judges every answer. */
export async function replay(
  traffic: Traffic,
  replicas: readonly Replica[],
  database: ReportsDatabase,
  tell: (scene: Scene) => void,
): Promise<Measured> {
  const stage = new Stage(replicas, database)
  await stage.prepare(traffic)
  const before = stage.counts()
  const started = performance.now()
  const until = async (atMs: number) => {
    const left = started + atMs - performance.now()
    if (left > 0) await sleep(left)
  }
  const writers = async () => {
    for (const change of traffic.changes) {
      await until(change.atMs)
      const scene = await stage.play(change)
      if (change.told) tell(await scene.told)
    }
  }
  const viewers = async () => {
    for (const { atMs, replica, report } of traffic.views) {
      await until(atMs)
      void stage.read(replica, report)
    }
  }
  await Promise.all([writers(), viewers()])
  await stage.empty()
  const after = stage.counts()
  const hits = after.hits - before.hits
  return {
    ...stage.judge.verdict(),
    databaseQueries: after.queries - before.queries,
    hitRate: hits / (hits + after.misses - before.misses),
    queued: after.queued,
    readMs: { p50: stage.percentile(50), p99: stage.percentile(99) },
  }
}
