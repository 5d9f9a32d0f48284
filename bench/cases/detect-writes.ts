import { createCache, defineDependencies } from 'coherent-cache'
import { bindPg, type PgBindOptions } from 'coherent-cache/pg'
import { Pool } from 'pg'
import { startPostgres } from '../../test/support/postgres.ts'
import type { BenchCase } from '../case.ts'
import { race, type Spread, type Subject } from '../harness.ts'
import { openTransactions, otherTables } from '../support/open-transactions.ts'

const OPEN = 300
const TABLES_OF_EACH = 10

const SCHEMA = `
  CREATE TABLE accounts (id int PRIMARY KEY, owner_id int NOT NULL, balance int NOT NULL);
  INSERT INTO accounts SELECT n, n % 100, 0 FROM generate_series(1, 1000) n;
  CREATE FUNCTION deposit(account int) RETURNS void LANGUAGE sql AS
    'UPDATE accounts SET balance = balance + 1 WHERE id = account';
`
/** Says what it writes. */
const PLAIN = 'UPDATE accounts SET balance = balance + 1 WHERE id = $1 RETURNING *'
/** Does not. */
const OPAQUE = 'SELECT deposit($1)'

const AUTO = "UPDATE, 'auto'"
const LOCKS = "UPDATE, 'locks'"

/** What is compared: how writes are found, and the statement. The first is what `pg` alone takes for it. */
const WAYS: readonly { label: string; text: string; options: PgBindOptions | undefined }[] = [
  { label: 'UPDATE, pg alone', text: PLAIN, options: undefined },
  { label: "UPDATE, 'declared'", text: PLAIN, options: { detectWrites: 'declared' } },
  { label: AUTO, text: PLAIN, options: { detectWrites: 'auto' } },
  { label: LOCKS, text: PLAIN, options: { detectWrites: 'locks' } },
  { label: "function, 'auto'", text: OPAQUE, options: { detectWrites: 'auto' } },
]

/**
 * What it costs to find out what a transaction wrote: BEGIN, one statement on one row, COMMIT, one at a time, on `pg`
 * alone and through `bindPg`, by each of its ways. On an idle server; then with 300 open transactions of 10 tables each,
 * whose locks stand in the list that is read where a statement does not say what it writes. The server flushes nothing
 * to disk, so that a COMMIT takes no time beside which the seal would not be seen.
 */
export const detectWrites: BenchCase = {
  name: 'detect-writes',
  title: 'A one-row transaction, bound and unbound',
  guards: [
    { measure: 'auto', is: "times the time of pg alone, of a plain UPDATE by 'auto'", atMost: 8 },
    { measure: 'growth of auto', is: `times as much of that with ${OPEN} open transactions`, atMost: 4 },
  ],
  async run({ quick }) {
    const server = await startPostgres({ config: { max_connections: String(OPEN + 30) } })
    const pools: Pool[] = []
    const connect = () => {
      const pool = new Pool({ connectionString: server.url, max: 1 })
      pools.push(pool)
      return pool
    }
    const setUp = connect()
    await setUp.query(SCHEMA + otherTables(TABLES_OF_EACH))
    const cache = createCache({
      name: 'bench',
      dependencies: defineDependencies({ tables: { accounts: ['account:{id}', 'owner:{ownerId}:*'] } }),
    })
    let next = 0
    const id = () => 1 + (next++ % 1_000)
    const subjects = WAYS.map(({ label, text, options }): Subject => {
      const pool = connect()
      if (options === undefined) return { name: label, run: (times) => unbound(pool, text, id, times) }
      const db = bindPg(pool, cache, options)
      return {
        name: label,
        async run(times) {
          for (let at = 0; at < times; at++) await db.transaction((tx) => tx.query(text, [id()]))
        },
      }
    })
    const compete = async () => {
      const [base, ...others] = await race(subjects, { rounds: quick ? 7 : 21, roundMs: 40, warmUpMs: 300 })
      if (base === undefined) throw new Error('Nothing ran.')
      return [base, ...others].map((timing) => ({
        label: timing.name,
        us: timing.microseconds,
        cost: timing.costOf(base),
      }))
    }
    const idle = await compete()
    const rollBack = await openTransactions(server.url, OPEN, TABLES_OF_EACH)
    const { rows } = await setUp.query('SELECT count(*)::int AS locks FROM pg_locks')
    const busy = await compete()
    await rollBack()
    await cache.close()
    await Promise.all(pools.map((pool) => pool.end()))
    await server.stop()

    const table = (caption: string, found: typeof idle, note: string) => ({
      caption,
      columns: ['µs', 'times pg alone'],
      rows: found.map(({ label, us, cost }, at) => ({ label, cells: [us, at === 0 ? 1 : cost] })),
      note,
    })
    return {
      tables: [
        table(
          'Idle server',
          idle,
          'Medians of rounds that take turns. A function call does not say what it writes.',
        ),
        table(`${OPEN} open transactions`, busy, `They hold ${rows[0].locks} locks.`),
      ],
      measures: {
        auto: costOf(idle, AUTO),
        'growth of auto': costOf(busy, AUTO) / costOf(idle, AUTO),
        'growth of locks': costOf(busy, LOCKS) / costOf(idle, LOCKS),
      },
    }
  },
}

/** What `pg` alone takes. */
async function unbound(pool: Pool, text: string, id: () => number, times: number): Promise<void> {
  for (let at = 0; at < times; at++) {
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query(text, [id()])
    await client.query('COMMIT')
    client.release()
  }
}

function costOf(found: readonly { label: string; cost: Spread }[], label: string): number {
  return found.find((one) => one.label === label)?.cost.median ?? Number.NaN
}
