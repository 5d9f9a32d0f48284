import { defineDependencies } from 'coherent-cache'
import { type DefinedJournal, defineJournal } from 'coherent-cache/journal'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { JournalRoom } from './journal-room.ts'

const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*'],
    moves: { invalidates: ['move:{tenant}:{amount}'], bind: { tenant: 'tenant_id' } },
    'Quoted Table': ['quoted:{Id}'],
    parted: ['parted:{id}'],
    audit: ['audit:*'],
    padded: ['padded:{code}'],
    derived: { invalidates: ['derived:{day}'], bind: ({ at }) => ({ day: String(at).slice(0, 10) }) },
    plain: { invalidates: ['plain:{x}'], bind: () => ({ x: 1 }) },
    v_payments: ['view:*'],
  },
  views: { v_payments: ['payments'] },
})
const SQL = `
  CREATE TABLE moves (id serial PRIMARY KEY, tenant_id text, amount numeric, found int, images int);
  CREATE TABLE "Quoted Table" ("Id" int);
  CREATE TABLE parted (id int, at int) PARTITION BY RANGE (at);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
  CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
  CREATE TABLE derived (at timestamp, n numeric);
  CREATE TABLE plain (x int);
  CREATE TABLE padded (code char(3), n int);
  CREATE VIEW v_payments AS SELECT * FROM payments;
`
const room = new JournalRoom()
let journal: DefinedJournal

beforeEach(async () => {
  await room.reset(SQL)
  journal = defineJournal({
    dependencies,
    schema: room.schema,
    triggers: true,
    columns: { derived: ['at', 'n'], moves: ['found', 'images'] },
  })
  await journal.ensure(room.admin)
})
afterEach(() => room.close())
afterAll(() => room.end())

const write = (sql: string) => room.admin.query(sql)
const image = (table: string, operation: string, ...images: object[]) => ({
  table,
  operation,
  typed: false,
  images,
})

describe('what a write of any client records', () => {
  test.each<[string, string, unknown[]]>([
    [
      'insert_ofRows_theirScopesOnce',
      'INSERT INTO payments (landlord_id) VALUES (7), (7), (8)',
      [image('payments', 'insert', { landlord_id: '7' }, { landlord_id: '8' })],
    ],
    [
      'update_thatMovesARow_bothItsScopes',
      'UPDATE payments SET landlord_id = 9 WHERE landlord_id = 1',
      [image('payments', 'update', { landlord_id: '1' }, { landlord_id: '9' })],
    ],
    [
      'delete_ofARow_whatItWas',
      'DELETE FROM payments WHERE landlord_id = 2',
      [image('payments', 'delete', { landlord_id: '2' })],
    ],
    [
      'writes_ofNoRow_nothing',
      'UPDATE payments SET amount = 1 WHERE false; DELETE FROM audit; DELETE FROM parted',
      [],
    ],
    [
      'insert_boundByAPaddedColumn_whichClientsSpellWithItsBlanks_nothingOfIt',
      "INSERT INTO padded VALUES ('IN', 1)",
      [{ table: 'padded', operation: 'insert' }],
    ],
    ['truncate_theTable', 'TRUNCATE payments', [{ table: 'payments', operation: 'truncate' }]],
    [
      'insert_throughAView_itsTable',
      'INSERT INTO v_payments (landlord_id) VALUES (4)',
      [image('payments', 'insert', { landlord_id: '4' })],
    ],
    [
      'upsert_whatWasInsertedAndWhatWasUpdated',
      'INSERT INTO payments (id, landlord_id) VALUES (1, 5), (77, 6) ON CONFLICT (id) DO UPDATE SET landlord_id = excluded.landlord_id',
      [
        image('payments', 'insert', { landlord_id: '6' }),
        image('payments', 'update', { landlord_id: '1' }, { landlord_id: '5' }),
      ],
    ],
    [
      'insert_ofManyRows_theTable',
      'INSERT INTO payments (landlord_id) SELECT n FROM generate_series(1, 101) n',
      [{ table: 'payments', operation: 'insert' }],
    ],
    [
      'columns_ofOtherTypesThanKeysAreMadeOf_areLeftOut',
      `INSERT INTO moves (tenant_id, amount, found, images) VALUES ('a "b" \\', 7.00, 1, NULL)`,
      [image('moves', 'insert', { found: '1', images: null, tenant_id: 'a "b" \\' })],
    ],
    [
      'table_withAQuotedName',
      'INSERT INTO "Quoted Table" VALUES (3)',
      [image('Quoted Table', 'insert', { Id: '3' })],
    ],
    [
      'table_withoutCaptures_itself',
      "INSERT INTO audit VALUES ('x')",
      [{ table: 'audit', operation: 'insert' }],
    ],
    [
      'table_withABindFunction_itself',
      'INSERT INTO plain VALUES (1)',
      [{ table: 'plain', operation: 'insert' }],
    ],
    [
      'table_withABindFunctionAndItsColumns_themAsJsonWritesThem',
      "INSERT INTO derived VALUES ('2026-11-20 10:00', 7.50)",
      [
        {
          table: 'derived',
          operation: 'insert',
          typed: true,
          images: [{ at: '2026-11-20T10:00:00', n: 7.5 }],
        },
      ],
    ],
    [
      'partition_byItsRoot',
      'INSERT INTO parted VALUES (1, 5), (2, 15)',
      [image('parted', 'insert', { id: '1' }, { id: '2' })],
    ],
    [
      'partition_byItsOwnName',
      'INSERT INTO parted_2 VALUES (2, 15)',
      [image('parted', 'insert', { id: '2' })],
    ],
    [
      'copy_intoATable',
      'WITH a AS (INSERT INTO payments (landlord_id) VALUES (3) RETURNING *) INSERT INTO moves (tenant_id) SELECT landlord_id FROM a',
      [
        image('moves', 'insert', { found: null, images: null, tenant_id: '3' }),
        image('payments', 'insert', { landlord_id: '3' }),
      ],
    ],
  ])('%s', async (_, sql, expected) => {
    await write(sql)
    const found = await room.tables()
    expect(found).toHaveLength(expected.length)
    expect(found).toEqual(expect.arrayContaining(expected))
  })
})

