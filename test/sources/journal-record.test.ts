import { defineDependencies } from 'coherent-cache'
import { defineJournal } from 'coherent-cache/journal'
import { describe, expect, test } from 'vitest'
import { NO_CHANGE, readRequest } from '../../src/core/change.ts'
import { bindingColumns, readRecord, writeRecord } from '../../src/sources/journal/record.ts'
import { errorOf } from '../support/caches.ts'

const dependencies = defineDependencies({
  tables: {
    payments: ['payment:{landlordId}:*', 'paid:{day}'],
    moves: { invalidates: ['move:{tenant}:{id}'], bind: { tenant: 'tenant_id' } },
    derived: { invalidates: ['derived:{day}'], bind: ({ at }) => ({ day: String(at) }) },
  },
})
const columnsOf = (table: string) => bindingColumns(dependencies, table)
const written = (request: Parameters<typeof readRequest>[0]) =>
  JSON.parse(writeRecord(readRequest(request), columnsOf) ?? 'null')
const read = (record: object) => readRecord(JSON.stringify(record), dependencies)

test('bindingColumns_areThoseThatCapturesMayBeBoundBy', () => {
  expect(columnsOf('payments')).toEqual(['day', 'landlordId', 'landlord_id'])
  expect(columnsOf('moves')).toEqual(['id', 'tenant_id'])
  expect(columnsOf('derived')).toEqual([])
  expect(columnsOf('unknown')).toEqual([])
})

describe('writeRecord', () => {
  test.each<[string, Parameters<typeof readRequest>[0], unknown]>([
    [
      'rows_byTheColumnsThatBindAndValuesThatMeanTheSameEverywhere',
      {
        table: 'payments',
        operation: 'insert',
        rows: [
          { landlord_id: 7, day: new Date(), secret: 'x' },
          { landlord_id: 2n ** 60n, day: null },
          { landlord_id: 1.5, day: 'x'.repeat(513) },
          { landlord_id: true, day: '2026-11-20' },
        ],
      },
      {
        table: 'payments',
        operation: 'insert',
        rows: [
          { landlord_id: 7 },
          { landlord_id: '1152921504606846976' },
          {},
          { day: '2026-11-20', landlord_id: true },
        ],
      },
    ],
    [
      'rows_thatMoved_bothTheirStates',
      { table: 'moves', rows: [{ before: { tenant_id: 'a', n: 1 }, after: { tenant_id: 'b' } }] },
      { table: 'moves', rows: [{ before: { tenant_id: 'a' }, after: { tenant_id: 'b' } }] },
    ],
    ['rows_ofATableWithAFunction_whole', { table: 'derived', rows: [{ at: '1' }] }, { table: 'derived' }],
    ['rows_tooMany_whole', { table: 'moves', rows: Array(101).fill({ id: 1 }) }, { table: 'moves' }],
    ['truncate_whole', { table: 'moves', operation: 'truncate', rows: [{ id: 1 }] }, { table: 'moves' }],
  ])('%s', (_, request, expected) => {
    expect(written(request)).toEqual({ v: 1, tables: [expected] })
  })

  test('writes_ofOneTable_areTakenTogether', () => {
    const insert = (id: number) => ({ table: 'moves', operation: 'insert' as const, rows: [{ id }] })
    expect(written([insert(1), insert(2)]).tables).toEqual([
      { table: 'moves', operation: 'insert', rows: [{ id: 1 }, { id: 2 }] },
    ])
    expect(written([insert(1), { table: 'moves' }]).tables).toEqual([{ table: 'moves' }])
  })

  test('changes_ofNothing_areNoRecord', () => {
    expect(writeRecord(NO_CHANGE, columnsOf)).toBeUndefined()
    expect(writeRecord(readRequest({ table: 'moves', rows: [] }), columnsOf)).toBeUndefined()
  })

  test('record_thatWouldBeLong_namesTables', () => {
    const rows = Array.from({ length: 100 }, () => ({ tenant_id: 'x'.repeat(500), id: 'y'.repeat(500) }))
    expect(written([{ table: 'moves', rows }, { keys: ['a'] }])).toEqual({
      v: 1,
      tables: [{ table: 'moves' }],
      keys: ['a'],
    })
  })
})

