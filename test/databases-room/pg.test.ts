import { once } from 'node:events'
import type { Cache } from 'coherent-cache'
import { type BoundPg, bindPg } from 'coherent-cache/pg'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { Client, type Pool, type PoolClient, Query, type QueryConfig } from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'
import { RowCursor } from '../support/row-cursor.ts'
import { type BoundRoom, PgRoom } from './pg-room.ts'

const room = new PgRoom()
let pool: Pool
let at: BoundRoom

beforeEach(async () => {
  await room.reset()
  pool = room.open({ max: 10, options: `-c search_path=${room.schema} -c deadlock_timeout=20ms` })
  at = room.bind(pool)
})
afterEach(() => room.close())
afterAll(() => room.end())

const paymentsOf = (landlord: number) => [`payment:{landlordId}:*|${landlord}`]
const wholePayments = ['payment:{landlordId}:*']
const count = (table: string) => room.value(`SELECT count(*)::int FROM ${table}`)
const total = (id: number) => room.value(`SELECT total FROM ledger WHERE id = ${id}`)

/** Lets so many callers go on once all of them have come. */
function meeting(size: number): () => Promise<void> {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  let come = 0
  return async () => {
    if (++come === size) open()
    await opened
  }
}

describe('query', () => {
  const text = 'INSERT INTO payments (landlord_id) VALUES ($1) RETURNING *'
  const identity = { getTypeParser: () => (value: string) => value } as unknown as NonNullable<
    QueryConfig['types']
  >

  test.each<[string, string | QueryConfig, unknown[] | undefined, string[], unknown]>([
    ['a text', text, [7], paymentsOf(7), { id: 3, landlord_id: 7, amount: null }],
    [
      'a configuration object',
      { text, values: [7] },
      undefined,
      paymentsOf(7),
      { id: 3, landlord_id: 7, amount: null },
    ],
    ['an object and values', { text }, [7], paymentsOf(7), { id: 3, landlord_id: 7, amount: null }],
    [
      'a named statement',
      { name: 'insert', text, values: [7] },
      undefined,
      paymentsOf(7),
      { id: 3, landlord_id: 7, amount: null },
    ],
    [
      'rows as arrays',
      { text, values: [7], rowMode: 'array' } as QueryConfig,
      undefined,
      wholePayments,
      [3, 7, null],
    ],
    [
      'values in binary',
      { text, values: [7], binary: true } as QueryConfig,
      undefined,
      wholePayments,
      { id: 3, landlord_id: 7, amount: null },
    ],
    [
      'parsers of its own',
      { text, values: [7], types: identity },
      undefined,
      wholePayments,
      { id: '3', landlord_id: '7', amount: null },
    ],
  ])('takes %s, inside and outside a transaction', async (_, config, values, stamps, row) => {
    const inside = await at.db.transaction((tx) => tx.query(config as string, values as unknown[]))
    expect(inside.rows).toEqual([row])
    await at.db.query(config as string, values as unknown[])
    expect([at.invalidated, await count('payments')]).toEqual([[stamps, stamps], 4])
  })

  test('takes_severalStatements_asTheirResults', async () => {
    const results = (await at.db.query('UPDATE ledger SET total = 1; DELETE FROM payments')) as unknown
    expect(results).toMatchObject([{ command: 'UPDATE' }, { command: 'DELETE' }])
    expect(at.invalidated).toEqual([['ledger:{id}', ...wholePayments]])
  })

  test('aStatementByItsNameAlone_mayWriteAnything', async () => {
    await at.db.transaction(async (tx) => {
      await tx.query({ name: 'insert', text, values: [7] })
      await tx.query({ name: 'insert', values: [8] } as unknown as QueryConfig)
    })
    expect([at.invalidated, await count('payments')]).toEqual([[wholePayments], 4])
  })

  test('ofAReadOutsideATransaction_beginsNone', async () => {
    const [client] = await connected(pool)
    const { rows } = await at.db.query({
      text: 'SELECT txid_current_if_assigned() AS id, now() = statement_timestamp() AS alone',
      values: [],
    })
    expect(rows).toEqual([{ id: null, alone: true }])
    await at.db.query('VACUUM ledger')
    expect(client?.getTransactionStatus()).toBe('I')
  })

  test('handsBackACursor_atOnce_andCountsItAsAWrite', async () => {
    const seen = await at.db.transaction(async (tx) => {
      const cursor = tx.query(new RowCursor('UPDATE ledger SET total = 5 RETURNING id'))
      expect(tx.unit.untouched).toBe(false)
      const rows = [await cursor.read(1), await cursor.read(1), await cursor.read(1)]
      cursor.close()
      const joined = at.db.query(new RowCursor('SELECT 1'))
      expect(await joined.read(1)).toEqual([['1']])
      joined.close()
      return rows
    })
    expect(seen).toEqual([[['1']], [['2']], []])
    expect(at.invalidated).toEqual([['ledger:{id}']])
  })

  test('handsBackAQueryOfEvents', async () => {
    const rows: unknown[] = []
    await at.db.transaction(async (tx) => {
      const query = tx.query(new Query('INSERT INTO ledger VALUES (3, 1) RETURNING id'))
      query.on('row', (row) => rows.push(row))
      await once(query, 'end')
    })
    expect([rows, at.invalidated]).toEqual([[{ id: 3 }], [['ledger:{id}']]])
  })

  test('keepsItsOrder_whereStatementsAreNotAwaited_andWhereTheyArePipelined', async () => {
    for (const pipeline of [false, true]) {
      const { db, invalidated } = room.bind(room.open({ pipeline, max: 1 }))
      await db.transaction(async (tx) => {
        const unawaited = tx.query('UPDATE ledger SET total = total + 1 WHERE id = 1 RETURNING *')
        const failed = tx.transaction(async (nested) => {
          await nested.query('DELETE FROM payments')
          throw new Error('no')
        })
        await Promise.all([unawaited, expect(failed).rejects.toThrow('no')])
        void tx.query('INSERT INTO audit VALUES (1)')
      })
      expect(invalidated).toEqual([['audit:*', 'ledger:{id}|1']])
      const aborted = db.transaction((tx) =>
        Promise.all([tx.query('SELECT 1 / 0'), tx.query('DELETE FROM payments')]),
      )
      await expect(aborted).rejects.toMatchObject({ code: '22012' })
      expect([await count('payments'), invalidated.length]).toEqual([2, 1])
    }
    expect([await total(1), await count('audit')]).toEqual([2, 2])
  })

  test('refusesACursor_outsideATransaction_andAfterIt', async () => {
    expect(() => at.db.query(new RowCursor('SELECT 1'))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    )
    const kept = await at.db.transaction((tx) => tx)
    expect(() => kept.query(new RowCursor('SELECT 1'))).toThrow(
      expect.objectContaining({ code: 'UNIT_CLOSED' }),
    )
  })

  test('refusesCallbacks', async () => {
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
    const callback = () => expect.unreachable()
    for (const parameters of [
      ['DELETE FROM payments', callback],
      ['DELETE FROM payments', [], callback],
      [{ text: 'DELETE FROM payments', callback }],
      ['SELECT 1', callback],
    ] as unknown as [string][]) {
      await expect(at.db.query(...parameters)).rejects.toEqual(refused)
      await expect(at.db.transaction((tx) => tx.query(...parameters))).rejects.toEqual(refused)
    }
    expect([await count('payments'), at.invalidated]).toEqual([2, []])
  })
})

