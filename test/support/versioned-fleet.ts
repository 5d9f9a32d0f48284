import { setTimeout as pace } from 'node:timers/promises'
import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { openRedisCache, type RedisCacheOptions, uniqueName } from './redis-caches.ts'
import {
  olderThanPromised,
  type Promised,
  sharedNow,
  type VersionRead,
  type VersionWrite,
} from './version-judge.ts'

const keys = defineKeys({ row: 'row:{id}' })
const dependencies = defineDependencies({ tables: { rows: ['row:{id}'] } })
const ROWS = 24

/** Caches of one namespace over one database, which read and write without pause, and what came of it. */
export interface VersionedFleet {
  readonly name: string
  readonly caches: readonly Cache[]
  readonly statuses: ReadonlyMap<string, number>
  /** Reads so far, by tier. */
  readonly tiers: ReadonlyMap<string, number>
  /** Ends the work. @returns the reads that were older than promised */
  stop(): Promise<readonly unknown[]>
}

/** Starts two caches of one mode, one on each version of the client, and each with a reader and a writer. */
export async function startVersionedFleet(
  consistency: Promised['consistency'],
  options: RedisCacheOptions<string, string>,
): Promise<VersionedFleet> {
  const name = uniqueName()
  const maxStalenessMs = 300
  const caches = (['ioredis 6', 'ioredis 5'] as const).map(
    (ioredis) =>
      openRedisCache({
        ...options,
        ioredis,
        name,
        keys,
        dependencies,
        consistency,
        maxStaleness: maxStalenessMs,
        storeTimeout: 1_000,
        ...(consistency === 'bounded' ? {} : { softLockLifetime: 800 }),
      } as RedisCacheOptions<string, string>).cache as Cache,
  )
  await Promise.all(caches.map((cache) => cache.ready({ timeout: 10_000 })))
  const versions = Array.from({ length: ROWS }, () => 0)
  const writes: (VersionWrite & { readonly told: boolean })[] = []
  const reads: VersionRead[] = []
  const statuses = new Map<string, number>()
  const tiers = new Map<string, number>()
  const count = (counts: Map<string, number>, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  let running = true
  let last = 0

  const read = async (cache: Cache, process: number) => {
    while (running) {
      const id = Math.floor(Math.random() * ROWS)
      const freshness = Math.random() < 0.3 ? 'committed' : 'bounded'
      const began = sharedNow()
      const key = keys.row({ id })
      const { value, tier } = await cache.getEntry(key, async () => versions[id] as number, { freshness })
      reads.push({ process, key, version: value as number, freshness, began, tier })
      count(tiers, tier)
      await pace(1)
    }
  }
  const write = async (cache: Cache, process: number) => {
    while (running) {
      const id = Math.floor(Math.random() * ROWS)
      const unit = cache.unitOfWork()
      unit.write('rows', { operation: 'insert', rows: [{ id }] })
      const prepared = await unit.prepare().then(
        () => true,
        () => false,
      )
      if (prepared) {
        const version = ++last
        versions[id] = version
        const committed = sharedNow()
        const { status } = await unit.commit()
        writes.push({
          process,
          key: keys.row({ id }),
          version,
          committed,
          acknowledged: sharedNow(),
          told: status === 'applied',
        })
        count(statuses, status)
      } else {
        await unit.rollback()
        count(statuses, 'aborted')
      }
      await pace(20)
    }
  }
  const work = caches.flatMap((cache, process) => [read(cache, process), write(cache, process)])
  // A test that fails has closed them.
  for (const one of work) one.catch(() => {})
  return {
    name,
    caches,
    statuses,
    tiers,
    async stop() {
      running = false
      await Promise.all(work)
      return caches.flatMap((_, process) =>
        olderThanPromised(
          // What could not be told is known to the process that made it, and what is locked to all.
          writes.filter((one) => one.told || one.process === process || consistency === 'strict'),
          reads.filter((one) => one.process === process),
          { consistency, maxStalenessMs },
        ),
      )
    },
  }
}