describe('readRecord', () => {
  test.each<[string, object, unknown]>([
    ['everything', { v: 1, everything: true }, 'everything'],
    [
      'images_areWholeStates_whateverTheOperation',
      { v: 1, tables: [{ table: 'moves', operation: 'update', typed: false, images: [{ id: '1' }] }] },
      [{ table: 'moves', operation: 'insert', rows: [{ id: '1' }] }],
    ],
    [
      'rows_forAFunctionThatTheyWereNotMadeFor_areNotBelieved',
      { v: 1, tables: [{ table: 'derived', operation: 'insert', rows: [{ day: '1' }] }] },
      [{ table: 'derived' }],
    ],
    [
      'images_forAFunction_areHandedToIt',
      { v: 1, tables: [{ table: 'derived', operation: 'delete', typed: true, images: [{ at: 1 }] }] },
      [{ table: 'derived', operation: 'insert', rows: [{ at: 1 }] }],
    ],
    [
      'images_madeForAFunctionThatIsNone_areNotBelieved',
      { v: 1, tables: [{ table: 'moves', operation: 'insert', typed: true, images: [{ id: 7 }] }] },
      [{ table: 'moves' }],
    ],
    [
      'keysPatternsScopes',
      { v: 1, keys: ['a', 'b'], patterns: ['c*'], scopes: [['x', '1']] },
      [{ keys: ['a', 'b'] }, { pattern: 'c*' }, { scope: { x: '1' } }],
    ],
  ])('%s', (_, record, expected) => {
    expect(read(record)).toEqual(expected)
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"v":2}',
    '{"v":1}',
    '{"v":1,"tables":{}}',
    '{"v":1,"tables":[null]}',
    '{"v":1,"tables":[{"table":"t","operation":"eat"}]}',
  ])('text %j_isNoRecord', (text) => {
    expect(() => readRecord(text, dependencies)).toThrow(errorOf('INVALID_ARGUMENT') as never)
  })
})

describe('migrations', () => {
  const journal = defineJournal({ dependencies, triggers: ['payments'] })

  test('files_forEachTool_haveTheirPlacesAndBothWays', () => {
    const files = (tool: Parameters<typeof journal.migrations>[0]) => journal.migrations(tool, { id: '001' })
    expect(files('sql').map(({ path }) => path)).toEqual([
      '001_coherent_cache_journal.up.sql',
      '001_coherent_cache_journal.down.sql',
    ])
    expect(files('sql').map(({ text }) => text)).toEqual([journal.up, journal.down])
    const [one] = files('node-pg-migrate')
    expect(one?.text.split('-- Down Migration\n')).toEqual([`-- Up Migration\n${journal.up}\n`, journal.down])
    expect(files('prisma').map(({ path }) => path)).toEqual([
      '001_coherent_cache_journal/migration.sql',
      '001_coherent_cache_journal/down.sql',
    ])
  })

  test('fileForKnex_isAModuleThatSendsTheSameSql', async () => {
    const [file] = journal.migrations('knex', { id: '001' })
    const module = await import(`data:text/javascript,${encodeURIComponent(file?.text ?? '')}`)
    const raw = (sql: string) => sql.replaceAll('\\?', '?')
    expect(module.up({ raw })).toBe(journal.up)
    expect(module.down({ raw })).toBe(journal.down)
  })

  test('tool_orId_thatCannotBe_isRefused', () => {
    expect(() => journal.migrations('liquibase' as never)).toThrow(errorOf('INVALID_ARGUMENT') as never)
    expect(() => journal.migrations('sql', { id: '../1' })).toThrow(errorOf('INVALID_ARGUMENT') as never)
  })

  test.each([
    { dependencies: undefined as never },
    { dependencies, name: 'journal' },
    { dependencies, name: 'coherent_cache_journal; DROP' },
    { dependencies, schema: 'a.b' },
    { dependencies, triggers: [7] as never },
    { dependencies, colums: {} } as never,
  ])('options %j_areRefused', (options) => {
    expect(() => defineJournal(options)).toThrow(errorOf('INVALID_OPTION') as never)
  })
})
