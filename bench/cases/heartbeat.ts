import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { Fleet } from '../support/fleet.ts'
import { redisLoad } from '../support/redis-load.ts'

/** T, in milliseconds: the default. */
const T = 1_000

/**
 * What heartbeats cost: commands and bytes per second and process, and the share of one core that Redis takes, for 1 and
 * for 50 caches on one channel that rest, and that each answer a read from memory four times in T. The 50 live in few
 * processes; to Redis they are 50, with two connections each.
 */
export const heartbeat: BenchCase = {
  name: 'heartbeat',
  title: 'Heartbeats, by the number of processes',
  guards: [
    { measure: 'idle', is: 'commands per second of a process that is not read', atMost: 0.05 },
    { measure: 'in use', is: 'heartbeats per T and process', atMost: 3 },
  ],
  async run({ quick, redis }) {
    const { port } = await redis()
    const client = new Redis(port)
    const rows = []
    const measures: Record<string, number> = {}
    for (const caches of quick ? [5] : [1, 50]) {
      let restingCpu = 0
      const fleet = await Fleet.open(caches, 5, { port, maxStaleness: T })
      for (const use of ['idle', 'in use'] as const) {
        if (use === 'in use') await fleet.read(T / 4)
        // The last beats of what has just been opened.
        else await sleep(1.5 * T)
        const before = await scripts(client)
        const load = await redisLoad(client, () => sleep(quick ? 3_000 : 4_000))
        const beats = (await scripts(client)) - before
        const share = load.cpu / load.seconds
        if (use === 'idle') restingCpu = share
        const each = load.seconds * caches
        measures[use] = use === 'idle' ? load.commands / each : (beats / each) * (T / 1_000)
        rows.push({
          label: `${caches} ${use}`,
          cells: [beats / each, load.commands / each, load.bytesIn / each, load.bytesOut / each].concat(
            100 * share,
            beats === 0 ? Number.NaN : (1e6 * load.seconds * (share - restingCpu)) / beats,
          ),
        })
      }
      await fleet.close()
    }
    client.disconnect()
    return {
      tables: [
        {
          caption: 'Processes',
          columns: ['beats/s', 'commands/s', 'B/s in', 'B/s out', 'Redis, % of a core', 'µs a beat'],
          rows,
          note: 'beats, commands (inside scripts too) and bytes: per process. µs a beat: processor time of Redis beyond what it takes at rest.',
        },
      ],
      measures,
    }
  },
}

/** Scripts that clients have sent. */
async function scripts(client: Redis): Promise<number> {
  const stats = await client.info('commandstats')
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}
