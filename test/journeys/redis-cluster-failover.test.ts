import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { until } from '../support/until.ts'
import { startVersionedFleet, type VersionedFleet } from '../support/versioned-fleet.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
}, 60_000)
afterAll(() => cluster?.stop())

/** Resolves when a fleet uses the store again and keeps values in it. */
async function recovered({ caches, tiers, statuses }: VersionedFleet): Promise<void> {
  const hits = () => (tiers.get('store') ?? 0) + (tiers.get('memory') ?? 0)
  const [hitsBefore, appliedBefore] = [hits(), statuses.get('applied') ?? 0]
  await until(
    () =>
      caches.every((cache) => cache.health().store.status === 'connected') &&
      hits() > hitsBefore + 50 &&
      (statuses.get('applied') ?? 0) > appliedBefore + 2,
    'the fleet to use the store again',
    15_000,
  )
}

test('a primary is killed, comes back, is promoted again, then frozen and let go on: no read is older than promised', async () => {
  const options = { cluster: cluster.ports, partitions: 4 }
  const modes = ['bounded', 'committed', 'strict'] as const
  const fleets = await Promise.all(modes.map((mode) => startVersionedFleet(mode, options)))
  await Promise.all(fleets.map(recovered))

  const [first] = fleets as [VersionedFleet]
  const victim = await cluster.primaryOf(await cluster.slotOf(`cc:{${first.name}.0}`))
  await cluster.crash(victim)
  await Promise.all(fleets.map(recovered))

  await cluster.restart(victim)
  await cluster.failOver(victim)
  await Promise.all(fleets.map(recovered))

  await cluster.freeze(victim)
  await Promise.all(fleets.map(recovered))
  // It still takes itself for the primary, for as long as nobody tells it otherwise.
  await cluster.thaw(victim)
  await Promise.all(fleets.map(recovered))

  for (const fleet of fleets) {
    expect(await fleet.stop()).toEqual([])
    for (const cache of fleet.caches) expect(cache.health().queue.length).toBe(0)
  }
}, 60_000)
