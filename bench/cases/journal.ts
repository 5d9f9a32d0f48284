import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createCache, defineDependencies } from 'coherent-cache'
import { createJournalRelay, defineJournal } from 'coherent-cache/journal'
import { bindPg } from 'coherent-cache/pg'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { type PostgresServer, startPostgres } from '../../test/support/postgres.ts'
import { sharedNow } from '../../test/support/version-judge.ts'
import type { BenchCase, Table } from '../case.ts'
import { inFlight, race, type Subject, spread } from '../harness.ts'
import { openOnRedis } from '../support/redis-caches.ts'

const ITEMS = 1_000
const UPDATE = 'UPDATE items SET amount = amount + 1 WHERE id = $1 RETURNING *'
const dependencies = defineDependencies({
  tables: { items: { invalidates: ['item:{id}'], stable: ['id'] } },
})
const plain = defineJournal({ dependencies })
const triggers = defineJournal({ dependencies, triggers: true })
const notifying = defineJournal({ dependencies, triggers: true, notify: true })

/** A server with a database each for tables without triggers, with them, and with those that notify. */
interface Databases {
  readonly bare: string
  readonly triggered: string
  readonly notified: string
}

/**
 * What a journal costs and how soon it tells, on a real PostgreSQL that flushes nothing to disk and a real Redis.
 *
 * A transaction of one UPDATE: bound without a journal and with one; and written by others, with and without triggers. As
 * many of those as 16 connections get through. How many records a second a relay applies. How long after the answer to
 * COMMIT another process's memory no longer has the value: written by a bound pool; by others, through a relay.
 */
export const journal: BenchCase = {
  name: 'journal',
  title: 'The journal: what it costs, and how soon it tells',
  guards: [{ measure: 'bound', is: 'times the time of a bound transaction without a journal', atMost: 3 }],
  async run({ quick, redis }) {
    const server = await startPostgres({ config: { max_connections: '100' } })
    const { port } = await redis()
    const databases = await makeDatabases(server)
    const costs = await transactionCosts(databases, quick)
    const tables = [
      costs.table,
      await triggerThroughput(databases, quick),
      await relayThroughput(databases, port, quick),
      await latencies(databases, port, quick),
    ]
    await server.stop()
    return { tables, measures: { bound: costs.bound } }
  },
}

async function makeDatabases(server: PostgresServer): Promise<Databases> {
  const make = async (name: string, journal: typeof plain) => {
    const url = await server.createDatabase(name)
    const pool = new Pool({ connectionString: url, max: 1 })
    await pool.query(`CREATE TABLE items (id int PRIMARY KEY, amount int NOT NULL);
      INSERT INTO items SELECT n, 0 FROM generate_series(1, ${ITEMS}) n`)
    await journal.ensure(pool)
    await pool.end()
    return url
  }
  return {
    bare: await make('bare', plain),
    triggered: await make('triggered', triggers),
    notified: await make('notified', notifying),
  }
}

async function transactionCosts({ bare, triggered, notified }: Databases, quick: boolean) {
  const pools: Pool[] = []
  const connect = (url: string) => {
    const pool = new Pool({ connectionString: url, max: 2 })
    pools.push(pool)
    return pool
  }
  const cache = createCache({ name: 'bench-costs', dependencies })
  let next = 0
  const id = () => 1 + (next++ % ITEMS)
  const alone = (name: string, url: string): Subject => {
    const pool = connect(url)
    return {
      name,
      async run(times) {
        for (let at = 0; at < times; at++) await pool.query(UPDATE, [id()])
      },
    }
  }
  const bound = (name: string, url: string, options: Parameters<typeof bindPg>[2]): Subject => {
    const db = bindPg(connect(url), cache, options)
    return {
      name,
      async run(times) {
        for (let at = 0; at < times; at++) await db.query(UPDATE, [id()])
      },
    }
  }
  const timings = await race(
    [
      alone('pg alone, no triggers', bare),
      alone('pg alone, triggers', triggered),
      alone('pg alone, triggers that notify', notified),
      bound('bound, no journal', bare, {}),
      bound('bound, journal', bare, { journal: plain }),
      bound('bound, journal and triggers', triggered, { journal: triggers }),
    ],
    { rounds: quick ? 7 : 13, roundMs: 40, warmUpMs: 300 },
  )
  await Promise.all([plain.flush(), triggers.flush()])
  await cache.close()
  await Promise.all(pools.map((pool) => pool.end()))
  const [base, , , unjournalled, journalled] = timings
  const table: Table = {
    caption: 'A transaction of one UPDATE, one at a time',
    columns: ['µs', 'times pg alone'],
    rows: timings.map((timing, at) => ({
      label: timing.name,
      cells: [timing.microseconds, at === 0 ? 1 : timing.costOf(base)],
    })),
    note: 'The bound ones begin and end a transaction of their own; the others are one statement.',
  }
  return { table, bound: journalled.costOf(unjournalled).median }
}