describe('a connection', () => {
  /** A pool of one connection: whoever comes next gets the one that was given back. */
  let lone: Pool
  let db: BoundRoom['db']
  let invalidated: BoundRoom['invalidated']
  beforeEach(() => {
    lone = room.open({ max: 1 })
    ;({ db, invalidated } = room.bind(lone))
  })
  /** What the next user of the pool finds: the same connection, outside any transaction. */
  const handedOn = async (pid: number | undefined) => {
    const client = await lone.connect()
    const { rows } = await client.query(
      'SELECT pg_backend_pid() AS pid, now() = statement_timestamp() AS clean',
    )
    const status = client.getTransactionStatus()
    const listeners = client.listenerCount('error')
    client.release()
    return { same: rows[0].pid === pid, clean: rows[0].clean, status, listeners }
  }
  const pidOf = async (tx: { query: Pool['query'] }) =>
    (await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid
  const good = { same: true, clean: true, status: 'I', listeners: 0 }

  test.each<[string, (tx: { query: Pool['query'] }) => unknown, object]>([
    ['afterACommit', () => 1, { ok: 1 }],
    ['afterAnErrorOfTheBody', () => Promise.reject(new Error('no')), { message: 'no' }],
    ['afterAnErrorOfAStatement', (tx) => tx.query('SELECT * FROM nowhere'), { code: '42P01' }],
    [
      // Nothing was written, so nothing is sealed; COMMIT answers with the tag ROLLBACK.
      'afterASwallowedErrorOfARead',
      (tx) => tx.query('SELECT * FROM nowhere').catch(() => 1),
      { code: 'SEAL_FAILED' },
    ],
    [
      'afterASwallowedErrorOfAWrite',
      async (tx) => {
        await tx.query('DELETE FROM payments')
        await tx.query('SELECT 1 / 0').catch(() => 1)
      },
      { code: 'SEAL_FAILED', cause: { code: '25P02' } },
    ],
    ['afterARefusedCommit', (tx) => tx.query('INSERT INTO children VALUES (1, 9)'), { code: '23503' }],
    ['afterARefusedStatement', (tx) => tx.query('COMMIT'), { code: 'UNSUPPORTED' }],
  ])('%s is handed on clean', async (_, body, outcome) => {
    let pid: number | undefined
    const result = db.transaction(async (tx) => {
      pid = await pidOf(tx)
      return await body(tx)
    })
    expect(
      await result.then(
        (ok) => ({ ok }),
        (error: unknown) => error,
      ),
    ).toMatchObject(outcome)
    expect(await handedOn(pid)).toEqual(good)
    expect([
      await count('payments'),
      invalidated.flat().filter((stamp) => !stamp.startsWith('child')),
    ]).toEqual([2, []])
  })

  test('withACursorLeftOpen_isClosed_whereTheTransactionFails', async () => {
    let pid: number | undefined
    const failed = db.transaction(async (tx) => {
      pid = await pidOf(tx)
      await tx.query('DELETE FROM payments')
      await tx.query(new RowCursor('SELECT generate_series(1, 10)')).read(1)
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await handedOn(pid)).toEqual({ ...good, same: false })
    expect([await count('payments'), invalidated]).toEqual([2, []])
  })

  test('thatOthersReleasedInTheMiddleOfATransaction_isNotUsed', async () => {
    const careless = await lone.connect()
    await careless.query('BEGIN; DELETE FROM payments')
    careless.release()
    await db.query('UPDATE ledger SET total = 3 WHERE id = 1 RETURNING *')
    expect([await count('payments'), await total(1), invalidated]).toEqual([2, 3, [['ledger:{id}|1']]])
  })

  test('thatCannotBeHad_rejects', async () => {
    const nobody = room.bind(room.open({ port: 1 }))
    await expect(nobody.db.query('DELETE FROM payments')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(nobody.invalidated).toEqual([])
  })
})

describe('transactions at once', () => {
  test('aHundred_overTenConnections_invalidateExactlyWhatEachWrote', async () => {
    await room.admin.query(`INSERT INTO ledger SELECT n, 0 FROM generate_series(3, 5) n`)
    const receipts: (readonly string[])[] = []
    const units = Array.from({ length: 100 }, (_, unit) => async () => {
      const id = 1 + (unit % 5)
      await at.db.transaction(async (tx) => {
        tx.onCommitted(({ stamps }) => receipts.push(stamps))
        const { rows } = await tx.query('SELECT total FROM ledger WHERE id = $1 FOR UPDATE', [id])
        await at.db.query('UPDATE ledger SET total = $2 WHERE id = $1 RETURNING *', [id, rows[0].total + 1])
        const nested = tx.transaction(async (savepoint) => {
          await savepoint.query('INSERT INTO payments (landlord_id) VALUES ($1) RETURNING *', [100 + unit])
          if (unit % 3 === 0) throw new Error('nested')
        })
        await nested.catch(() => {})
        if (unit % 7 === 0) throw new Error('all')
      })
    })
    const outcomes = await Promise.allSettled(units.map((unit) => unit()))
    const expected = units.flatMap((_, unit) =>
      unit % 7 === 0
        ? []
        : [
            [`ledger:{id}|${1 + (unit % 5)}`, ...(unit % 3 === 0 ? [] : paymentsOf(100 + unit))]
              .sort()
              .join(' '),
          ],
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(expected.length)
    expect(receipts.map((stamps) => [...stamps].sort().join(' ')).sort()).toEqual(expected.sort())
    expect(at.invalidated.map((stamps) => stamps.join(' ')).sort()).toEqual(expected.sort())
    expect(await room.value(`SELECT sum(total)::int FROM ledger`)).toBe(expected.length)
    expect([pool.totalCount <= 10, pool.idleCount === pool.totalCount, pool.waitingCount]).toEqual([
      true,
      true,
      0,
    ])
  })

  test('ofNestedRepositories_eachJoinTheirOwn', async () => {
    const { db } = at
    const pid = async () => (await db.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number
    const meet = meeting(2)
    const ledger = {
      async add(id: number) {
        await db.query('UPDATE ledger SET total = total + 1 WHERE id = $1 RETURNING *', [id])
        await meet()
        return await pid()
      },
    }
    const bookings = {
      // A transaction where it is called alone, a savepoint where it is called inside another.
      book: (landlord: number, id: number) =>
        db.transaction(async () => {
          const seen = [await pid(), await ledger.add(id)]
          await db.query('INSERT INTO payments (landlord_id) VALUES ($1) RETURNING *', [landlord])
          return seen
        }),
    }
    const service = (landlord: number, id: number) =>
      db.transaction(async (tx) => {
        const seen = [
          (await tx.query('SELECT pg_backend_pid() AS pid')).rows[0].pid,
          ...(await bookings.book(landlord, id)),
        ]
        return { pids: new Set(seen), unit: tx.unit.id }
      })
    const [one, other] = await Promise.all([service(7, 1), service(8, 2)])
    expect([one.pids.size, other.pids.size, new Set([...one.pids, ...other.pids]).size]).toEqual([1, 1, 2])
    expect(one.unit).not.toBe(other.unit)
    expect([...at.invalidated].sort()).toEqual([
      ['ledger:{id}|1', ...paymentsOf(7)],
      ['ledger:{id}|2', ...paymentsOf(8)],
    ])
  })

  test('ofOnePoolOnTwoCaches_areTwo_andEachTellsItsOwnCache', async () => {
    const other = room.bind(pool)
    const key = 'ledger:1'
    const load = (by: BoundRoom) => async () =>
      (await by.db.query('SELECT total FROM ledger WHERE id = 1')).rows[0].total as number
    const read = (by: BoundRoom) => by.cache.get(key, load(by))
    expect([await read(at), await read(other)]).toEqual([0, 0])
    await at.db.transaction(async (tx) => {
      await tx.query('UPDATE ledger SET total = 5 WHERE id = 1 RETURNING *')
      // Not part of it: neither sees what is not committed yet, nor is dropped with it.
      const seen = await other.db.transaction(async (second) => {
        expect(second.unit).not.toBe(tx.unit)
        await second.query('INSERT INTO payments (landlord_id) VALUES (8) RETURNING *')
        return (await second.query('SELECT total FROM ledger WHERE id = 1')).rows[0].total
      })
      expect(seen).toBe(0)
      // The other cache knows nothing of this transaction.
      expect(other.cache.currentUnit()).toBeUndefined()
      expect(await read(other)).toBe(0)
      await tx.rollback()
    })
    expect([await total(1), await count('payments')]).toEqual([0, 3])
    expect([at.invalidated, other.invalidated]).toEqual([[], [paymentsOf(8)]])

    await at.db.query('UPDATE ledger SET total = 9 WHERE id = 1 RETURNING *')
    expect([await read(at), await read(other)]).toEqual([9, 0])
  })

  test('ofOnePoolOnTwoCachesOfOneNamespace_eachHearsOfBoth', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const [one, other] = ['one', 'other'].map((name) => {
      const { cache } = openCache({
        name,
        namespace: 'shared',
        store,
        clock,
        dependencies: room.dependencies,
      })
      return { cache, db: bindPg(pool, cache) }
    }) as [{ cache: Cache; db: BoundPg<Pool> }, { cache: Cache; db: BoundPg<Pool> }]
    await Promise.all([one.cache.ready(), other.cache.ready()])
    const read = () =>
      other.cache.get('ledger:1', async () => {
        const { rows } = await other.db.query('SELECT total FROM ledger WHERE id = 1')
        return rows[0].total
      })
    expect(await read()).toBe(0)
    await one.db.query('UPDATE ledger SET total = 9 WHERE id = 1 RETURNING *')
    await settle()
    expect(await read()).toBe(9)
  })

  test('ofTwoPoolsOnOneCache_areTwo', async () => {
    const other = bindPg(room.open({ max: 2 }), at.cache)
    let loads = 0
    const read = () => at.cache.get('ledger:1', async () => ++loads)
    await read()
    await at.db.transaction(async (tx) => {
      await tx.query('UPDATE ledger SET total = 1 WHERE id = 1 RETURNING *')
      const lost = other.transaction(async (second) => {
        expect(second.unit).not.toBe(tx.unit)
        await second.query('INSERT INTO payments (landlord_id) VALUES (8) RETURNING *')
        // Inside a transaction that has written: past the cache, whichever pool that is of.
        await read()
        throw new Error('no')
      })
      await expect(lost).rejects.toThrow('no')
      await other.query('INSERT INTO payments (landlord_id) VALUES (9) RETURNING *')
      expect(at.invalidated).toEqual([paymentsOf(9)])
    })
    expect([at.invalidated, loads, await total(1)]).toEqual([[paymentsOf(9), ['ledger:{id}|1']], 2, 1])
  })
})

describe('transaction options', () => {
  test('isolation_andReadOnly_areThoseOfTheTransaction', async () => {
    const modes = async (options: Parameters<typeof at.db.transaction>[1]) =>
      await at.db.transaction(
        async (tx) =>
          (
            await tx.query(
              "SELECT current_setting('transaction_isolation') AS level, current_setting('transaction_read_only') AS read_only",
            )
          ).rows[0],
        options,
      )
    expect(await modes({})).toEqual({ level: 'read committed', read_only: 'off' })
    expect(await modes({ isolation: 'repeatable read' })).toEqual({
      level: 'repeatable read',
      read_only: 'off',
    })
    expect(await modes({ isolation: 'serializable', readOnly: true })).toEqual({
      level: 'serializable',
      read_only: 'on',
    })
    await expect(
      at.db.transaction((tx) => tx.query('DELETE FROM payments'), { readOnly: true }),
    ).rejects.toMatchObject({ code: '25006' })
    expect(await modes({})).toEqual({ level: 'read committed', read_only: 'off' })
  })

  test('retries_runAgain_afterAFailureToSerialize', async () => {
    const meet = meeting(2)
    let runs = 0
    /** Each reads what the other writes. */
    const skew = (own: number, others: number) => {
      let tries = 0
      return at.db.transaction(
        async (tx) => {
          runs++
          const { rows } = await tx.query('SELECT total FROM ledger WHERE id = $1', [others])
          if (++tries === 1) await meet()
          await tx.query('UPDATE ledger SET total = $2 WHERE id = $1 RETURNING *', [own, rows[0].total + 1])
        },
        { isolation: 'serializable', retries: 20 },
      )
    }
    await Promise.all([skew(1, 2), skew(2, 1)])
    expect(runs).toBeGreaterThan(2)
    // As if one had run after the other; at once they would both have written 1.
    expect([await total(1), await total(2)].sort()).toEqual([1, 2])
  })

  test('retries_runAgain_afterADeadlock', async () => {
    const meet = meeting(2)
    let runs = 0
    const both = (...ids: number[]) => {
      let tries = 0
      return at.db.transaction(
        async (tx) => {
          runs++
          tries++
          for (const id of ids) {
            await tx.query('UPDATE ledger SET total = total + 1 WHERE id = $1 RETURNING *', [id])
            if (tries === 1 && id === ids[0]) await meet()
          }
        },
        { retries: 20 },
      )
    }
    await Promise.all([both(1, 2), both(2, 1)])
    expect([await total(1), await total(2)]).toEqual([2, 2])
    // The one that runs again may run into the other once more.
    expect(runs).toBeGreaterThan(2)
    expect(at.invalidated).toEqual([
      ['ledger:{id}|1', 'ledger:{id}|2'],
      ['ledger:{id}|1', 'ledger:{id}|2'],
    ])
  })

  test('withoutRetries_theFailureIsTheCallers', async () => {
    const meet = meeting(2)
    const both = (...ids: number[]) =>
      at.db.transaction(async (tx) => {
        for (const id of ids) {
          await tx.query('UPDATE ledger SET total = total + 1 WHERE id = $1 RETURNING *', [id])
          if (id === ids[0]) await meet()
        }
      })
    const outcomes = await Promise.allSettled([both(1, 2), both(2, 1)])
    const [failed, ...others] = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect([failed?.reason, others]).toEqual([expect.objectContaining({ code: '40P01' }), []])
    expect([await total(1), at.invalidated]).toEqual([1, [['ledger:{id}|1', 'ledger:{id}|2']]])
  })
})

test('bindPg_refusesWhatIsNoPool_andUnknownOptions', async () => {
  const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
  const client = await pool.connect()
  for (const one of [{}, undefined, new Client(), client]) {
    expect(() => bindPg(one as unknown as Pool, at.cache)).toThrow(invalid)
  }
  client.release()
  const option = expect.objectContaining({ code: 'INVALID_OPTION' })
  expect(() => bindPg(pool, at.cache)).toThrow(/bound to this cache already, by pg/)
  expect(() => bindPg(pool, at.cache, { detectWrites: 'all' as 'auto' })).toThrow(option)
  expect(() => bindPg(pool, at.cache, { detect: 'auto' } as object)).toThrow(option)
})

/** The connections of a pool, one of them at least. */
async function connected(from: Pool): Promise<PoolClient[]> {
  const client = await from.connect()
  client.release()
  return [client]
}
