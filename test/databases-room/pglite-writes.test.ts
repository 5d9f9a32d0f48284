import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { reset, startPglite } from '../support/pglite.ts'
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
    CREATE TABLE payments (id serial PRIMARY KEY, landlord_id int NOT NULL, amount int,
      doubled int GENERATED ALWAYS AS (amount * 2) STORED);
    INSERT INTO payments (landlord_id, amount) VALUES (1, 10), (2, 20);
    CREATE TABLE orgs (id int PRIMARY KEY, name text);
    CREATE TABLE items (id int PRIMARY KEY, org_id int REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE);
    INSERT INTO orgs VALUES (1), (2); INSERT INTO items VALUES (11, 1), (12, 2);
    CREATE TABLE audit (note text);
    CREATE TABLE ledger (id int PRIMARY KEY, total int);
  `)
  at = bound(pglite)
  return () => at.cache.close()
})

const wholePayments = ['landlord:{landlordId}', 'payment:{landlordId}:*']
const paymentsOf = (landlord: number) => [
  `landlord:{landlordId}|${landlord}`,
  `payment:{landlordId}:*|${landlord}`,
]
const locksRead = () => at.client.sent.filter((text) => text.includes('pg_locks')).length

describe('a plain write', () => {
  test.each([
    ['INSERT INTO payments (landlord_id) VALUES (7), (8) RETURNING *', [...paymentsOf(7), ...paymentsOf(8)]],
    ['INSERT INTO payments (landlord_id) VALUES (7) RETURNING landlord_id', paymentsOf(7)],
    ['INSERT INTO payments (landlord_id) VALUES (7) RETURNING id', wholePayments],
    ['INSERT INTO payments (landlord_id) VALUES (7) RETURNING id AS landlord_id', wholePayments],
    ['INSERT INTO payments (landlord_id) VALUES (7)', wholePayments],
    ['DELETE FROM payments WHERE landlord_id = 2 RETURNING *', paymentsOf(2)],
    ['DELETE FROM payments p WHERE p.landlord_id = 2 RETURNING p.landlord_id', paymentsOf(2)],
    ['DELETE FROM payments USING orgs o WHERE o.id = landlord_id RETURNING *', wholePayments],
    ['UPDATE payments SET amount = 5 WHERE landlord_id = 2 RETURNING *', paymentsOf(2)],
    ['UPDATE payments SET amount = 5 RETURNING landlord_id', [...paymentsOf(1), ...paymentsOf(2)]],
    ['UPDATE payments SET landlord_id = 9 WHERE id = 1 RETURNING *', wholePayments],
    ['UPDATE payments SET (amount, landlord_id) = (1, 9) WHERE id = 1 RETURNING *', wholePayments],
    ['UPDATE payments SET amount = 5 WHERE id = 1', wholePayments],
    [
      'INSERT INTO payments (id, landlord_id) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET amount = 1 RETURNING *',
      paymentsOf(1),
    ],
    [
      'INSERT INTO payments (id, landlord_id) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET landlord_id = excluded.landlord_id RETURNING *',
      wholePayments,
    ],
    [
      'INSERT INTO payments (id, landlord_id) VALUES (1, 5), (6, 6) ON CONFLICT DO NOTHING RETURNING *',
      paymentsOf(6),
    ],
    ['TRUNCATE payments', wholePayments],
    [
      'MERGE INTO payments p USING orgs o ON (p.id = o.id) WHEN MATCHED THEN UPDATE SET amount = 0',
      wholePayments,
    ],
    [
      'WITH old AS (SELECT 1 AS id) DELETE FROM payments WHERE id IN (SELECT id FROM old) RETURNING *',
      paymentsOf(1),
    ],
    ['UPDATE payments SET amount = 1 WHERE id < 0 RETURNING *', []],
    ['UPDATE public."payments" SET amount = 5 WHERE landlord_id = 2 RETURNING *', paymentsOf(2)],
  ])('%s', async (sql, stamps) => {
    await at.db.query(sql)
    expect(at.invalidated).toEqual(stamps.length === 0 ? [] : [[...stamps].sort()])
    expect(locksRead()).toBe(0)
  })

  test('withRowsOfAnotherShape_isOfTheWholeTable', async () => {
    await at.db.query('DELETE FROM payments WHERE id = 1 RETURNING *', [], { rowMode: 'array' })
    await at.db.query('INSERT INTO payments (landlord_id) VALUES (7) RETURNING *', [], {
      parsers: { 23: () => 1 },
    })
    expect(at.invalidated).toEqual([wholePayments, wholePayments])
  })

  test('isOne_ofSeveral', async () => {
    await at.db.transaction(async (tx) => {
      await tx.exec('UPDATE payments SET amount = 1 WHERE id = 1 RETURNING *')
      await tx.query('DELETE FROM ledger')
      await tx.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    })
    expect(at.invalidated).toEqual([[...paymentsOf(1), ...paymentsOf(3), 'ledger:{id}'].sort()])
    expect(locksRead()).toBe(0)
  })

  test('withRows_andOneWithout_isOfTheWholeTable', async () => {
    await at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
      await tx.query('UPDATE payments SET amount = 1 WHERE id = 1')
    })
    expect(at.invalidated).toEqual([wholePayments])
  })

  test('ofATable_withMeanwhileOtherColumns_isOfTheWholeTable_thenNarrowAgain', async () => {
    const insert = () => at.db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    await insert()
    await pglite.exec('ALTER TABLE payments ADD COLUMN note int')
    await insert()
    await insert()
    expect(at.invalidated).toEqual([paymentsOf(3), wholePayments, paymentsOf(3)])
  })

  test('tellsABindFunction_whatItMayNotTakeForEmpty', async () => {
    await pglite.exec('CREATE TABLE measured (id int PRIMARY KEY, amount int, note text)')
    const errors: unknown[] = []
    at.cache.on('bindError', ({ error }) => errors.push(error))
    await at.db.query('INSERT INTO measured VALUES (1, 500) RETURNING *')
    await at.db.query("UPDATE measured SET note = 'x' RETURNING *")
    await at.db.query('UPDATE measured SET amount = 5 RETURNING *')
    await at.db.query('INSERT INTO measured VALUES (2, 500) RETURNING id')
    expect(at.invalidated).toEqual([
      ['measured:{id}:{size}|1:large'],
      ['measured:{id}:{size}|1:large'],
      ['measured:{id}:{size}'],
      ['measured:{id}:{size}'],
    ])
    expect(errors).toMatchObject([{ code: 'INVALID_ARGUMENT' }, { code: 'INVALID_ARGUMENT' }])
  })

  test('ofATemporaryTable_invalidatesNothing', async () => {
    await at.db.transaction(async (tx) => {
      await tx.exec('CREATE TEMPORARY TABLE scratch (id int)')
      await tx.query('INSERT INTO scratch VALUES (1)')
    })
    await pglite.exec('CREATE TEMPORARY TABLE ledger (id int)')
    await at.db.query('INSERT INTO ledger VALUES (1)')
    await pglite.exec('DROP TABLE pg_temp.ledger; DROP TABLE pg_temp.scratch')
    expect([at.invalidated, at.unknown]).toEqual([[], []])
  })

  test('ofATemporaryTable_withATrigger_reachesOthers', async () => {
    await pglite.exec(`
      CREATE TEMPORARY TABLE scratch (id int);
      CREATE FUNCTION pay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO payments (landlord_id) VALUES (9); RETURN NULL; END $$;
      CREATE TRIGGER paying AFTER INSERT ON scratch FOR EACH ROW EXECUTE FUNCTION pay();
    `)
    await at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
      await tx.query('INSERT INTO scratch VALUES (1)')
    })
    await pglite.exec('DROP TABLE scratch')
    expect(at.invalidated).toEqual([wholePayments])
  })

  test('ofATable_inASchemaOffThePath_hasItsName', async () => {
    await pglite.exec('CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int)')
    await at.db.query('INSERT INTO billing.invoices VALUES (1) RETURNING *')
    await pglite.exec(
      'CREATE FUNCTION bill() RETURNS void LANGUAGE sql AS $$ INSERT INTO billing.invoices VALUES (2) $$',
    )
    await at.db.query('SELECT bill()')
    expect([at.invalidated, at.unknown]).toEqual([[['invoice:{id}|1'], ['invoice:{id}']], []])
  })

  test('ofATable_thatTheMapDoesNotName_isTold', async () => {
    await pglite.exec('CREATE TABLE "Odd ""Name" (id int)')
    await at.db.query('INSERT INTO "Odd ""Name" VALUES (1)')
    await at.db.exec('DO $$ BEGIN INSERT INTO "Odd ""Name" VALUES (1); END $$')
    expect(at.unknown).toEqual(['Odd "Name', 'Odd "Name'])
  })
})

describe('what a statement does not say', () => {
  test('isFound_behindAView', async () => {
    await pglite.exec('CREATE VIEW v_payments AS SELECT id, landlord_id, amount FROM payments')
    await at.db.query('UPDATE v_payments SET amount = 1 WHERE landlord_id = 1 RETURNING *')
    expect(at.invalidated).toEqual([[...wholePayments, 'view:*']])
  })

  test('isFound_behindATrigger', async () => {
    await pglite.exec(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$;
      CREATE TRIGGER noting AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION note();
    `)
    await at.db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    expect(at.invalidated).toEqual([['audit:*', ...wholePayments]])
  })

  test('isFound_behindATrigger_addedAfterTheTableWasLearned', async () => {
    const insert = () => at.db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    await insert()
    await pglite.exec(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$;
      CREATE TRIGGER noting AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION note();
    `)
    await insert()
    await pglite.exec('DROP TRIGGER noting ON payments')
    await insert()
    expect(at.invalidated).toEqual([paymentsOf(3), ['audit:*', ...wholePayments], paymentsOf(3)])
  })

  test('isNotExpected_behindATrigger_ofAnotherOperation', async () => {
    await pglite.exec(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NEW; END $$;
      CREATE TRIGGER noting BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION note();
    `)
    const insert = 'INSERT INTO payments (id, landlord_id) VALUES (41, 3)'
    await at.db.query(`${insert} RETURNING *`)
    await at.db.query('UPDATE payments SET amount = 2 WHERE id = 41 RETURNING *')
    await at.db.query(`${insert} ON CONFLICT (id) DO UPDATE SET amount = 3 RETURNING *`)
    await at.db.query('DELETE FROM payments WHERE id = 41 RETURNING *')
    const everything = ['audit:*', ...wholePayments]
    expect(at.invalidated).toEqual([paymentsOf(3), everything, everything, paymentsOf(3)])
  })

  test('isFound_behindATrigger_thatWasReplacedByOneOfAnotherOperation', async () => {
    const insert = () => at.db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    const trigger = (operation: string) =>
      `CREATE OR REPLACE TRIGGER noting AFTER ${operation} ON payments FOR EACH ROW EXECUTE FUNCTION note()`
    await pglite.exec(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$;
      ${trigger('UPDATE')};
    `)
    await insert()
    await pglite.exec(trigger('INSERT'))
    await insert()
    expect(at.invalidated).toEqual([paymentsOf(3), ['audit:*', ...wholePayments]])
  })

  test('isFound_behindATrigger_thatWaitsForTheCommit', async () => {
    await pglite.exec(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER noting AFTER INSERT ON payments DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION note();
    `)
    await at.db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    expect(at.invalidated).toEqual([['audit:*', ...wholePayments]])
  })

  test('isFound_behindADefault', async () => {
    await pglite.exec(`
      CREATE TABLE counters (n int); INSERT INTO counters VALUES (0);
      CREATE FUNCTION counted() RETURNS int LANGUAGE sql AS 'UPDATE counters SET n = n + 1 RETURNING n';
      CREATE TABLE numbers (id int DEFAULT counted());
    `)
    await at.db.query('INSERT INTO numbers DEFAULT VALUES')
    expect([at.invalidated, at.unknown]).toEqual([[['number:*']], ['counters']])
  })

  test('isNot_behindADefault_thatNoUserWrote', async () => {
    await pglite.exec(`
      CREATE FUNCTION one() RETURNS int LANGUAGE internal AS 'pg_backend_pid';
      ALTER TABLE payments ALTER COLUMN amount SET DEFAULT one();
    `)
    await at.db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    expect([at.invalidated, locksRead()]).toEqual([[paymentsOf(3)], 0])
  })

  test('isFound_behindARule', async () => {
    await pglite.exec("CREATE RULE noting AS ON INSERT TO ledger DO ALSO INSERT INTO audit VALUES ('rule')")
    await at.db.query('INSERT INTO ledger VALUES (1)')
    expect(at.invalidated).toEqual([['audit:*', 'ledger:{id}']])
  })

  test.each([
    ['DELETE FROM orgs WHERE id = 1 RETURNING *', ['item:{orgId}:{id}', 'org:{id}|1'], 1],
    ['UPDATE orgs SET id = 3 WHERE id = 1', ['item:{orgId}:{id}', 'org:{id}'], 1],
    ["UPDATE orgs SET name = 'a' WHERE id = 1 RETURNING *", ['org:{id}|1'], 1],
    ['INSERT INTO orgs VALUES (5) RETURNING *', ['org:{id}|5'], 0],
    ['INSERT INTO items VALUES (5, 1) RETURNING *', ['item:{orgId}:{id}|1:5'], 0],
  ])('isFound_behindAForeignKey: %s', async (sql, stamps, locks) => {
    await at.db.query(sql)
    expect(at.invalidated).toEqual([stamps])
    expect(locksRead()).toBe(locks)
  })

  test('isFound_behindAForeignKey_ofATableToItself', async () => {
    await pglite.exec(`
      CREATE TABLE parents (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE CASCADE);
      INSERT INTO parents VALUES (1, NULL), (2, 1);
    `)
    await at.db.query('DELETE FROM parents WHERE id = 1 RETURNING *')
    expect(at.invalidated).toEqual([['parent:*']])
  })

  test('isFound_behindAFunction_andWidensWhatWasNarrow', async () => {
    await pglite.exec(
      'CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS $$ INSERT INTO payments (landlord_id) VALUES (9) $$',
    )
    await at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
      await tx.query('SELECT pay()')
    })
    expect(at.invalidated).toEqual([wholePayments])
  })

  test('isFound_behindADataModifyingWith', async () => {
    await at.db.query(
      'WITH gone AS (DELETE FROM ledger RETURNING *) INSERT INTO audit SELECT id::text FROM gone',
    )
    expect(at.invalidated).toEqual([])
    await pglite.query('INSERT INTO ledger VALUES (1, 1)')
    await at.db.query(
      'WITH gone AS (DELETE FROM ledger RETURNING *) INSERT INTO audit SELECT id::text FROM gone',
    )
    expect(at.invalidated).toEqual([['audit:*', 'ledger:{id}']])
  })

  test('dropsOut_withItsSavepoint', async () => {
    await pglite.exec(
      'CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS $$ INSERT INTO payments (landlord_id) VALUES (9) $$',
    )
    await at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO ledger VALUES (1, 1)')
      const failed = tx.transaction(async (nested) => {
        await nested.query('SELECT pay()')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      await tx.exec('DO $$ BEGIN PERFORM 1; END $$')
    })
    expect(at.invalidated).toEqual([['ledger:{id}']])
  })

  test('isFound_inMaterializedViews_andRenamedTables', async () => {
    await pglite.exec(`
      CREATE MATERIALIZED VIEW m_totals AS SELECT landlord_id FROM payments;
      CREATE UNIQUE INDEX ON m_totals (landlord_id);
      CREATE TABLE ledger_next (LIKE ledger);
    `)
    await at.db.exec('REFRESH MATERIALIZED VIEW m_totals')
    await at.db.exec('REFRESH MATERIALIZED VIEW CONCURRENTLY m_totals')
    await at.db.exec('ALTER TABLE ledger RENAME TO ledger_last; ALTER TABLE ledger_next RENAME TO ledger')
    expect(at.invalidated.map((stamps) => stamps.filter((stamp) => stamp !== ''))).toEqual([
      ['totals:*'],
      ['totals:*'],
      ['ledger:{id}'],
    ])
  })

  test('isNotThere_whereOnlyIndexesAndSequencesWere', async () => {
    await at.db.exec('CREATE INDEX ON payments (amount)')
    await at.db.query("SELECT setval('payments_id_seq', 100)")
    expect([at.invalidated, at.unknown]).toEqual([[], []])
  })
})

