import { createCache } from 'coherent-cache'
import { Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { defineDatabase } from '../../src/databases/define-database.ts'
import { observed, PostgresKnowledge, type PostgresWork } from '../../src/databases/postgres/observe.ts'
import { sealPostgres } from '../../src/databases/postgres/seal.ts'
import { inSavepoint, isRetryable, setTransaction } from '../../src/databases/postgres/session.ts'
import { dependencies } from './support.ts'

/** A server with other sessions, through what any adapter for PostgreSQL is made of. */
const bindPool = defineDatabase({
  name: 'pool',
  notices: true,
  open: (_client: Pool) => new PostgresKnowledge({}, async () => undefined, 'bind pool'),
  async run<T>(
    pool: Pool,
    body: (tx: PoolClient) => Promise<T>,
    options: Parameters<typeof setTransaction>[0],
  ): Promise<T> {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const first = setTransaction(options)
      if (first !== undefined) await client.query(first)
      const value = await body(client)
      await client.query('COMMIT')
      return value
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  },
  savepoint: (tx, body, name) =>
    inSavepoint(
      (text) => tx.query(text),
      name,
      () => body(tx),
    ),
  seal: (tx, work: PostgresWork) =>
    sealPostgres(async (text, parameters) => (await tx.query(text, [...(parameters ?? [])])).rows, work),
  retryable: isRetryable,
  inside: (tx, work: PostgresWork) => ({
    query: (text: string, parameters?: unknown[]) =>
      observed(
        work,
        text,
        () => tx.query(text, parameters),
        ({ rows }) => rows,
      ),
  }),
})

const schema = `databases_room_${process.pid}`
let pool: Pool
let cache: ReturnType<typeof createCache>
let invalidated: (readonly string[])[]
let db: ReturnType<typeof bindPool>

beforeAll(() => {
  pool = new Pool({ connectionString: inject('postgresUrl'), options: `-c search_path=${schema}`, max: 5 })
})
afterAll(async () => {
  await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  await pool.end()
})
beforeEach(async () => {
  await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`)
  await pool.query(`
    CREATE TABLE payments (id serial PRIMARY KEY, landlord_id int, amount int);
    CREATE TABLE ledger (id int PRIMARY KEY, total int);
    CREATE TABLE audit (note text);
    INSERT INTO ledger VALUES (1, 0), (2, 0);
  `)
  cache = createCache({ name: 'databases-room-pool', dependencies })
  invalidated = []
  cache.on('invalidated', ({ receipt }) => invalidated.push([...receipt.stamps].sort()))
  db = bindPool(pool, cache)
  return () => cache.close()
})

test('finds_itsOwnLocks_notThoseOfOthers', async () => {
  const other = await pool.connect()
  await other.query('BEGIN; INSERT INTO audit VALUES (1)')
  await db.transaction((tx) => tx.query('DO $$ BEGIN UPDATE ledger SET total = 1 WHERE id = 1; END $$'))
  await other.query('ROLLBACK')
  other.release()
  expect(invalidated).toEqual([['ledger:{id}']])
})

test('notices_aTrigger_thatAnotherSessionAdded', async () => {
  const pay = () =>
    db.transaction((tx) => tx.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *'))
  await pay()
  await pool.query(`
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (1); RETURN NULL; END $$;
    CREATE TRIGGER noting AFTER INSERT ON payments FOR EACH STATEMENT EXECUTE FUNCTION note();
  `)
  await pay()
  expect(invalidated).toEqual([
    ['landlord:{landlordId}|3', 'payment:{landlordId}:*|3'],
    ['audit:*', 'landlord:{landlordId}', 'payment:{landlordId}:*'],
  ])
})

test('runsAgain_afterAFailureToSerialize', async () => {
  let tries = 0
  const both = () =>
    db.transaction(
      async (tx) => {
        tries++
        await tx.query('SELECT sum(total) FROM ledger')
        if (tries === 1) await pool.query('UPDATE ledger SET total = 5 WHERE id = 1')
        await tx.query('UPDATE ledger SET total = total + 1 WHERE id = 1 RETURNING *')
      },
      { isolation: 'serializable', retries: 1 },
    )
  await both()
  expect([tries, (await pool.query('SELECT total FROM ledger WHERE id = 1')).rows, invalidated]).toEqual([
    2,
    [{ total: 6 }],
    [['ledger:{id}|1']],
  ])
})

test('fails_whereCommitWouldOnlySayItCommitted', async () => {
  const failed = db.transaction(async (tx) => {
    await tx.query('UPDATE ledger SET total = 9')
    await tx.query('SELECT * FROM nowhere').catch(() => {})
  })
  await expect(failed).rejects.toMatchObject({ code: 'SEAL_FAILED', cause: { code: '25P02' } })
  expect(invalidated).toEqual([])
})

test('leaves_noNamedStatements_forAPoolerToTripOver', async () => {
  await db.transaction(async (tx) => {
    await tx.query('DO $$ BEGIN UPDATE ledger SET total = 1; END $$')
    await tx.transaction((nested) => nested.query('UPDATE ledger SET total = 1 RETURNING *'))
  })
  await db.transaction(async (tx) => {
    const { rows } = await tx.query('SELECT name FROM pg_prepared_statements')
    expect(rows).toEqual([])
  })
})

test('findsATable_madeAfterItsSnapshot', async () => {
  await db.transaction(
    async (tx) => {
      await tx.query('SELECT 1 FROM ledger')
      await pool.query('CREATE TABLE children (id int)')
      await tx.query('INSERT INTO children VALUES (1)')
      await tx.query('DO $$ BEGIN INSERT INTO children VALUES (2); END $$')
    },
    { isolation: 'repeatable read' },
  )
  expect(invalidated).toEqual([['child:*']])
})