test('write_thatMovesARowToAnotherPartition_bothItsStates', async () => {
  await write('INSERT INTO parted VALUES (1, 5)')
  await write('DELETE FROM coherent_cache_journal')
  await write('UPDATE parted SET at = 15, id = 2')
  const [table] = (await room.tables()) as { images: unknown[] }[]
  expect(table?.images).toEqual(expect.arrayContaining([{ id: '1' }, { id: '2' }]))
})

test('write_ofATableWhoseColumnHasGone_recordsTheTableAndDoesNotFail', async () => {
  await write('ALTER TABLE payments DROP COLUMN landlord_id CASCADE')
  await write('INSERT INTO payments (amount) VALUES (5)')
  expect(await room.tables()).toEqual([{ table: 'payments', operation: 'insert' }])
})

test('column_whoseCollationTakesTwoTextsForOne_isLeftOut', async () => {
  await write(`CREATE COLLATION either (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ALTER TABLE moves ALTER COLUMN tenant_id TYPE text COLLATE either`)
  await journal.ensure(room.admin)
  await write("INSERT INTO moves (tenant_id, found) VALUES ('A', 1)")
  expect(await room.tables()).toEqual([image('moves', 'insert', { found: '1', images: null })])
})

test('write_thatIsRolledBack_recordsNothing', async () => {
  await write('BEGIN; INSERT INTO payments (landlord_id) VALUES (1); ROLLBACK')
  expect(await room.tables()).toEqual([])
})

test('write_ofAUserWhoMayNotWriteTheJournal_isRecordedAllTheSame', async () => {
  const user = `${room.schema}_clerk`
  await write(`CREATE ROLE ${user} LOGIN; GRANT USAGE ON SCHEMA ${room.schema} TO ${user};
    GRANT INSERT ON payments TO ${user}; GRANT USAGE ON SEQUENCE payments_id_seq TO ${user}`)
  const pool = room.open({ user })
  await pool.query('INSERT INTO payments (landlord_id) VALUES (7)')
  await expect(pool.query('SELECT * FROM coherent_cache_journal')).rejects.toThrow(/permission denied/)
  expect(await room.tables()).toEqual([image('payments', 'insert', { landlord_id: '7' })])
  await write(`DROP OWNED BY ${user}; DROP ROLE ${user}`)
})

test('partition_addedLater_isWatchedOnceTheJournalIsMadeAnew', async () => {
  await write('CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (20) TO (30)')
  await journal.ensure(room.admin)
  await write('INSERT INTO parted_3 VALUES (3, 25)')
  expect(await room.tables()).toEqual([image('parted', 'insert', { id: '3' })])
})

test('ensure_calledByManyAtOnce_makesItOnce', async () => {
  await write(journal.down)
  await Promise.all(Array.from({ length: 4 }, () => journal.ensure(room.admin)))
  await write('INSERT INTO payments (landlord_id) VALUES (7)')
  expect(await room.tables()).toHaveLength(1)
})

test('down_afterUp_leavesNothingBehind', async () => {
  const left = `SELECT
    (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'coherent_cache_journal%' AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = '${room.schema}'::regnamespace))
    + (SELECT count(*) FROM pg_proc WHERE pronamespace = '${room.schema}'::regnamespace AND proname LIKE 'coherent%')
    + (SELECT count(*) FROM pg_class WHERE relnamespace = '${room.schema}'::regnamespace AND relname LIKE 'coherent%')`
  expect(Number(await room.value(left))).toBeGreaterThan(40)
  await write(journal.down)
  expect(Number(await room.value(left))).toBe(0)
  await write('INSERT INTO payments (landlord_id) VALUES (7)')
})