describe('partitions and children', () => {
  beforeEach(() =>
    pglite.exec(`
      CREATE TABLE parts (region int, id int, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1) PARTITION BY RANGE (id);
      CREATE TABLE parts_1_low PARTITION OF parts_1 FOR VALUES FROM (0) TO (100);
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
      CREATE TABLE parents (id int);
      CREATE TABLE children (extra int) INHERITS (parents);
    `),
  )

  test.each([
    [
      'INSERT INTO parts VALUES (1, 5), (2, 6) RETURNING *',
      ['part:{region}:{id}|1:5', 'part:{region}:{id}|2:6'],
    ],
    ['INSERT INTO parts_1_low VALUES (1, 5) RETURNING *', ['part:{region}:{id}|1:5']],
    ['INSERT INTO parts_1 VALUES (1, 5)', ['part:{region}:{id}']],
    ['INSERT INTO children VALUES (1, 2) RETURNING *', ['child:*', 'parent:*']],
  ])('%s', async (sql, stamps) => {
    await at.db.query(sql)
    expect([at.invalidated, at.unknown]).toEqual([[stamps], []])
  })

  test('goByTheirRoot_inAFunctionToo', async () => {
    await at.db.exec('DO $$ BEGIN INSERT INTO parts_2 VALUES (2, 1); INSERT INTO children VALUES (1); END $$')
    await at.db.exec('ALTER TABLE parts DETACH PARTITION parts_2')
    await at.db.exec('ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2)')
    expect(at.invalidated).toEqual([
      ['child:*', 'parent:*', 'part:{region}:{id}'],
      ['part:{region}:{id}'],
      ['part:{region}:{id}'],
    ])
  })

  test('areWritten_withTheirParent', async () => {
    await pglite.query('INSERT INTO children VALUES (1, 2)')
    await at.db.query('UPDATE parents SET id = 5')
    expect(at.invalidated).toEqual([['child:*', 'parent:*']])
  })

  test('areWritten_eachUnderEveryName_whereOneOfThemIsReached', async () => {
    await pglite.exec(`
      ALTER TABLE parents ADD PRIMARY KEY (id), ADD COLUMN org_id int REFERENCES orgs ON DELETE CASCADE;
    `)
    await at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO children VALUES (1) RETURNING *')
      await tx.query('DELETE FROM orgs WHERE id = 1 RETURNING *')
    })
    expect(at.invalidated).toEqual([['child:*', 'item:{orgId}:{id}', 'org:{id}|1', 'parent:*']])
  })

  test('areNoticed_whenTheTableAboveThemMoves', async () => {
    await at.db.query('INSERT INTO parts_1_low VALUES (1, 5)')
    await pglite.exec(`
      CREATE TABLE numbers (region int, id int, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
      ALTER TABLE parts DETACH PARTITION parts_1;
      ALTER TABLE numbers ATTACH PARTITION parts_1 FOR VALUES IN (1);
    `)
    await at.db.query('INSERT INTO parts_1_low VALUES (1, 6)')
    expect(at.invalidated).toEqual([['part:{region}:{id}'], ['number:*']])
  })

  test('areNoticed_whenATableBecomesOne', async () => {
    await pglite.exec('CREATE TABLE parts_3 (region int NOT NULL, id int NOT NULL, note text)')
    await at.db.query('INSERT INTO parts_3 VALUES (3, 1)')
    await pglite.exec('ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES IN (3)')
    await at.db.query('INSERT INTO parts_3 VALUES (3, 2)')
    expect([at.invalidated, at.unknown]).toEqual([[[], ['part:{region}:{id}']], ['parts_3']])
  })
})

