import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { type BoundRoom, beforeCommit, isWaiting, PgRoom } from './pg-room.ts'

const room = new PgRoom()
const open: TcpProxy[] = []

beforeEach(() => room.reset())
afterEach(async () => {
  await room.close()
  await Promise.all(open.splice(0).map((proxy) => proxy.close()))
})
afterAll(() => room.end())

/** A bound pool whose connections go through a proxy, and another one that goes straight to the server. */
async function throughProxy() {
  const proxy = await startProxy(Number(new URL(room.url).port))
  open.push(proxy)
  const pool = room.open({ port: proxy.port, max: 2 })
  return { proxy, pool, ...room.bind(pool) }
}

const insert = 'INSERT INTO payments (landlord_id) VALUES (7) RETURNING *'
const payments = () => room.value('SELECT count(*)::int FROM payments')
describe('a connection that is lost during COMMIT', () => {
  test('whoseRowsWereCommitted_rejects_andInvalidates', async () => {
    const { proxy, db, invalidated, pool } = await throughProxy()
    const told: unknown[] = []
    const cut = proxy.cutAfterRequest('COMMIT')
    const failed = db.transaction(async (tx) => {
      await tx.query(insert)
      tx.onCommitted((receipt) => told.push(receipt))
    })
    await expect(failed).rejects.toThrow(/terminated|ECONNRESET/)
    await cut
    expect([await payments(), invalidated, told]).toEqual([3, [['payment:{landlordId}:*|7']], []])
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  test('whoseRowsWereNotCommitted_rejects_andInvalidates', async () => {
    const { proxy, db, invalidated } = await throughProxy()
    const failed = db.transaction(async (tx) => {
      await tx.query(insert)
      beforeCommit(tx, proxy.cut)
    })
    // The server cannot even be asked what came of it.
    await expect(failed).rejects.toThrow()
    proxy.mend()
    expect([await payments(), invalidated]).toEqual([2, [['hooked:{id}|1', 'payment:{landlordId}:*|7']]])
    await db.query(insert)
    expect([await payments(), invalidated.length]).toEqual([3, 2])
  })

  /** A transaction whose COMMIT waits until `goOn`: its deferred foreign key needs a row that somebody has locked. */
  const waitingForCommit = async (db: BoundRoom['db']) => {
    const other = await room.admin.connect()
    await other.query('BEGIN; SELECT FROM ledger WHERE id = 1 FOR UPDATE')
    let pid = 0
    const outcome = db
      .transaction(async (tx) => {
        pid = (await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
        await tx.query('INSERT INTO children VALUES (1, 1)')
      })
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    await until(() => pid > 0 && isWaiting(room.admin, pid), 'COMMIT to wait')
    const goOn = async () => {
      await other.query('ROLLBACK')
      other.release()
      const sessions = `SELECT count(*)::int FROM pg_stat_activity WHERE pid = ${pid}`
      await until(async () => (await room.value(sessions)) === 0, 'the lost session to end')
    }
    return { outcome, goOn }
  }
  const children = () => room.value('SELECT count(*)::int FROM children')

  test('isNotInvalidated_beforeTheCommitIsDecided', async () => {
    const { proxy, db, invalidated, cache } = await throughProxy()
    const { outcome, goOn } = await waitingForCommit(db)
    // Nobody will hear of this COMMIT, which the server is still busy with.
    proxy.drop()
    expect(await outcome).toBeInstanceOf(Error)
    expect(invalidated).toEqual([['child:*']])
    const read = await cache.get('child:count', children)
    await goOn()
    // What was read and cached after the rejection is still true.
    expect([read, await cache.get('child:count', children)]).toEqual([await children(), await children()])
  })

  test('whichTakesLongerThanThePoolWaits_isTheSame', async () => {
    const pool = room.open({ max: 1, query_timeout: 200 })
    const { db, invalidated, cache } = room.bind(pool)
    const { outcome, goOn } = await waitingForCommit(db)
    expect(await outcome).toMatchObject({ message: 'Query read timeout' })
    expect(invalidated).toEqual([['child:*']])
    const read = await cache.get('child:count', children)
    await goOn()
    expect(read).toBe(await children())
    expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })
})

describe('a session that the server ends', () => {
  test('endsNoProcess_andLeavesNoOpenConnection', async () => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [
        ...['--import', 'tsx', '--import', './scripts/text-loader.mjs'],
        'test/support/children/lost-connections.ts',
        room.url,
        room.schema,
      ],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
    )
    expect(stderr).toBe('')
    const clean = { xid: null, n: 2 }
    expect(JSON.parse(stdout)).toEqual({
      // Its COMMIT could not be sent any more, but whoever sends one cannot know that.
      idle: { rejected: true, invalidated: [], next: clean },
      idleThenQuery: { rejected: true, invalidated: [], next: clean },
      query: { rejected: true, invalidated: [], next: clean },
      commit: { rejected: true, invalidated: ['child:*'], next: clean },
    })
  })
})
