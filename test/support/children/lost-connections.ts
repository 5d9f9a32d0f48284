/**
 * A process whose connections are ended by the server in the middle of bound transactions (see
 * `../../databases-room/pg-connection-lost.test.ts`). It listens to no 'error' event anywhere: whatever the library lets
 * through ends it. Its last line says what each transaction came to.
 */
import { createCache, defineDependencies } from 'coherent-cache'
import { bindPg } from 'coherent-cache/pg'
import { Pool, type PoolClient } from 'pg'
import { until } from '../until.ts'

const [url = '', schema = ''] = process.argv.slice(2)
const config = { connectionString: url, options: `-c search_path=${schema}` }
const admin = new Pool({ ...config, max: 2 })
// One connection: who comes next gets the one that the lost transaction had, if it was given back.
const pool = new Pool({ ...config, max: 1 })
let latest: PoolClient | undefined
pool.on('connect', (client) => {
  latest = client as PoolClient
})

const dependencies = defineDependencies({ tables: { payments: ['payment:*'], children: ['child:*'] } })
const cache = createCache({ name: 'lost-connections', dependencies })
const db = bindPg(pool, cache)
let invalidated: string[] = []
cache.on('invalidated', ({ receipt }) => invalidated.push(...receipt.stamps))

type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
const pidOf = async (tx: Pick<Tx, 'query'>): Promise<number> =>
  (await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
const terminate = (pid: number) => admin.query('SELECT pg_terminate_backend($1)', [pid])
const whenActive = (pid: number, what: string) =>
  until(async () => {
    const { rows } = await admin.query(
      'SELECT FROM pg_stat_activity WHERE pid = $1 AND state = $2 AND query LIKE $3',
      [pid, 'active', `${what}%`],
    )
    return rows.length > 0
  }, what)

/** Resolves once the latest connection has ended. Listens to nothing else: errors are for the library. */
const ended = () => new Promise<void>((resolve) => latest?.once('end', resolve))

const scenarios: Record<string, (tx: Tx) => Promise<unknown>> = {
  /** The body has nothing to send when it happens, and goes on as if nothing had. */
  async idle(tx) {
    await tx.query('DELETE FROM payments')
    const gone = ended()
    await terminate(await pidOf(tx))
    await gone
  },
  /** The same, and the body sends something afterwards. */
  async idleThenQuery(tx) {
    await tx.query('DELETE FROM payments')
    const gone = ended()
    await terminate(await pidOf(tx))
    await gone
    await tx.query('SELECT 1')
  },
  async query(tx) {
    await tx.query('DELETE FROM payments')
    const pid = await pidOf(tx)
    const sleeping = tx.query('SELECT pg_sleep(60)')
    await Promise.all([sleeping, whenActive(pid, 'SELECT pg_sleep').then(() => terminate(pid))])
  },
  /** A deferred foreign key has COMMIT wait for the row that somebody else holds. */
  async commit(tx) {
    const holder = await admin.connect()
    await holder.query('BEGIN; SELECT FROM ledger WHERE id = 1 FOR UPDATE')
    const pid = await pidOf(tx)
    await tx.query('INSERT INTO children VALUES (1, 1)')
    void whenActive(pid, 'COMMIT')
      .then(() => terminate(pid))
      .then(() => holder.query('ROLLBACK'))
      .then(() => holder.release())
  },
}

const outcomes: Record<string, unknown> = {}
for (const [name, scenario] of Object.entries(scenarios)) {
  invalidated = []
  const rejected = await db.transaction(scenario).then(
    () => false,
    () => true,
  )
  const next = await pool.query(
    'SELECT pg_current_xact_id_if_assigned() AS xid, count(*)::int AS n FROM payments',
  )
  outcomes[name] = { rejected, invalidated, next: next.rows[0] }
}
await cache.close()
await Promise.all([pool.end(), admin.end()])
console.log(JSON.stringify(outcomes))
