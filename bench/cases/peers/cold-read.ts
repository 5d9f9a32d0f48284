import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../../test/support/redis.ts'
import type { BenchCase } from '../../case.ts'
import { inFlight } from '../../harness.ts'
import type { ContenderKind } from '../../support/contender.ts'
import { ContenderProcess, limited } from '../../support/contender-process.ts'
import { allContenders } from '../../support/contenders.ts'

const AWAY_MS = 4_000
const AT_ONCE = 5

/**
 * A read of a key that nobody has cached while Redis is gone (killed) or frozen (it accepts and never answers): how long
 * until the loader's value is there, the first time and the next. Redis comes back after four seconds.
 */
export const coldRead: BenchCase = {
  name: 'cold-read',
  title: 'A cold read while Redis is away',
  peers: true,
  async run({ redis }) {
    // For the version that the report names; each contender gets one of its own.
    await redis()
    const kinds = await allContenders()
    const found = new Map<string, readonly number[]>()
    let next = 0
    await inFlight(AT_ONCE, kinds.length, async () => {
      const kind = kinds[next++] as ContenderKind
      found.set(kind.name, [...(await coldReads(kind, 'SIGKILL')), ...(await coldReads(kind, 'SIGSTOP'))])
    })
    return {
      tables: [
        {
          caption: `Away for ${AWAY_MS / 1_000} s: ms`,
          columns: ['gone: first', 'second', 'frozen: first', 'second'],
          rows: kinds.map(({ name }) => ({ label: name, cells: found.get(name) ?? [] })),
          note: 'The second read begins when the first has ended. What takes about as long as the outage has waited for its end.',
        },
      ],
      measures: { first: Math.max(...[0, 2].map((at) => found.get('coherent-cache')?.[at] ?? Number.NaN)) },
    }
  },
}

async function coldReads(kind: ContenderKind, how: 'SIGKILL' | 'SIGSTOP'): Promise<number[]> {
  const redis = await startRedis({ keepData: true })
  const reader = new ContenderProcess()
  try {
    await reader.open('cache', kind.name, {
      port: redis.port,
      memory: true,
      groups: false,
      maxEntries: 10_000,
    })
    await reader.read('cache', 'item:cold:0', 'cold', 1)
    await redis.kill(how)
    // A moment in which a client can notice.
    await sleep(50)
    const returning = sleep(AWAY_MS).then(() => (how === 'SIGKILL' ? redis.restart() : redis.kill('SIGCONT')))
    const times: number[] = []
    for (const key of ['item:cold:1', 'item:cold:2'])
      times.push((await limited(reader.read('cache', key, 'cold', 1), 3 * AWAY_MS)).ms)
    await returning
    return times
  } finally {
    await reader.end()
    await redis.stop()
  }
}
