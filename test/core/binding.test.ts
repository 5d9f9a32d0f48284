import { defineDependencies, defineKeys, type RowChange, type TableDefinition } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { encodeParameter } from '../../src/core/encoding.ts'
import { patternStamp } from '../../src/core/stamp.ts'
import { countingLoader, openCache } from '../support/caches.ts'

/** The stamps that one write rotates, as the receipt names them. */
async function rotated(
  // biome-ignore lint/suspicious/noExplicitAny: rows of any shape
  table: readonly string[] | TableDefinition<any>,
  change: { rows?: readonly RowChange[]; operation?: 'insert' | 'update' | 'upsert' | 'delete' | 'truncate' },
): Promise<readonly string[]> {
  const { cache } = openCache({
    dependencies: defineDependencies({ tables: { t: table as readonly string[] } }),
  })
  const receipt = await cache.invalidate({ table: 't', ...change })
  expect(receipt.status).toBe('applied')
  return [...receipt.stamps].sort()
}

const PAIR = ['p:{orgId}:{date}']
const insert = (...rows: RowChange[]) => ({ operation: 'insert' as const, rows })

describe('what binds by itself', () => {
  test.each([
    ['integer', 7, '7'],
    ['zero', 0, '0'],
    ['minus zero', -0, '0'],
    ['negative', -7, '-7'],
    ['bigint', 12345678901234567890n, '12345678901234567890'],
    ['integer as text', '7', '7'],
    ['long integer as text', '12345678901234567890', '12345678901234567890'],
    ['text', 'USD', 'USD'],
    ['text to be escaped', 'a:b*{c}', 'a%3Ab%2A%7Bc%7D'],
    ['empty text', '', '%_'],
    ['date as text', '2026-11-20', '2026-11-20'],
    ['uuid', '018f3b1e-0000-7000-8000-000000000000', '018f3b1e-0000-7000-8000-000000000000'],
  ])('bind_%s_asKeysSpellIt', async (_, value, spelled) => {
    expect(await rotated(PAIR, insert({ orgId: value, date: 'd' }))).toEqual([
      `p:{orgId}:{date}|${spelled}:d`,
    ])
    expect(encodeParameter(value, 'x')).toBe(spelled)
  })

  test.each([
    [true, 1],
    [false, 0],
    [1, true],
    [0, false],
    ['false', 0n],
    [true, '1'],
  ])('bind_aKeyOf%s_byARowOf%s_whicheverTheDatabaseReturns', async (parameter, column) => {
    const keys = defineKeys({ flag: 'flag:{archived}' })
    const dependencies = defineDependencies({
      tables: { flags: ['flag:{archived}'] },
      scopes: ['archived'],
    })
    const { cache } = openCache({ dependencies, keys })
    const { load } = countingLoader()
    const [key, other] = [keys.flag({ archived: parameter }), keys.flag({ archived: 7 })]
    expect([await cache.get(key, load), await cache.get(other, load)]).toEqual([1, 2])
    await cache.invalidate({ table: 'flags', operation: 'insert', rows: [{ archived: column }] })
    expect([await cache.get(key, load), await cache.get(other, load)]).toEqual([3, 2])
    await cache.invalidate({ scope: { archived: column } })
    expect([await cache.get(key, load), await cache.get(other, load)]).toEqual([4, 2])
  })

  test.each([
    ['null', null],
    ['undefined', undefined],
    ['Date', new Date('2026-11-20')],
    ['numeric text', '7.00'],
    ['exponent', '1e3'],
    ['hexadecimal', '0x10'],
    ['leading zeros', '007'],
    ['leading plus', '+7'],
    ['minus zero as text', '-0'],
    ['float', 7.5],
    ['unsafe integer', 2 ** 53],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['padded text', 'USD   '],
    ['leading space', ' USD'],
    ['time as text', '2026-11-20 00:00:00'],
    ['ISO time as text', '2026-11-20T00:00:00.000Z'],
    ['object', { a: 1 }],
    ['array', [7]],
    ['Buffer', Buffer.from('7')],
    ['symbol', Symbol('7')],
    ['too long', 'a'.repeat(513)],
  ])('bind_%s_countsAsUnbound', async (_, value) => {
    expect(await rotated(PAIR, insert({ orgId: value, date: 'd' }))).toEqual(['p:{orgId}:{date}'])
    expect(await rotated(PAIR, insert({ orgId: 7, date: value }))).toEqual(['p:{orgId}:{date}|7'])
  })

  test('bind_anyTextOrInteger_isSpelledAsKeysSpellIt_orUnbound', async () => {
    const { cache } = openCache({ dependencies: defineDependencies({ tables: { t: ['p:{id}'] } }) })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.bigInt(), fc.double(), fc.boolean()),
        async (id) => {
          const { stamps } = await cache.invalidate({ table: 't', ...insert({ id }) })
          expect([
            'p:{id}',
            ...(spellable(id) ? [patternStamp('p:{id}', [encodeParameter(id, 'id')])] : []),
          ]).toContain(stamps[0])
          expect(stamps).toHaveLength(1)
        },
      ),
      { numRuns: 300 },
    )
  })

  const spellable = (id: unknown) => typeof id !== 'number' || Number.isFinite(id)
})

