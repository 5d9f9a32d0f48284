import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, type CacheOptions, defineDependencies, defineKeys } from 'coherent-cache'
import { bindPg } from 'coherent-cache/pg'
import { Redis } from 'ioredis'
import { Client, Pool } from 'pg'
import { startPostgres } from '../../test/support/postgres.ts'
import type { BenchCase } from '../case.ts'
import { race, type Subject } from '../harness.ts'
import { countCommands } from '../support/command-count.ts'
import { Fleet } from '../support/fleet.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'

const SCHEMA = `
  CREATE TABLE items (id int PRIMARY KEY, group_id int NOT NULL, amount int NOT NULL);
  INSERT INTO items SELECT n, n % 10, 0 FROM generate_series(1, 1000) n;
`
const UPDATE = 'UPDATE items SET amount = amount + 1 WHERE id = $1 RETURNING *'
const keys = defineKeys({ item: 'item:{groupId}:{id}' })
const dependencies = defineDependencies({
  tables: { items: { invalidates: ['item:{groupId}:*'], stable: ['group_id'] } },
})

type Mode = 'bounded' | 'committed' | 'strict'

/** The modes compared, and how many other processes answer from memory meanwhile. */
const SITUATIONS: readonly { readonly mode: Mode; readonly holders: number }[] = [
  { mode: 'bounded', holders: 0 },
  { mode: 'committed', holders: 0 },
  { mode: 'strict', holders: 1 },
  { mode: 'strict', holders: 3 },
  { mode: 'strict', holders: 10 },
]

/**
 * What a mode costs, on a real Redis and a real PostgreSQL that flushes nothing to disk, one operation at a time: a
 * transaction of one UPDATE, against the same one on `pg` alone; a hit in memory, a read with `freshness: 'committed'`
 * that hits in Redis, and a miss with an instant loader, against a bare GET. Trips to Redis and statements to the
 * database are counted. In mode `'strict'` a commit waits for the processes that hold a memory lease; they share one
 * process here, besides which nothing runs.
 */
