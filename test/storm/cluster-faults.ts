import type { RedisCluster } from '../support/redis-cluster.ts'
import type { Fault, Scene } from './scene.ts'
import { PARTITIONS } from './subject.ts'

/** A partition's slot moves to another primary, name by name, while everybody uses it. */
const move = clusterFault('cluster-move', "a partition's slot moves", async (scene, cluster) => {
  const { dice } = scene
  for (let times = 1 + dice.count(3); times > 0; times--) {
    const slot = await cluster.slotOf(`cc:{storm.${dice.below(PARTITIONS)}}`)
    const owner = await cluster.primaryOf(slot)
    const others = (await cluster.primaries()).filter((node) => node !== owner)
    await cluster.move(slot, dice.of(others), async () => void (await scene.pause(0, 20)))
  }
})

/** A replica is promoted without need. */
const failover = clusterFault('cluster-failover', 'CLUSTER FAILOVER', async (scene, cluster) => {
  const primary = scene.dice.of(await cluster.primaries())
  await cluster.failOver(await cluster.replicaOf(primary))
})

/** A primary is killed, replaced by its replica, and comes back. */
const crash = clusterFault('cluster-crash', 'SIGKILL of a primary', async (scene, cluster) => {
  const primary = scene.dice.of(await cluster.primaries())
  await cluster.crash(primary)
  await scene.pause(0, 1_500)
  await cluster.restart(primary)
})

export const CLUSTER_FAULTS: readonly Fault[] = [move, failover, crash]

function clusterFault(
  name: string,
  what: string,
  strike: (scene: Scene, cluster: RedisCluster) => Promise<void>,
): Fault {
  return {
    name,
    on: 'cluster',
    async strike(scene) {
      const { server } = scene
      if (server.kind === 'cluster') await scene.during(name, what, () => strike(scene, server.cluster))
    },
  }
}