describe('columns', () => {
  test('bind_column_inCamelCaseOrSnakeCase_orAsDeclared', async () => {
    const expected = ['p:{orgId}:{date}|7:d']
    expect(await rotated(PAIR, insert({ orgId: 7, date: 'd' }))).toEqual(expected)
    expect(await rotated(PAIR, insert({ org_id: 7, date: 'd' }))).toEqual(expected)
    const declared = { invalidates: PAIR, bind: { orgId: 'organisation' } }
    expect(await rotated(declared, insert({ organisation: 7, date: 'd' }))).toEqual(expected)
  })

  test('bind_declaredColumn_missing_isNotTakenFromElsewhere', async () => {
    const declared = { invalidates: PAIR, bind: { orgId: 'organisation' } }
    expect(await rotated(declared, insert({ orgId: 7, date: 'd' }))).toEqual(['p:{orgId}:{date}'])
  })

  test('bind_onlyALeadingRun_counts', async () => {
    expect(await rotated(PAIR, insert({ date: 'd' }))).toEqual(['p:{orgId}:{date}'])
    expect(await rotated(PAIR, insert({ orgId: 7 }))).toEqual(['p:{orgId}:{date}|7'])
  })

  test('bind_inheritedProperty_isNoColumn', async () => {
    expect(await rotated(['p:{constructor}'], insert({ a: 1 }))).toEqual(['p:{constructor}'])
    expect(
      await rotated({ invalidates: ['p:{constructor}'], bind: {} }, insert({ constructor: 'x' })),
    ).toEqual(['p:{constructor}|x'])
  })

  test('bind_severalRows_rotateEachScopeOnce', async () => {
    const rows = [
      { orgId: 1, date: 'd' },
      { orgId: 1, date: 'd' },
      { orgId: 2, date: 'd' },
    ]
    expect(await rotated(PAIR, insert(...rows))).toEqual(['p:{orgId}:{date}|1:d', 'p:{orgId}:{date}|2:d'])
  })

  test('bind_shallowerScope_coversDeeperOnes', async () => {
    const rows = [{ orgId: 1, date: 'd' }, { orgId: 1 }, { orgId: 12, date: 'd' }]
    expect(await rotated(PAIR, insert(...rows))).toEqual(['p:{orgId}:{date}|1', 'p:{orgId}:{date}|12:d'])
    expect(await rotated(PAIR, insert(...rows, {}))).toEqual(['p:{orgId}:{date}'])
  })
})

