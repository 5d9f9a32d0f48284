import type { Fault, Scene } from './scene.ts'

/** Redis is killed and comes back without its data. */
export const restartEmpty: Fault = {
  name: 'redis-restart-empty',
  on: 'standalone',
  strike: (scene) => restart(scene, 'redis-restart-empty', true),
}

/** Redis is killed and comes back with its data. */
export const restartAof: Fault = {
  name: 'redis-restart-aof',
  on: 'standalone',
  strike: (scene) => restart(scene, 'redis-restart-aof', false),
}

async function restart(scene: Scene, name: string, empty: boolean): Promise<void> {
  const { server } = scene
  if (server.kind !== 'standalone') return
  const { redis } = server
  await scene.during(
    name,
    `SIGKILL of Redis, ${empty ? 'without' : 'with'} its data afterwards`,
    async () => {
      await redis.kill('SIGKILL')
      await scene.pause(0, 1_500)
      await redis.restart({ empty })
    },
  )
}

/** Connections are cut by the server: those for commands, or those that hear of invalidations. */
export const clientKill: Fault = {
  name: 'client-kill',
  async strike(scene) {
    const type = scene.dice.chance(0.5) ? 'normal' : 'pubsub'
    const times = 1 + scene.dice.count(4)
    const port = await scene.server.port()
    await scene.during('client-kill', `CLIENT KILL TYPE ${type}, ${times} times`, async () => {
      for (let at = 0; at < times; at++) {
        await scene.admin(port).call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
        await scene.pause(1, 300)
      }
    })
  },
}

export const flushAll: Fault = {
  name: 'flushall',
  async strike(scene) {
    const port = await scene.server.port()
    await scene.during('flushall', 'FLUSHALL', async () => {
      await scene.admin(port).call('FLUSHALL')
    })
  },
}

const POLICIES = {
  volatile: ['noeviction', 'volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'],
  allkeys: ['allkeys-lru', 'allkeys-lfu', 'allkeys-random'],
} as const

/** Redis comes to its memory limit, under any eviction policy that the mode allows. */
export const memoryPressure: Fault = {
  name: 'memory-pressure',
  on: 'standalone',
  async strike(scene) {
    const { dice, mode } = scene
    const policy = dice.of<string>([...POLICIES.volatile, ...(mode === 'bounded' ? POLICIES.allkeys : [])])
    const port = await scene.server.port()
    const admin = scene.admin(port)
    await scene.during('memory-pressure', `maxmemory under ${policy}`, async () => {
      await admin.call('CONFIG', 'SET', 'maxmemory-policy', policy)
      const info = String(await admin.call('INFO', 'memory'))
      const used = Number(/used_memory:(\d+)/.exec(info)?.[1])
      await admin.call('CONFIG', 'SET', 'maxmemory', used + 200_000)
      const until = performance.now() + 1_000 + dice.below(3_000)
      for (let at = 0; performance.now() < until; at++) {
        // Refused under noeviction, which is what makes the pressure there.
        await admin.call('SET', `junk:${at % 1_000}`, Buffer.alloc(2_000), 'EX', 60).catch(() => {})
        if (at % 20 === 0) await scene.pause(1, 5)
      }
      await admin.call('CONFIG', 'SET', 'maxmemory', 0)
      for (let at = 0; at < 1_000; at += 100)
        await admin.call('UNLINK', ...Array.from({ length: 100 }, (_, one) => `junk:${at + one}`))
      await admin.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    })
  },
}
