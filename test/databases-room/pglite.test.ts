import type { PGlite } from '@electric-sql/pglite'
import { identifier, raw, sql } from '@electric-sql/pglite/template'
import { createCache, defineDependencies } from 'coherent-cache'
import { type BoundPglite, bindPglite } from 'coherent-cache/pglite'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { recording, reset, startPglite } from '../support/pglite.ts'
import { type Bound, bound } from './support.ts'

let pglite: PGlite
let at: Bound

beforeAll(async () => {
  pglite = await startPglite()
})
afterAll(() => pglite.close())
beforeEach(async () => {
  await reset(pglite)
  await pglite.exec(`
    CREATE TABLE payments (id serial PRIMARY KEY, landlord_id int NOT NULL, amount int);
    CREATE TABLE ledger (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, total int);
    INSERT INTO payments (landlord_id, amount) VALUES (1, 10), (2, 20);
  `)
  at = bound(pglite)
  return () => at.cache.close()
})

const count = async (table: string) =>
  (await pglite.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`)).rows[0]?.n

describe('a transaction', () => {
  test('invalidates_declaredWrite_afterTheCommit', async () => {
    const { db, invalidated, client } = at
    const value = await db.transaction(async (tx) => {
      await tx.query('UPDATE payments SET amount = 11 WHERE landlord_id = $1', [1])
      tx.write('payments', {
        operation: 'update',
        rows: [{ before: { landlord_id: 1 }, after: { landlord_id: 1 } }],
      })
      expect(invalidated).toEqual([])
      return 'value'
    })
    expect(value).toBe('value')
    expect(invalidated).toEqual([['landlord:{landlordId}|1', 'payment:{landlordId}:*|1']])
    expect(client.sent.filter((text) => text.includes('pg_locks'))).toEqual([])
  })

  test('invalidates_undeclaredWrite', async () => {
    await at.db.transaction((tx) => tx.query('UPDATE payments SET amount = 11'))
    expect(at.invalidated).toEqual([['landlord:{landlordId}', 'payment:{landlordId}:*']])
  })

  test('thatOnlyReads_isNotSealed', async () => {
    const { db, client, invalidated } = at
    const { rows } = await db.transaction(async (tx) => {
      await tx.sql`SELECT ${1}::int AS one`
      return await tx.query<{ amount: number }>('SELECT amount FROM payments ORDER BY id FOR UPDATE')
    })
    expect(rows).toEqual([{ amount: 10 }, { amount: 20 }])
    expect(client.sent).toHaveLength(2)
    expect(invalidated).toEqual([])
  })

  test('thatWroteNothing_readsNoLocks', async () => {
    const { db, client, invalidated } = at
    await pglite.exec(`CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT 1'`)
    await db.transaction(async (tx) => {
      await tx.query('SELECT harmless()')
      await tx.query('UPDATE payments SET amount = 1 WHERE false')
    })
    expect(client.sent.filter((text) => text.includes('pg_locks'))).toEqual([])
    expect(invalidated).toEqual([])
  })

  test('thatThrows_leavesNothing', async () => {
    const error = new Error('no')
    const failed = at.db.transaction(async (tx) => {
      await tx.query('DELETE FROM payments')
      throw error
    })
    await expect(failed).rejects.toBe(error)
    expect([await count('payments'), at.invalidated]).toEqual([2, []])
  })

  test('thatSwallowsAnError_fails_asItsCommitWould', async () => {
    const failed = at.db.transaction(async (tx) => {
      await tx.query('DELETE FROM payments')
      await tx.query('INSERT INTO nowhere VALUES (1)').catch(() => {})
      return 'value'
    })
    await expect(failed).rejects.toMatchObject({ code: 'SEAL_FAILED', cause: { code: '25P02' } })
    expect([await count('payments'), at.invalidated]).toEqual([2, []])
  })

  test.each(['declared', 'locks'] as const)('thatSwallowsAnError_fails, %s', async (detectWrites) => {
    const { db, invalidated } = bound(pglite, { detectWrites })
    const failed = db.transaction(async (tx) => {
      tx.write('payments')
      await tx.exec('SELECT nothing()').catch(() => {})
    })
    await expect(failed).rejects.toMatchObject({ code: 'SEAL_FAILED' })
    expect(invalidated).toEqual([])
  })

  test('whoseCommitIsRefused_invalidates_allTheSame', async () => {
    const { db, invalidated } = at
    const told: unknown[] = []
    const failed = db.transaction(async (tx) => {
      await tx.query('INSERT INTO ledger VALUES (1, 1), (1, 2)')
      tx.onCommitted((receipt) => told.push(receipt))
    })
    await expect(failed).rejects.toMatchObject({ code: '23505' })
    expect([await count('ledger'), invalidated, told]).toEqual([0, [['ledger:{id}']], []])
    await db.query('INSERT INTO ledger VALUES (1, 1)')
    expect(await count('ledger')).toBe(1)
  })

  test('thatIsRolledBackByHand_invalidatesNothing', async () => {
    const value = await at.db.transaction(async (tx) => {
      await tx.query('DELETE FROM payments')
      await tx.rollback()
      await expect(tx.query('SELECT 1')).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
      return 'value'
    })
    expect([value, await count('payments'), at.invalidated]).toEqual(['value', 2, []])
  })

  test('isClosed_afterItsEnd', async () => {
    const kept = await at.db.transaction((tx) => tx)
    await expect(kept.query('SELECT 1')).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    await expect(kept.exec('SELECT 1')).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
    await expect(kept.sql`SELECT 1`).rejects.toMatchObject({ code: 'UNIT_CLOSED' })
  })

  test('has_itsIsolation_andAccessMode', async () => {
    const isolation = await at.db.transaction(
      async (tx) => (await tx.query<{ transaction_isolation: string }>('SHOW transaction_isolation')).rows[0],
      { isolation: 'serializable' },
    )
    expect(isolation).toEqual({ transaction_isolation: 'serializable' })
    await expect(
      at.db.transaction((tx) => tx.query('DELETE FROM payments'), { readOnly: true }),
    ).rejects.toMatchObject({ code: '25006' })
  })

  test('thatCouldNotBeSerialized_runsAgain', async () => {
    await pglite.exec(`
      CREATE TABLE tries (n int);
      CREATE FUNCTION fail_at_first() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END $$;
    `)
    const { db, invalidated } = at
    let tries = 0
    await db.transaction(
      async (tx) => {
        await tx.query('UPDATE payments SET amount = 5 WHERE id = 1 RETURNING *')
        if (++tries < 3) await tx.query('SELECT fail_at_first()')
      },
      { retries: 2 },
    )
    expect([tries, invalidated]).toEqual([3, [['landlord:{landlordId}|1', 'payment:{landlordId}:*|1']]])
    const failed = db.transaction((tx) => tx.query('SELECT fail_at_first()'), { retries: 1 })
    await expect(failed).rejects.toMatchObject({ code: '40001' })
  })

  test.each(['COMMIT', 'SELECT 1; ROLLBACK; SELECT 2', 'BEGIN'])('refuses %s', async (text) => {
    await expect(at.db.transaction((tx) => tx.exec(text))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(at.db.exec(text)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('a savepoint', () => {
  const insert = 'INSERT INTO payments (landlord_id) VALUES ($1) RETURNING *'

  test('thatIsKept_isInvalidated', async () => {
    await at.db.transaction(async (tx) => {
      await tx.transaction((nested) => nested.query(insert, [7]))
    })
    expect([await count('payments'), at.invalidated]).toEqual([
      3,
      [['landlord:{landlordId}|7', 'payment:{landlordId}:*|7']],
    ])
  })

  test('thatFails_isRolledBackAlone_withWhatWasNoticedInIt', async () => {
    await at.db.transaction(async (tx) => {
      await tx.query(insert, [8])
      const failed = tx.transaction(async (nested) => {
        nested.write('ledger')
        await nested.query(insert, [7])
        await nested.transaction((inner) => inner.query(insert, [9]))
        await nested.query('INSERT INTO nowhere VALUES (1)')
      })
      await expect(failed).rejects.toMatchObject({ code: '42P01' })
    })
    expect([await count('payments'), at.invalidated]).toEqual([
      3,
      [['landlord:{landlordId}|8', 'payment:{landlordId}:*|8']],
    ])
  })

  test('thatSwallowsAnError_fails_andTheTransactionGoesOn', async () => {
    await at.db.transaction(async (tx) => {
      const failed = tx.transaction(async (nested) => {
        await nested.query('DELETE FROM payments')
        await nested.query('INSERT INTO nowhere VALUES (1)').catch(() => {})
      })
      await expect(failed).rejects.toMatchObject({ code: 'SEAL_FAILED' })
      await tx.query('INSERT INTO ledger VALUES (1, 1) RETURNING *')
    })
    expect(await count('payments')).toBe(2)
    expect(at.invalidated.flat()).toContain('ledger:{id}|1')
  })

  test('thatIsRolledBackByHand_leavesTheTransaction', async () => {
    await at.db.transaction(async (tx) => {
      await tx.transaction(async (nested) => {
        await nested.query('DELETE FROM payments')
        await nested.rollback()
      })
      await tx.query('INSERT INTO ledger VALUES (1, 1)')
    })
    expect([await count('payments'), at.invalidated]).toEqual([2, [['ledger:{id}']]])
  })

  test('drops_whatTheUserDeclaredInIt_andSoWidensAgain', async () => {
    await at.db.transaction(async (tx) => {
      const rows = [{ landlord_id: 1 }]
      const failed = tx.transaction(async (nested) => {
        nested.write('payments', { operation: 'insert', rows })
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      await tx.query('UPDATE payments SET amount = 0')
    })
    expect(at.invalidated).toEqual([['landlord:{landlordId}', 'payment:{landlordId}:*']])
  })
})

describe('the bound database', () => {
  test('joins_theTransactionAroundIt', async () => {
    const { db, invalidated, client } = at
    const insert = () => db.query('INSERT INTO payments (landlord_id) VALUES (5) RETURNING landlord_id')
    await db.transaction(async (tx) => {
      await insert()
      await db.exec('INSERT INTO ledger VALUES (2, 1) RETURNING *')
      const { rows } = await db.sql<{ n: number }>`SELECT count(*)::int AS n FROM payments WHERE id > ${0}`
      expect(rows).toEqual([{ n: 3 }])
      await expect(
        db.transaction(async () => {
          await db.query('DELETE FROM payments')
          throw new Error('no')
        }),
      ).rejects.toThrow('no')
      expect((await tx.query('SELECT FROM payments')).rows).toHaveLength(3)
    })
    expect(invalidated).toEqual([['landlord:{landlordId}|5', 'ledger:{id}|2', 'payment:{landlordId}:*|5']])
    expect(client.sent.filter((text) => text.startsWith('SAVEPOINT'))).toHaveLength(1)
  })

  test('invalidates_aStatementOfItsOwn_onceItHasCommitted', async () => {
    const { db, invalidated } = at
    const result = await db.query<{ id: number }>(
      'INSERT INTO payments (landlord_id) VALUES ($1) RETURNING id, landlord_id',
      [4],
    )
    expect(result.rows).toEqual([{ id: 3, landlord_id: 4 }])
    expect(result.affectedRows).toBe(1)
    await db.exec('UPDATE payments SET amount = 1; INSERT INTO ledger VALUES (1, 1)')
    await db.sql`DELETE FROM ledger WHERE id = ${1} RETURNING *`
    expect(invalidated).toEqual([
      ['landlord:{landlordId}|4', 'payment:{landlordId}:*|4'],
      ['landlord:{landlordId}', 'ledger:{id}', 'payment:{landlordId}:*'],
      ['ledger:{id}|1'],
    ])
    await expect(db.query('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({ code: '42P01' })
    expect(invalidated).toHaveLength(3)
  })

  test('reads_withoutATransaction', async () => {
    const { db, client } = at
    await db.query('SELECT amount FROM payments WHERE id = $1', [1])
    await db.exec('SELECT 1; SELECT 2')
    await db.exec('VACUUM payments')
    expect(client.sent).toEqual([
      'SELECT amount FROM payments WHERE id = $1',
      'SELECT 1; SELECT 2',
      'VACUUM payments',
    ])
  })

  test('writesTemplates_asPgliteDoes', async () => {
    const { db } = at
    const where = sql`WHERE ${identifier`landlord_id`} = ${2} AND ${raw`amount > 1`}`
    const written = await db.sql`SELECT amount FROM ${identifier`payments`} ${where} AND amount < ${100}`
    const own = await pglite.sql`SELECT amount FROM ${identifier`payments`} ${where} AND amount < ${100}`
    expect(written.rows).toEqual([{ amount: 20 }])
    expect(own.rows).toEqual(written.rows)
  })

  test('refuses_whatIsNoPglite_andUnknownOptions', () => {
    expect(() => bindPglite({} as PGlite, at.cache)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
    expect(() => bindPglite(pglite, at.cache, { detectWrites: 'all' as 'auto' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
    expect(() => bindPglite(pglite, at.cache, { detect: 'auto' } as object)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

describe('a bind function', () => {
  const declare = (sql: string) =>
    at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (7)')
      tx.write('lookups', { operation: 'insert', rows: [{ sql }] })
    })

  test('reads_whatTheTransactionWrote', async () => {
    await declare('SELECT landlord_id AS id FROM payments WHERE landlord_id > 5')
    expect(at.invalidated.flat()).toContain('lookup:{id}|7')
  })

  test('mayUseTheBoundDatabase_whichJoinsTheTransaction', async () => {
    let db: BoundPglite<PGlite> | undefined
    const cache = createCache({
      name: 'databases-room-bind',
      dependencies: defineDependencies({
        tables: {
          ledger: {
            invalidates: ['ledger:{id}'],
            bind: async () => (await db?.query<{ id: number }>('SELECT id FROM ledger'))?.rows ?? [],
          },
        },
      }),
    })
    db = bindPglite(pglite, cache)
    const stamps: unknown[] = []
    cache.on('invalidated', ({ receipt }) => stamps.push(receipt.stamps))
    await db.query('INSERT INTO ledger VALUES (4, 0), (5, 0) RETURNING *')
    expect(stamps).toEqual([['ledger:{id}|4', 'ledger:{id}|5']])
    await cache.close()
  })

  test('thatBreaksTheTransaction_failsIt', async () => {
    await expect(declare('SELECT * FROM nowhere')).rejects.toMatchObject({ code: 'SEAL_FAILED' })
    expect([await count('payments'), at.invalidated]).toEqual([2, []])
  })

  test('mayNotWrite', async () => {
    const errors: unknown[] = []
    at.cache.on('bindError', ({ error }) => errors.push(error))
    await declare('DELETE FROM ledger RETURNING id')
    expect(errors).toMatchObject([{ code: 'UNIT_CLOSED' }])
    expect(at.invalidated.flat()).toContain('lookup:{id}')
  })
})

describe('a read of the cache inside a transaction', () => {
  const key = 'payment:1:total'
  const total = async (query: PGlite['query']) =>
    (await query<{ total: number }>('SELECT sum(amount)::int AS total FROM payments WHERE landlord_id = 1'))
      .rows[0]?.total

  test('isAnsweredByTheCache_untilTheFirstWrite_thenPastIt', async () => {
    const { db, cache } = at
    const load = () => total(db.query)
    expect(await cache.get(key, load)).toBe(10)
    await pglite.query('UPDATE payments SET amount = 12 WHERE landlord_id = 1')
    await db.transaction(async (tx) => {
      expect(await cache.get(key, load)).toBe(10)
      await tx.query('UPDATE payments SET amount = amount + 1 WHERE landlord_id = 1')
      const entry = await cache.getEntry(key, load)
      expect(entry).toMatchObject({ value: 13, status: 'bypass' })
      // Another request meanwhile: it must neither see nor share what is not committed.
    })
    expect(await cache.getEntry(key, load)).toMatchObject({ value: 13, status: 'miss' })
  })

  test('fillsNothing_thatARollbackTakesBack', async () => {
    const { db, cache } = at
    const load = () => total(db.query)
    const failed = db.transaction(async (tx) => {
      await tx.query('UPDATE payments SET amount = 99 WHERE landlord_id = 1')
      expect(await cache.get(key, load)).toBe(99)
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await cache.getEntry(key, load)).toMatchObject({ value: 10, status: 'miss' })
  })
})

test('a client that waits for its transaction is not used inside it', async () => {
  const { cache } = at
  const { db, sent } = recording(pglite)
  const other = bindPglite(db, cache)
  const results = await Promise.all([
    other.transaction((tx) => tx.query('INSERT INTO ledger VALUES (1, 1)')),
    other.query('INSERT INTO ledger VALUES (2, 2)'),
    other.query('SELECT 1'),
  ])
  expect(results).toHaveLength(3)
  expect(sent).toContain('SELECT 1')
  expect(await count('ledger')).toBe(2)
})