export const modes: BenchCase = {
  name: 'modes',
  title: 'Commits and reads, by mode',
  guards: [
    { measure: 'bounded, trips', is: "trips to Redis of a commit in mode 'bounded'", atMost: 1.5 },
    { measure: 'committed, trips', is: "trips to Redis of a commit in mode 'committed'", atMost: 2.5 },
  ],
  async run({ quick, redis }) {
    const { port } = await redis()
    const server = await startPostgres()
    const client = new Redis(port)
    const pool = new Pool({ connectionString: server.url, max: 2 })
    await pool.query(SCHEMA)
    await client.set('bare', JSON.stringify({ id: 1, amount: 1 }))
    let next = 0
    const id = () => 1 + (next++ % 1_000)
    const fleets: Fleet[] = []
    const rooms: { label: string; mode: Mode; cache: Cache; commit: () => Promise<unknown> }[] = []
    for (const { mode, holders } of quick ? SITUATIONS.slice(0, 2) : SITUATIONS) {
      const label = holders === 0 ? mode : `${mode}, ${holders} ${holders === 1 ? 'holder' : 'holders'}`
      const namespace = label.replace(/\W+/g, '-')
      const shared: Partial<CacheOptions> = { namespace, consistency: mode, maxStaleness: '1s' }
      const options: CacheOptions = { ...shared, name: 'bench', instance: namespace, keys, dependencies }
      const cache = await openOnRedis(client, options)
      if (holders > 0) {
        const fleet = await Fleet.open(holders, 1, { port, namespace, consistency: mode, maxStaleness: '1s' })
        await fleet.read(200)
        fleets.push(fleet)
      }
      const db = bindPg(pool, cache)
      const commit = () => db.transaction((tx) => tx.query(UPDATE, [id()]))
      rooms.push({ label, mode, cache, commit })
    }
    // Nothing is cached for one lifetime of a soft lock after a map was registered.
    await sleep(3_500)
    const read = (cache: Cache, key: number, freshness: 'bounded' | 'committed') =>
      cache.get(keys.item({ groupId: 100, id: key }), async () => ({ id: key, amount: 1 }), { freshness })
    for (const { cache } of rooms) {
      await read(cache, 1, 'bounded')
      await whenLeaseHeld(cache)
      await read(cache, 1, 'bounded')
    }

    const repeat = (operation: () => Promise<unknown>) => async (times: number) => {
      for (let at = 0; at < times; at++) await operation()
    }
    const effort = { rounds: quick ? 5 : 9, roundMs: 50, warmUpMs: 200 }
    const alone = async () => {
      const connection = await pool.connect()
      await connection.query('BEGIN')
      await connection.query(UPDATE, [id()])
      await connection.query('COMMIT')
      connection.release()
    }
    const commits = await race(
      [
        { name: 'pg alone', run: repeat(alone) },
        ...rooms.map(({ label, commit }): Subject => ({ name: label, run: repeat(commit) })),
      ],
      effort,
    )
    const readers = rooms.filter(({ label }) => !/ (?:1|10) /.test(label))
    const kinds = ['in memory', "in Redis, 'committed'", 'miss'] as const
    const operation = (cache: Cache, kind: (typeof kinds)[number]) => {
      if (kind === 'miss') return () => read(cache, 1_000 + next++, 'bounded')
      return () => read(cache, 1, kind === 'in memory' ? 'bounded' : 'committed')
    }
    const reads = await race(
      [
        { name: 'bare GET', run: repeat(() => client.get('bare')) },
        ...readers.flatMap(({ mode, cache }) =>
          kinds.map((kind): Subject => ({ name: `${mode}, ${kind}`, run: repeat(operation(cache, kind)) })),
        ),
      ],
      effort,
    )

    const counts = new Map<string, { trips: number; statements: number }>()
    const TIMES = 100
    for (const { label, commit } of rooms) {
      const statements = countStatements()
      const commands = await countCommands(client, () => repeat(commit)(TIMES))
      counts.set(label, { trips: commands.sent / TIMES, statements: statements.end() / TIMES })
    }
    for (const { mode, cache } of readers) {
      for (const kind of kinds) {
        const commands = await countCommands(client, () => repeat(operation(cache, kind))(TIMES))
        counts.set(`${mode}, ${kind}`, { trips: commands.sent / TIMES, statements: 0 })
      }
    }
    for (const fleet of fleets) await fleet.close()
    for (const { cache } of rooms) await cache.close()
    await pool.end()
    client.disconnect()
    await server.stop()

    const [base, ...bound] = commits
    const [get, ...others] = reads
    if (base === undefined || get === undefined) throw new Error('Nothing ran.')
    return {
      tables: [
        {
          caption: 'A transaction of one UPDATE',
          columns: ['µs', 'times pg alone', 'to Redis', 'to the database'],
          rows: [
            { label: base.name, cells: [base.microseconds, 1, 0, 3] },
            ...bound.map((timing) => ({
              label: timing.name,
              cells: [
                timing.microseconds,
                timing.costOf(base),
                counts.get(timing.name)?.trips,
                counts.get(timing.name)?.statements,
              ],
            })),
          ],
          note: 'to Redis: commands sent, heartbeats and the acknowledgements of holders among them; to the database: statements.',
        },
        {
          caption: 'A read',
          columns: ['µs', 'times bare GET', 'to Redis'],
          rows: [
            { label: get.name, cells: [get.microseconds, 1, 1] },
            ...others.map((timing) => ({
              label: timing.name,
              cells: [timing.microseconds, timing.costOf(get), counts.get(timing.name)?.trips],
            })),
          ],
        },
      ],
      measures: {
        'bounded, trips': counts.get('bounded')?.trips ?? Number.NaN,
        'committed, trips': counts.get('committed')?.trips ?? Number.NaN,
        ...Object.fromEntries(bound.map((timing) => [timing.name, timing.costOf(base).median])),
      },
    }
  },
}

/** Counts the statements that any connection of this process sends until it is ended. */
function countStatements(): { end(): number } {
  const { query } = Client.prototype
  let count = 0
  Client.prototype.query = function counted(this: Client, ...args: never[]) {
    count++
    return (query as (...all: never[]) => never).apply(this, args)
  } as typeof query
  return {
    end() {
      Client.prototype.query = query
      return count
    },
  }
}
