import { sharedNow } from '../support/version-judge.ts'
import type { Fault, Scene } from './scene.ts'
import type { WithSentinel } from './servers.ts'

/** The primary is killed, a replica takes its place, and it comes back empty, as a replica. */
const kill = sentinelFault('sentinel-kill', 'SIGKILL of the primary', async (scene, { topology, node }) => {
  await node.redis.kill('SIGKILL')
  await topology.replaced(node)
  await scene.pause(0, 2_000)
  await node.redis.restart()
  await topology.follows(node)
})

/** The primary is stopped, replaced, and comes back believing that nothing has happened. */
const stop = sentinelFault('sentinel-stop', 'SIGSTOP of the primary', async (scene, { topology, node }) => {
  await node.redis.kill('SIGSTOP')
  await topology.replaced(node)
  await scene.pause(0, 3_000)
  const isolation = scene.log.isolated(sharedNow())
  await node.redis.kill('SIGCONT')
  await topology.follows(node)
  isolation.to = sharedNow()
})

/** Nothing reaches the replicas for a while; then the primary is killed, and one of them promoted. */
const lag = sentinelFault(
  'sentinel-lag',
  'replicas lag, SIGKILL of the primary',
  async (scene, { topology, node }) => {
    node.proxy.holdReplicas()
    await scene.pause(200, 4_000)
    await node.redis.kill('SIGKILL')
    await topology.replaced(node)
    node.proxy.release()
    await scene.pause(0, 2_000)
    await node.redis.restart()
    await topology.follows(node)
  },
)

/** The primary is alone with its clients, is replaced, and goes on with those that stay. */
const isolate = sentinelFault(
  'sentinel-isolate',
  'the primary is alone with its clients',
  async (scene, { topology, node }) => {
    const isolation = scene.log.isolated(sharedNow())
    node.proxy.isolate()
    await topology.replaced(node)
    await scene.pause(100, 1_500)
    if (scene.dice.chance(0.6)) {
      const list = String(await node.admin.call('CLIENT', 'LIST', 'TYPE', 'normal'))
      for (const [, id = ''] of list.matchAll(/^id=(\d+)/gm))
        if (scene.dice.chance(0.4)) await node.admin.call('CLIENT', 'KILL', 'ID', id).catch(() => {})
      await scene.pause(100, 1_500)
    }
    node.proxy.release()
    await topology.follows(node)
    isolation.to = sharedNow()
  },
)

/** A replica takes over without need, most often the server that was the primary first. */
const failback = sentinelFault(
  'sentinel-failback',
  'SENTINEL FAILOVER',
  async (scene, { topology, node }) => {
    const [first] = topology.nodes
    const others = topology.nodes.filter((other) => other !== node)
    const next =
      first !== undefined && first !== node && scene.dice.chance(0.7) ? first : scene.dice.of(others)
    const isolation = scene.log.isolated(sharedNow())
    await topology.promote(next)
    await topology.follows(node)
    isolation.to = sharedNow()
  },
)

export const SENTINEL_FAULTS: readonly Fault[] = [kill, stop, lag, isolate, failback]

interface Struck {
  readonly topology: WithSentinel['topology']
  /** The primary before. */
  readonly node: WithSentinel['topology']['nodes'][number]
}

function sentinelFault(
  name: string,
  what: string,
  strike: (scene: Scene, struck: Struck) => Promise<void>,
): Fault {
  return {
    name,
    on: 'sentinel',
    async strike(scene) {
      const { server } = scene
      if (server.kind !== 'sentinel') return
      const node = await server.topology.primary()
      if (node === undefined) return
      await scene.during(name, what, async () => {
        server.meant = true
        try {
          await strike(scene, { topology: server.topology, node })
        } finally {
          server.meant = false
        }
      })
    },
  }
}