describe('operations', () => {
  const row = { orgId: 7, date: 'd' }
  const all = ['p:{orgId}:{date}']

  test.each(['insert', 'delete'] as const)('bind_%s_itsRowIsAllThereIs', async (operation) => {
    expect(await rotated(PAIR, { operation, rows: [row] })).toEqual(['p:{orgId}:{date}|7:d'])
  })

  test.each(['update', 'upsert', undefined] as const)(
    'bind_%s_withoutBefore_bindsNothing',
    async (operation) => {
      const change = operation === undefined ? { rows: [row] } : { operation, rows: [row] }
      expect(await rotated(PAIR, change)).toEqual(all)
    },
  )

  test('bind_update_withoutBefore_bindsStableColumns', async () => {
    const change = { operation: 'update' as const, rows: [{ org_id: 7, date: 'd' }] }
    expect(await rotated({ invalidates: PAIR, stable: ['org_id'] }, change)).toEqual(['p:{orgId}:{date}|7'])
    expect(await rotated({ invalidates: PAIR, stable: ['orgId'] }, change)).toEqual(['p:{orgId}:{date}|7'])
    expect(await rotated({ invalidates: PAIR, stable: ['date'] }, change)).toEqual(all)
    expect(await rotated({ invalidates: PAIR, stable: ['orgId', 'date'] }, change)).toEqual([
      'p:{orgId}:{date}|7:d',
    ])
  })

  test.each(['update', 'upsert', undefined] as const)(
    'bind_%s_withBeforeAndAfter_rotatesBoth',
    async (operation) => {
      const rows = [{ before: row, after: { orgId: 8, date: 'd' } }]
      const change = operation === undefined ? { rows } : { operation, rows }
      expect(await rotated(PAIR, change)).toEqual(['p:{orgId}:{date}|7:d', 'p:{orgId}:{date}|8:d'])
    },
  )

  test('bind_oneImageAlone_isCompleteOnlyWhereTheOperationSaysSo', async () => {
    expect(await rotated(PAIR, { operation: 'insert', rows: [{ after: row }] })).toEqual([
      'p:{orgId}:{date}|7:d',
    ])
    expect(await rotated(PAIR, { operation: 'delete', rows: [{ before: row }] })).toEqual([
      'p:{orgId}:{date}|7:d',
    ])
    expect(await rotated(PAIR, { operation: 'update', rows: [{ after: row }] })).toEqual(all)
    expect(await rotated(PAIR, { operation: 'update', rows: [{ before: row }] })).toEqual(all)
    expect(await rotated(PAIR, { operation: 'insert', rows: [{ before: row }] })).toEqual(all)
    expect(await rotated(PAIR, { operation: 'delete', rows: [{ after: row }] })).toEqual(all)
    expect(await rotated(PAIR, { rows: [{ after: row }] })).toEqual(all)
  })

  test.each([null, undefined])('bind_imageThatIs_%s_isNotThere', async (none) => {
    // As change streams write a deleted row.
    const deleted = { operation: 'delete' as const, rows: [{ before: row, after: none }] as RowChange[] }
    expect(await rotated(PAIR, deleted)).toEqual(['p:{orgId}:{date}|7:d'])
    const inserted = { operation: 'insert' as const, rows: [{ before: none, after: row }] as RowChange[] }
    expect(await rotated(PAIR, inserted)).toEqual(['p:{orgId}:{date}|7:d'])
  })

  test('bind_rowWithColumnsNamedBeforeAndAfter_isARow', async () => {
    const table = ['p:{before}']
    expect(await rotated(table, insert({ before: 'x', after: 'y' }))).toEqual(['p:{before}|x'])
    expect(await rotated(table, insert({ before: 'x', after: 'y', id: 1 }))).toEqual(['p:{before}|x'])
  })

  test('bind_truncate_orNoRows_isTheWholeTable', async () => {
    expect(await rotated(PAIR, { operation: 'truncate', rows: [row] })).toEqual(all)
    expect(await rotated(PAIR, { operation: 'insert' })).toEqual(all)
    expect(await rotated(PAIR, {})).toEqual(all)
  })
})

test('bind_emptyListOfRows_saysThatNoRowWasWritten', async () => {
  expect(await rotated(PAIR, { operation: 'update', rows: [] })).toEqual([])
})