async function triggerThroughput({ bare, triggered, notified }: Databases, quick: boolean): Promise<Table> {
  const rounds = quick ? 3 : 5
  const each = quick ? 1_500 : 4_000
  const subjects = await Promise.all(
    [
      { label: 'no triggers', url: bare },
      { label: 'triggers', url: triggered },
      { label: 'triggers that notify', url: notified },
    ].map(async ({ label, url }) => ({
      label,
      pool: new Pool({ connectionString: url, max: 16 }),
      found: [] as number[],
    })),
  )
  let next = 0
  for (let round = 0; round < rounds; round++) {
    for (const { pool, found } of subjects) {
      const began = performance.now()
      await inFlight(16, each, () => pool.query(UPDATE, [1 + (next++ % ITEMS)]))
      found.push((1_000 * each) / (performance.now() - began))
    }
  }
  for (const { pool } of subjects) {
    await pool.query('TRUNCATE coherent_cache_journal')
    await pool.end()
  }
  return {
    caption: 'Writes of other clients, 16 connections',
    columns: ['transactions a second'],
    rows: subjects.map(({ label, found }) => ({ label, cells: [spread(found)] })),
  }
}

async function relayThroughput({ triggered }: Databases, port: number, quick: boolean): Promise<Table> {
  const count = quick ? 5_000 : 10_000
  const pool = new Pool({ connectionString: triggered, max: 4 })
  const client = new Redis(port)
  const cache = await openOnRedis(client, { name: 'bench', instance: 'relay', dependencies })
  const rows: Table['rows'][number][] = []
  for (const batch of [50, 500, 2_000]) {
    await pool.query(
      `DO $$ BEGIN FOR n IN 1..${count} LOOP UPDATE items SET amount = amount + 1 WHERE id = 1 + n % ${ITEMS}; END LOOP; END $$`,
    )
    const relay = createJournalRelay({ journal: triggers, cache, client: pool, interval: 'never', batch })
    const began = performance.now()
    const applied = await relay.run()
    rows.push({ label: `batch ${batch}`, cells: [(1_000 * applied) / (performance.now() - began)] })
    await relay.close()
  }
  await cache.close()
  client.disconnect()
  await pool.end()
  return {
    caption: `A relay, ${count} records of ${ITEMS} rows`,
    columns: ['records a second'],
    rows,
    note: 'Each batch is claimed, told to Redis, and deleted, in one transaction.',
  }
}

async function latencies(
  { bare, triggered, notified }: Databases,
  port: number,
  quick: boolean,
): Promise<Table> {
  const samples = quick ? 100 : 300
  const rows = [
    { label: 'bound, no journal', ...(await latency(bare, port, samples, 'bound')) },
    { label: 'bound, journal', ...(await latency(bare, port, samples, 'journalled')) },
    { label: 'by others, relay every 100 ms', ...(await latency(triggered, port, samples, 'polled')) },
    { label: 'by others, relay that listens', ...(await latency(notified, port, samples, 'listening')) },
  ]
  return {
    caption: "From the answer to COMMIT until another process's memory has dropped the value",
    columns: ['p50 ms', 'p99 ms'],
    rows: rows.map(({ label, p50, p99 }) => ({ label, cells: [p50, p99] })),
    note: `${samples} writes each, some milliseconds apart. The relay runs in the writer's process, the reader in another one.`,
  }
}

async function latency(
  url: string,
  port: number,
  samples: number,
  how: 'bound' | 'journalled' | 'polled' | 'listening',
): Promise<{ p50: number; p99: number }> {
  const pool = new Pool({ connectionString: url, max: 4 })
  const committed = new Map<number, number>()
  let current = 0
  pool.on('connect', (connection) => {
    const query = connection.query.bind(connection) as (...given: unknown[]) => Promise<unknown>
    connection.query = ((...given: unknown[]) => {
      const answer = query(...given)
      const ends = how === 'bound' || how === 'journalled' ? given[0] === 'COMMIT' : given[0] === UPDATE
      if (ends && current > 0) {
        const id = current
        void answer?.then(() => committed.set(id, sharedNow()))
      }
      return answer
    }) as typeof connection.query
  })
  const client = new Redis(port)
  const cache = await openOnRedis(client, { name: 'bench', instance: how, dependencies })
  const journal = how === 'listening' ? notifying : how === 'polled' ? triggers : plain
  const relayPool = new Pool({ connectionString: url, max: 2 })
  const relay =
    how === 'bound' || how === 'journalled'
      ? undefined
      : createJournalRelay({
          ...{ journal, cache, client: relayPool },
          ...(how === 'listening' ? { listen: true, interval: '1s' } : {}),
        })
  const file = fileURLToPath(new URL('../support/journal-member.ts', import.meta.url))
  const reader = fork(file, [JSON.stringify({ port, items: samples })])
  const heard = new Map<number, number>()
  await once(reader, 'message')
  reader.on('message', ({ id, at }: { id: number; at: number }) => heard.set(id, at))
  const db = bindPg(pool, cache, how === 'journalled' ? { journal } : {})
  for (let id = 1; id <= samples; id++) {
    current = id
    if (relay === undefined) await db.query(UPDATE, [id])
    else {
      const connection = await pool.connect()
      await connection.query(UPDATE, [id])
      connection.release()
    }
    current = 0
    await sleep(1 + Math.random() * 10)
  }
  const until = performance.now() + 10_000
  while (heard.size < samples && performance.now() < until) await sleep(20)
  if (heard.size < samples) throw new Error(`${samples - heard.size} of ${samples} writes were not heard of.`)
  reader.disconnect()
  await relay?.close()
  await relayPool.end()
  await journal.flush()
  await cache.close()
  client.disconnect()
  await pool.end()
  const took = [...heard].map(([id, at]) => at - (committed.get(id) ?? Number.NaN)).sort((a, b) => a - b)
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