describe('rows that the user declared', () => {
  const rows = [{ landlord_id: 1 }]

  test('areAllOfItsTable_butNotOfOthers', async () => {
    await pglite.exec(
      'CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS $$ INSERT INTO payments (landlord_id) VALUES (1); INSERT INTO ledger VALUES (1, 1) $$',
    )
    await at.db.transaction(async (tx) => {
      tx.write('payments', { operation: 'insert', rows })
      await tx.query('SELECT pay()')
      await tx.query('UPDATE payments SET amount = 1 WHERE landlord_id = 1')
    })
    expect(at.invalidated).toEqual([[...paymentsOf(1), 'ledger:{id}'].sort()])
  })

  test('stand_althoughTheTableHasTriggers_ofItsOwn', async () => {
    await pglite.exec(`
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.amount := 1; RETURN NEW; END $$;
      CREATE TRIGGER touching BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION touch();
    `)
    await at.db.transaction(async (tx) => {
      tx.write('payments', { operation: 'update', rows: [{ before: rows[0], after: rows[0] }] })
      await tx.query('UPDATE payments SET amount = 5 WHERE landlord_id = 1')
    })
    expect(at.invalidated).toEqual([paymentsOf(1)])
  })

  test('areNotAll_whereAnotherTableReachesTheirs', async () => {
    const item = { id: 12, org_id: 2 }
    await at.db.transaction(async (tx) => {
      tx.write('items', { operation: 'delete', rows: [item] })
      await tx.query('DELETE FROM items WHERE id = 12')
      await tx.query('DELETE FROM orgs WHERE id = 1 RETURNING *')
    })
    await pglite.exec(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO items VALUES (13, 2); RETURN NULL; END $$;
      CREATE TRIGGER noting AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION note();
    `)
    await at.db.transaction(async (tx) => {
      tx.write('items', { operation: 'insert', rows: [item] })
      await tx.query('INSERT INTO items VALUES (12, 2)')
      await tx.query('INSERT INTO ledger VALUES (1, 1)')
    })
    expect(at.invalidated).toEqual([
      ['item:{orgId}:{id}', 'org:{id}|1'],
      ['item:{orgId}:{id}', 'ledger:{id}'],
    ])
  })

  test('stand_althoughTheyWereWrittenThroughAView', async () => {
    await pglite.exec('CREATE VIEW v_payments AS SELECT id, landlord_id, amount FROM payments')
    await at.db.transaction(async (tx) => {
      tx.write('payments', { operation: 'insert', rows })
      await tx.query('INSERT INTO v_payments (landlord_id) VALUES (1)')
    })
    expect(at.invalidated).toEqual([[...paymentsOf(1), 'view:*']])
  })

  test('areJoined_byThoseThatAStatementReturned', async () => {
    await at.db.transaction(async (tx) => {
      tx.write('payments', { operation: 'insert', rows })
      await tx.query('INSERT INTO payments (landlord_id) VALUES (2) RETURNING *')
      await tx.query('INSERT INTO payments (landlord_id) VALUES (1)')
    })
    expect(at.invalidated).toEqual([[...paymentsOf(1), ...paymentsOf(2)].sort()])
  })
})

describe('detectWrites', () => {
  beforeEach(() =>
    pglite.exec(
      'CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS $$ INSERT INTO payments (landlord_id) VALUES (9) $$',
    ),
  )

  test('declared_readsNoLocks', async () => {
    const { db, invalidated, client } = bound(pglite, { detectWrites: 'declared' })
    await db.transaction(async (tx) => {
      await tx.query('SELECT pay()')
      await tx.query('DELETE FROM orgs WHERE id = 1 RETURNING *')
    })
    await db.query('SELECT pay()')
    expect(invalidated).toEqual([['org:{id}|1']])
    expect(client.sent.filter((text) => text.includes('pg_locks'))).toEqual([])
  })

  test('locks_readsThemAfterEveryWrite', async () => {
    const { db, invalidated, client } = bound(pglite, { detectWrites: 'locks' })
    await db.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
    await db.query('SELECT pay()')
    await db.transaction((tx) => tx.query('SELECT 1'))
    expect(invalidated).toEqual([paymentsOf(3), wholePayments])
    expect(client.sent.filter((text) => text.includes('pg_locks'))).toHaveLength(2)
  })
})

test('the seal of plain writes is one statement, once their tables are known', async () => {
  const write = () =>
    at.db.transaction(async (tx) => {
      await tx.query('INSERT INTO payments (landlord_id) VALUES (3) RETURNING *')
      await tx.query('UPDATE ledger SET total = 1')
    })
  await write()
  at.client.forget()
  await write()
  expect(at.client.sent).toHaveLength(3)
})
