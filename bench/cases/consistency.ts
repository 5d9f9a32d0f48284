import { Redis } from 'ioredis'
import { startRedis } from '../../test/support/redis.ts'
import type { BenchCase, Cell, Table } from '../case.ts'
import { lostMessage } from '../consistency/lost-message.ts'
import { type Outage, outage } from '../consistency/outage.ts'
import { staleFills } from '../consistency/stale-fill.ts'
import { GRACE_MS, storm } from '../consistency/storms.ts'
import { inFlight } from '../harness.ts'
import type { ContenderKind } from '../support/contender.ts'
import { allContenders } from '../support/contenders.ts'

/** Schedules mostly wait: so many contenders go through them at once. Storms have the machine to themselves. */
const AT_ONCE = 5
/** Longer than ioredis keeps a command by default, which is 20 attempts to connect, some 10 s. */
const LONG_OUTAGE_MS = 13_000
const SHORT_OUTAGE_MS = 4_000

type Row = Table['rows'][number]

/**
 * Whether what is answered is still true: stale fills, lost messages, a Redis that goes away and comes back, and storms
 * of random reads and writes. For each contender with two operating-system processes on a private Redis, over memory
 * and Redis, in the configuration that its documents recommend. Nothing expires meanwhile.
 */
export const consistency: BenchCase = {
  name: 'consistency',
  title: 'Stale answers',
  peers: true,
  async run({ full, redis }) {
    // For the version that the report names; each contender gets one of its own.
    await redis()
    const kinds = await allContenders()
    const each = async (measure: (kind: ContenderKind) => Promise<Cell[]>): Promise<Table['rows']> => {
      const rows = new Map<string, Cell[]>()
      let next = 0
      await inFlight(AT_ONCE, kinds.length, async () => {
        const kind = kinds[next++] as ContenderKind
        rows.set(kind.name, await measure(kind))
      })
      return kinds.map(({ name }) => ({ label: name, cells: rows.get(name) ?? [] }))
    }
    const fills = await each(async (kind) => {
      const found = await onRedis((port) => staleFills(kind, port))
      return [found.races, found.stale, found.staleAtEnd, found.joinRaces, found.joined]
    })
    const lost = await each(async (kind) => {
      const found = await onRedis((port) => lostMessage(kind, port))
      return [(100 * found.stale) / found.reads, found.oldestMs, Number(found.staleAtEnd)]
    })
    const keptMs = full ? LONG_OUTAGE_MS : SHORT_OUTAGE_MS
    const kept = await each(async (kind) => cellsOf(await outage(kind, 'kept', keptMs)))
    const emptied = await each(async (kind) => cellsOf(await outage(kind, 'lost', SHORT_OUTAGE_MS)))
    const storms = await stormRows(kinds, 1.5)

    // Who is known to be found out must be, or the races prove nothing.
    if (Number(fills[1]?.cells[1]) === 0) throw new Error('No race found hand-written cache-aside out.')
    const own = (rows: Table['rows'], column: number) => Number(rows[0]?.cells[column] ?? Number.NaN)
    return {
      tables: [
        {
          caption: 'A load ends after the invalidation',
          columns: ['races', 'stale', 'for good', 'late reads', 'stale'],
          rows: fills,
          note: 'Races: of a key, and of a group where there are groups; the load in the process that invalidates or in the other; ended at once or 1.5 s later. Stale: some process answers with the old value afterwards; for good: 2.5 s later too. Late reads: begun after the acknowledged invalidation, in its process, while the older load still runs; stale: they were given what it returned.',
        },
        {
          caption: 'A lost bus message',
          columns: ['% stale', 'oldest, ms', 'for good'],
          rows: lost,
          note: 'For good: at the end of 3 s. Reads, over these, of a process whose subscription went dead in silence before another process invalidated. Who has no memory tier, or no bus, has no message to lose.',
        },
        ...[
          { caption: `Redis away for ${keptMs / 1_000} s, data kept`, rows: kept },
          { caption: `Redis away for ${SHORT_OUTAGE_MS / 1_000} s, data lost`, rows: emptied },
        ].map(({ caption, rows }) => ({
          caption,
          columns: ['done?', 'read, ms', 'own, ms', 'other, ms', 'for good'],
          rows,
          note: 'The row changes while Redis is away, and its process invalidates. Done?: 1 where the invalidation resolved meanwhile as if it were done. Read: the longest that began meanwhile. Own, other: the last read in that process that was given the old value, after the change. For good: 5 s after the return.',
        })),
        ...(['key', 'group'] as const).map((by) => ({
          caption: `A storm, by ${by}`,
          columns: ['reads', '% stale', 'oldest, ms', 'for good'],
          rows: storms[by],
          note: `Two processes read and write 40 rows for a while, each invalidation ${by === 'key' ? 'of its key' : 'of a group of 5'}. Stale: older than what had been acknowledged ${GRACE_MS} ms before the read began. For good: keys still stale after 1.5 s without writes. Reads are fewer where more of them wait for loads, which take 5 ms on average.`,
        })),
      ],
      measures: {
        'stale fills': own(fills, 1) + own(fills, 4),
        'stale at the end':
          own(lost, 2) + own(kept, 4) + own(emptied, 4) + own(storms.key, 3) + own(storms.group, 3),
      },
    }
  },
}

/** A Redis of its own for one contender, so that nothing is left of the one before. */
async function onRedis<T>(body: (port: number) => Promise<T>): Promise<T> {
  const server = await startRedis()
  try {
    return await body(server.port)
  } finally {
    await server.stop()
  }
}

function cellsOf({ saidDoneWhileAway, longestReadMs, oldestMs, staleAtEnd }: Outage): Cell[] {
  return [Number(saidDoneWhileAway), longestReadMs, oldestMs.own, oldestMs.other, Number(staleAtEnd)]
}

/** The database keeps what is true in a Redis of its own. */
async function stormRows(kinds: readonly ContenderKind[], seconds: number) {
  const database = await startRedis()
  const client = new Redis(database.port)
  const rows = { key: [] as Row[], group: [] as Row[] }
  for (const by of ['key', 'group'] as const) {
    for (const kind of kinds) {
      if (by === 'group' && !kind.groups) continue
      await client.flushall()
      const { reads, stale, oldestMs, staleAtEnd } = await onRedis((port) =>
        storm(kind, by, seconds, port, database.port),
      )
      rows[by].push({ label: kind.name, cells: [reads, (100 * stale) / reads, oldestMs, staleAtEnd] })
    }
  }
  client.disconnect()
  await database.stop()
  return rows
}