describe('bind functions', () => {
  test('bind_function_itsWordIsTaken_evenForTypesThatBindNothingByThemselves', async () => {
    const table = { invalidates: ['p:{id}'], bind: (row: { at: string }) => ({ id: row.at }) }
    expect(await rotated(table, insert({ at: '7.00' }))).toEqual(['p:{id}|7.00'])
  })

  test.each([
    ['null', { id: null }],
    ['undefined', { id: undefined }],
    ['NaN', { id: Number.NaN }],
    ['Date', { id: new Date() }],
    ['too long', { id: 'a'.repeat(513) }],
    ['nothing', {}],
    ['no object', null],
    ['text', 'abc'],
    ['other capture', { other: 1 }],
  ])('bind_function_answering_%s_leavesOpen', async (_, answer) => {
    expect(await rotated({ invalidates: ['p:{id}'], bind: () => answer as never }, insert({}))).toEqual([
      'p:{id}',
    ])
  })

  test('bind_function_mayAnswerSeveral', async () => {
    const table = {
      invalidates: ['p:{id}'],
      bind: (row: { ids: number[] }) => row.ids.map((id) => ({ id })),
    }
    expect(await rotated(table, insert({ ids: [1, 2] }, { ids: [2, 3] }))).toEqual([
      'p:{id}|1',
      'p:{id}|2',
      'p:{id}|3',
    ])
  })

  test('bind_function_answeringNone_leavesOpen_ratherThanInvalidatingNothing', async () => {
    // A query inside bind that finds no row any more must not make the write invisible.
    expect(await rotated({ invalidates: ['p:{id}'], bind: () => [] }, insert({ a: 1 }))).toEqual(['p:{id}'])
  })

  test('bind_function_mayBeAsynchronous_andIsGivenTheTransaction', async () => {
    const bind = vi.fn(async (_row: unknown, tx: { owner: (id: number) => Promise<number> }) => ({
      id: await tx.owner(1),
    }))
    const { cache } = openCache({
      dependencies: defineDependencies({ tables: { t: { invalidates: ['p:{id}'], bind } } }),
    })
    const unit = cache.unitOfWork()
    unit.write('t', { operation: 'insert', rows: [{ a: 1 }] })
    const tx = { owner: async () => 42 }
    await unit.prepare(tx)
    expect(bind).toHaveBeenCalledExactlyOnceWith({ a: 1 }, tx)
    expect((await unit.commit()).stamps).toEqual(['p:{id}|42'])
  })

  test('bind_function_ofAnUpdate_bindsOnlyStableCaptures', async () => {
    const bind = (row: { org: number; day: string }) => ({ orgId: row.org, date: row.day })
    const change = { operation: 'update' as const, rows: [{ org: 7, day: 'd' }] }
    expect(await rotated({ invalidates: PAIR, bind }, change)).toEqual(['p:{orgId}:{date}'])
    expect(await rotated({ invalidates: PAIR, bind, stable: ['orgId'] }, change)).toEqual([
      'p:{orgId}:{date}|7',
    ])
  })

  test('bind_function_isCalledOncePerImage', async () => {
    const bind = vi.fn((row: { id: number }) => ({ id: row.id }))
    const table = { invalidates: ['p:{id}', 'q:{id}'], bind }
    const rows = [{ before: { id: 1 }, after: { id: 2 } }]
    expect(await rotated(table, { rows })).toEqual(['p:{id}|1', 'p:{id}|2', 'q:{id}|1', 'q:{id}|2'])
    expect(bind.mock.calls.map(([row]) => row)).toEqual([{ id: 1 }, { id: 2 }])
  })

  test.each([
    [
      'throwing',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejecting', () => Promise.reject(new Error('broken'))],
    [
      'answering a getter that throws',
      () => ({
        get id(): number {
          throw new Error('broken')
        },
      }),
    ],
  ])('bind_function_%s_countsTheWholeTable_andTells', async (_, bind) => {
    const { cache } = openCache({
      dependencies: defineDependencies({
        tables: { t: { invalidates: ['p:{id}'], bind: bind as () => { id: number } }, u: ['q:{id}'] },
      }),
    })
    const told = vi.fn()
    cache.on('bindError', told)
    const receipt = await cache.invalidate({ table: 't', ...insert({ id: 1 }) })
    expect(receipt).toMatchObject({ status: 'applied', stamps: ['p:{id}'] })
    expect(told).toHaveBeenCalledExactlyOnceWith({ table: 't', error: new Error('broken') })
  })
})

describe('many', () => {
  const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }))

  test('bind_aThousandRows_eachItsScope_oneMore_theWholeTable', async () => {
    expect(await rotated(['p:{id}'], insert(...rows(1_000)))).toHaveLength(1_000)
    expect(await rotated(['p:{id}'], insert(...rows(1_001)))).toEqual(['p:{id}'])
  })

  test('bind_moreThanAThousandScopesOfOneRow_theWholeTable', async () => {
    const bind = () => rows(1_001)
    expect(await rotated({ invalidates: ['p:{id}'], bind }, insert({}))).toEqual(['p:{id}'])
  })
})

describe('several at once', () => {
  test('bind_bothNamesPresent_theCapturesOwnNameWins', async () => {
    expect(await rotated(['p:{orgId}'], insert({ orgId: 1, org_id: 2 }))).toEqual(['p:{orgId}|1'])
  })

  test('bind_rowsChangedAfterTheyWereHandedOver_bindAsTheyWere', async () => {
    const { cache } = openCache({ dependencies: defineDependencies({ tables: { t: ['p:{id}'] } }) })
    const row = { id: 1 }
    const rows: { id: number }[] = [row]
    const unit = cache.unitOfWork()
    unit.write('t', { operation: 'insert', rows })
    const moved = { before: { id: 5 }, after: { id: 6 } }
    unit.write('t', { operation: 'update', rows: [moved] })
    row.id = 2
    rows.pop()
    moved.before.id = 7
    expect([...(await unit.commit()).stamps].sort()).toEqual(['p:{id}|1', 'p:{id}|5', 'p:{id}|6'])
  })
})
