import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { inFlight, type Spread, spread } from '../harness.ts'
import { type CommandCount, countCommands } from '../support/command-count.ts'
import { Pinger } from '../support/pinger.ts'
import { openOnRedis } from '../support/redis-caches.ts'

const GROUPS = 100
const keys = defineKeys({ item: 'item:{groupId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{groupId}:*'] } })

/** What one way to invalidate costs at one size. */
interface Cost {
  readonly label: string
  readonly ms: Spread
  readonly commands: CommandCount
  readonly longestPing: Spread
  readonly longestCommandMs: number
}

/**
 * Invalidating a group of keys in Redis, against itself at 1 k, 10 k and 100 k stored keys: a table's group, which is a
 * stamp (all keys, and the one hundredth of them that a row names), and an ad-hoc pattern that no map knows, which must
 * look at every key. How long it takes, how many commands it sends, the longest that another connection's PING had to
 * wait meanwhile, and the longest single command by Redis' own slow log.
 */
export const groupInvalidation: BenchCase = {
  name: 'group-invalidation',
  title: 'Invalidating groups in Redis, by the number of stored keys',
  guards: [
    { measure: 'commands of a group', is: 'commands of a group invalidation', atMost: 1 },
    { measure: 'commands grow', is: 'times as many at the most keys as at the fewest', atMost: 1 },
  ],
  async run({ quick, redis }) {
    const { port } = await redis()
    const client = new Redis(port)
    await client.config('SET', 'slowlog-log-slower-than', '-1', 'slowlog-max-len', '100000')
    const cache = await openOnRedis(client, { name: 'bench', keys, dependencies })
    const pinger = quick ? undefined : await Pinger.start(port)
    const rounds = quick ? 3 : 9
    const costs: Cost[] = []
    let groups = 0
    let idle: Spread | undefined

    const measure = async (label: string, times: number, apply: () => Promise<{ status: string }>) => {
      const timed: number[] = []
      const pings: number[] = []
      const applied = async () => {
        const { status } = await apply()
        if (status !== 'applied') throw new Error(`${label}: ${status} instead of applied`)
      }
      await touch(cache)
      const commands = await countCommands(client, applied)
      for (let round = 0; round < times; round++) {
        await touch(cache)
        const began = performance.now()
        await applied()
        timed.push(performance.now() - began)
      }
      await client.config('SET', 'slowlog-log-slower-than', '0')
      for (let round = 0; pinger !== undefined && round < times; round++) {
        await touch(cache)
        pings.push(await pinger.longest(applied))
      }
      await client.config('SET', 'slowlog-log-slower-than', '-1')
      costs.push({
        label,
        ms: spread(timed),
        commands,
        longestPing: spread(pings),
        longestCommandMs: pinger === undefined ? Number.NaN : await longestCommand(client),
      })
    }

    let stored = 0
    for (const size of quick ? [1_000, 10_000] : [1_000, 10_000, 100_000]) {
      await inFlight(64, size - stored, () => {
        const id = stored++
        return cache.get(keys.item({ groupId: id % GROUPS, id }), () => ({ id, amount: 100 + id }))
      })
      const thousands = `${size / 1_000} k`
      await measure(`table, ${thousands}`, rounds, () => cache.invalidate({ table: 'items' }))
      await measure(`table's row, ${thousands}`, rounds, () =>
        cache.invalidate({ table: 'items', operation: 'insert', rows: [{ group_id: 0 }] }),
      )
      // Each sweep removes its hundredth of the keys; a new hundredth for the next.
      await measure(`ad-hoc pattern, ${thousands}`, quick ? 1 : 3, () =>
        cache.invalidate({ pattern: `*:${1 + (groups++ % (GROUPS - 1))}:*` }),
      )
    }
    if (pinger !== undefined) {
      const waits: number[] = []
      for (let round = 0; round < rounds; round++) waits.push(await pinger.longest(() => sleep(20)))
      idle = spread(waits)
    }
    pinger?.end()
    await cache.close()
    client.disconnect()

    const groupsOnly = costs.filter(({ label }) => label.startsWith('table'))
    const sent = groupsOnly.map(({ commands }) => commands.sent)
    return {
      tables: [
        {
          caption: 'One, by keys in Redis',
          columns: ['ms', 'sent', 'run', 'PING, ms', 'command, ms'],
          rows: [
            ...costs.map(({ label, ms, commands, longestPing, longestCommandMs }) => ({
              label,
              cells: [
                ms,
                commands.sent,
                commands.ran,
                pinger === undefined ? undefined : longestPing,
                pinger === undefined ? undefined : longestCommandMs,
              ],
            })),
            ...(idle === undefined
              ? []
              : [
                  {
                    label: 'nothing, for 20 ms',
                    cells: [undefined, undefined, undefined, idle, undefined],
                  },
                ]),
          ],
          note: 'sent: commands sent; run: by Redis, inside scripts too; PING: the longest wait of another connection meanwhile; command: the longest single one, by the slow log.',
        },
      ],
      measures: {
        'commands of a group': Math.max(...sent),
        'commands grow': Math.max(...sent) / Math.min(...sent),
      },
    }
  },
}

/** Has one key of the group filled, so that there is something to make void. */
async function touch(cache: Cache): Promise<void> {
  await cache.get(keys.item({ groupId: 0, id: 0 }), () => ({ id: 0, amount: 100 }))
}

/** The longest command in the slow log, but for those of this bench, in milliseconds. Empties the log. */
async function longestCommand(client: Redis): Promise<number> {
  const entries = (await client.slowlog('GET', '-1')) as [number, number, micros: number, words: string[]][]
  await client.slowlog('RESET')
  const others = entries.filter(([, , , [command]]) => !/^(ping|config|slowlog)$/i.test(command ?? ''))
  return Math.max(0, ...others.map(([, , micros]) => micros)) / 1_000
}
