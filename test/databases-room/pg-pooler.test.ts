import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { findPgbouncer, type Pooler, startPgbouncer } from '../support/pgbouncer.ts'
import { startTransactionPooler } from '../support/transaction-pooler.ts'
import { until } from '../support/until.ts'
import { type BoundRoom, isWaiting, PgRoom } from './pg-room.ts'

/** PgBouncer where it can be had; and always one that gives no two transactions in a row the same session. */
const pgbouncer = await findPgbouncer()
if (pgbouncer === undefined) console.warn('PgBouncer cannot be had here: only the simple pooler is used.')
const poolers: [string, (server: URL, database: string) => Promise<Pooler>][] = [
  ['a pooler that always changes the session', startTransactionPooler],
  ...(pgbouncer === undefined
    ? []
    : ([['PgBouncer', (server, database) => startPgbouncer(pgbouncer, server, database)]] as typeof poolers)),
]

describe.each(poolers)('behind %s, in transaction mode', (_, start) => {
  const database = `pooled_${randomBytes(6).toString('hex')}`
  let room: PgRoom
  let pooler: Pooler
  let pool: Pool
  let at: BoundRoom

  beforeAll(async () => {
    const server = new URL(inject('postgresUrl'))
    const creator = new Pool({ connectionString: server.href, max: 1 })
    await creator.query(`CREATE DATABASE ${database}`)
    server.pathname = database
    room = new PgRoom(server.href)
    // A pooler hands no options on.
    await creator.query(`ALTER DATABASE ${database} SET search_path TO ${room.schema}`)
    await room.reset()
    pooler = await start(server, database)
    return async () => {
      await pooler.stop()
      await room.end()
      await creator.query(`DROP DATABASE ${database} WITH (FORCE)`)
      await creator.end()
    }
  })
  beforeEach(async () => {
    await room.admin.query(
      'TRUNCATE payments, ledger, children RESTART IDENTITY; INSERT INTO ledger VALUES (1, 0), (2, 0)',
    )
    pool = room.open({ port: pooler.port, max: 10, options: undefined })
    at = room.bind(pool)
  })
  afterEach(() => room.close())

  const count = (table: string) => room.value(`SELECT count(*)::int FROM ${table}`)
  const paymentsOf = (landlord: number) => [`payment:{landlordId}:*|${landlord}`]
  const insert = 'INSERT INTO payments (landlord_id) VALUES ($1) RETURNING *'

  test('transactions_runOnDifferentSessions_eachOnOne', async () => {
    const sessions = new Set<number>()
    const look = () =>
      at.db.transaction(async (tx) => {
        const own = new Set<number>()
        for (let turn = 0; turn < 3; turn++) {
          own.add((await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid)
        }
        expect(own.size).toBe(1)
        for (const pid of own) sessions.add(pid)
      })
    await Promise.all([look(), look(), look(), look()])
    sessions.clear()
    for (let turn = 0; turn < 4; turn++) await look()
    expect(sessions.size).toBeGreaterThan(1)
  })

  test('writes_areNoticed', async () => {
    await room.admin.query(
      `CREATE OR REPLACE FUNCTION ${room.schema}.pay() RETURNS void LANGUAGE sql AS 'INSERT INTO payments (landlord_id) VALUES (9)'`,
    )
    await at.db.query(insert, [7])
    await at.db.query({ text: 'UPDATE ledger SET total = 1 WHERE id = 1 RETURNING *' })
    await at.db.query('SELECT pay()')
    await at.db.transaction(async (tx) => {
      await tx.query(insert, [8])
      await at.db.query('DELETE FROM ledger WHERE id = 2')
    })
    expect(at.invalidated).toEqual([
      paymentsOf(7),
      ['ledger:{id}|1'],
      ['payment:{landlordId}:*'],
      ['ledger:{id}', ...paymentsOf(8)],
    ])
  })

  test('savepoints_swallowedErrors_andOptions', async () => {
    await at.db.transaction(
      async (tx) => {
        expect((await tx.query('SHOW transaction_isolation')).rows).toEqual([
          { transaction_isolation: 'repeatable read' },
        ])
        await tx.query(insert, [7])
        const nested = tx.transaction(async (savepoint) => {
          await savepoint.query(insert, [8])
          await savepoint.query('SELECT 1 / 0')
        })
        await expect(nested).rejects.toMatchObject({ code: '22012' })
      },
      { isolation: 'repeatable read' },
    )
    const swallowing = at.db.transaction(async (tx) => {
      await tx.query(insert, [9])
      await tx.query('SELECT 1 / 0').catch(() => {})
    })
    await expect(swallowing).rejects.toMatchObject({ code: 'SEAL_FAILED' })
    expect([await count('payments'), at.invalidated]).toEqual([1, [paymentsOf(7)]])
  })

  test('fortyTransactions_overTenClients_andFourSessions', async () => {
    const units = Array.from({ length: 40 }, (_, unit) =>
      at.db.transaction(async (tx) => {
        await tx.query('UPDATE ledger SET total = total + 1 WHERE id = $1 RETURNING *', [1 + (unit % 2)])
        await at.db.query(insert, [100 + unit])
        if (unit % 4 === 0) throw new Error('no')
      }),
    )
    await Promise.allSettled(units)
    const expected = units.flatMap((_, unit) =>
      unit % 4 === 0 ? [] : [[`ledger:{id}|${1 + (unit % 2)}`, ...paymentsOf(100 + unit)].join(' ')],
    )
    expect(at.invalidated.map((stamps) => stamps.join(' ')).sort()).toEqual(expected.sort())
    expect([await count('payments'), await room.value('SELECT sum(total)::int FROM ledger')]).toEqual([
      30, 30,
    ])
  })

  test('aSessionThatEndsDuringCommit_rejects_andInvalidates', async () => {
    const holder = await room.admin.connect()
    await holder.query('BEGIN; SELECT FROM ledger WHERE id = 1 FOR UPDATE')
    let pid = 0
    const failed = at.db.transaction(async (tx) => {
      pid = (await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
      await tx.query('INSERT INTO children VALUES (1, 1)')
    })
    const outcome = failed.catch((error: unknown) => error)
    await until(() => pid > 0 && isWaiting(room.admin, pid), 'COMMIT to wait')
    await room.admin.query('SELECT pg_terminate_backend($1)', [pid])
    expect(await outcome).toBeInstanceOf(Error)
    await holder.query('ROLLBACK')
    holder.release()
    expect([await count('children'), at.invalidated]).toEqual([0, [['child:*']]])
    await at.db.query(insert, [7])
    expect(at.invalidated).toHaveLength(2)
  })

  test('leaves_nothingInAnySession', async () => {
    const left = `
      SELECT pg_backend_pid() AS pid, (SELECT count(*)::int FROM pg_prepared_statements) AS statements,
        (SELECT count(*)::int FROM pg_cursors WHERE name <> '') AS cursors,
        (SELECT count(*)::int FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks,
        (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE source = 'session') AS settings`
    const look = async () => {
      const found = await Promise.all([1, 2, 3, 4].map(() => pool.query(left)))
      return new Map(found.map(({ rows: [{ pid, ...rest }] }) => [pid as number, rest]))
    }
    const before = [...(await look()).values()].map(({ settings }) => settings)
    await at.db.query(insert, [7])
    await at.db.transaction(
      (tx) => tx.transaction((nested) => nested.query('DO $$ BEGIN DELETE FROM payments; END $$')),
      { isolation: 'serializable', readOnly: false },
    )
    await at.db.transaction((tx) => tx.query('SELECT 1'), { readOnly: true })
    for (const rest of (await look()).values()) {
      expect(rest).toMatchObject({ statements: 0, cursors: 0, locks: 0 })
      expect(before).toContain(rest.settings)
    }
  })
})