test('ensure_whereATableIsMissing_saysWhich', async () => {
  await write('DROP TABLE plain')
  await expect(journal.ensure(room.admin)).rejects.toEqual(
    errorOf('INVALID_OPTION', /journal\.ensure: there is no table "plain"\. Make it first/),
  )
})

test('ensure_whereAColumnIsMissing_saysWhich_andChangesNothing', async () => {
  await write(journal.down)
  const wrong = defineJournal({
    dependencies,
    schema: room.schema,
    triggers: ['payments'],
    columns: { derived: ['at', 'x'] },
  })
  await expect(wrong.ensure(room.admin)).rejects.toEqual(
    errorOf('INVALID_OPTION', /columns: the table "derived" has no "x"\. It has at, n\./),
  )
  expect(await room.value(`SELECT to_regclass('coherent_cache_journal')`)).toBeNull()
})

test('ensure_whatTheDatabaseRefuses_isToldWithWhatToDo', async () => {
  const failed = async (own: DefinedJournal, client: Pool, message: RegExp, code: string) => {
    const error = await own.ensure(client).then(
      () => undefined,
      (error) => error,
    )
    expect(error).toEqual(errorOf('JOURNAL_FAILED', message))
    expect(error.cause).toMatchObject({ code })
  }
  const elsewhere = defineJournal({ dependencies, schema: 'not_there' })
  await failed(elsewhere, room.admin, /schema "not_there" does not exist\. Make the schema/, '3F000')
  const user = `${room.schema}_maker`
  await write(`CREATE ROLE ${user}; GRANT USAGE ON SCHEMA ${room.schema} TO ${user}`)
  const pool = room.open({ options: `-c search_path=${room.schema} -c role=${user}` })
  await failed(journal, pool, /Its user has to own .*coherent_cache_journal and to be allowed/, '42501')
  await write(`REVOKE ALL ON SCHEMA ${room.schema} FROM ${user}; DROP ROLE ${user}`)
  const away = room.open({ port: 1 })
  await failed(journal, away, /ECONNREFUSED.*call it again/, 'ECONNREFUSED')
  await write('DROP TABLE plain; CREATE VIEW plain AS SELECT 1 AS x')
  await failed(journal, room.admin, /is no table\. Name the tables that a view reads/, 'P0001')
})

test.each<[string, object, RegExp]>([
  [
    'triggers on a table that the map has not',
    { triggers: ['payment'] },
    /triggers: "payment" is no table of the map/,
  ],
  ['triggers on a view', { triggers: ['v_payments'] }, /"v_payments" is a view of the map/],
  [
    'columns of a table that the map has not',
    { columns: { payment: ['id'] } },
    /columns: "payment" is no table/,
  ],
  ['columns that are no list', { columns: { payments: 'id' } }, /no list of columns/],
  ['notify without triggers', { notify: true }, /notify: .*choose some with triggers/],
  ['notify that is neither true nor false', { notify: 1, triggers: true }, /notify: 1 is none of/],
  ['notify on MySQL', { notify: true, triggers: true, dialect: 'mysql' }, /no notifications/],
])('defineJournal_with %s_isRefused', (_, options, message) => {
  expect(() => defineJournal({ dependencies, ...options })).toThrow(
    errorOf('INVALID_OPTION', message) as Error,
  )
})

describe('a bound database', () => {
  test('transaction_recordsItsWritesItself_notByTriggersToo', async () => {
    const { db, invalidated } = room.bind(room.open(), { journal })
    await db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (7) RETURNING *')
      expect((await tx.query('SELECT source FROM coherent_cache_journal')).rows).toEqual([])
    })
    // Nor are the triggers of a journal a reason to take the whole table as written.
    expect(invalidated).toEqual([['payment:{landlordId}:*|7']])
    await journal.flush()
    expect(await room.records()).toEqual([])
  })

  test('transaction_afterABoundOneOnItsConnection_isRecordedAgain', async () => {
    const pool = room.open({ max: 1 })
    const { db } = room.bind(pool, { journal })
    await db.query('INSERT INTO payments (landlord_id) VALUES (7)')
    await pool.query('INSERT INTO payments (landlord_id) VALUES (8)')
    await journal.flush()
    expect(await room.tables()).toEqual([image('payments', 'insert', { landlord_id: '8' })])
  })

  test('transaction_thatLooksForNoWritesOfOthers_leavesTheTriggersOn', async () => {
    await write(
      `CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS 'INSERT INTO ${room.schema}.payments (landlord_id) VALUES (3)'`,
    )
    const { db } = room.bind(room.open(), { journal, detectWrites: 'declared' })
    await db.query('SELECT pay()')
    await journal.flush()
    expect(await room.tables()).toEqual([image('payments', 'insert', { landlord_id: '3' })])
  })
})
