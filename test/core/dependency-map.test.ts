import { defineDependencies, defineKeys } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, errorOf, openCache } from '../support/caches.ts'

const dependencies = defineDependencies({
  scopes: ['orgId', 'currency'],
  tables: {
    revenues: ['report:daily:{orgId}:{date}', 'totals*'],
    hedges: ['capacity:{entityId}:{currency}', '*exposure*'],
    positions: ['nav:*'],
    quiet: [],
    v_available: ['available:{currency}'],
  },
  views: { v_available: ['hedges', 'v_nav'], v_nav: ['positions'], v_other: ['positions'] },
})

async function rotated(request: Parameters<ReturnType<typeof open>['invalidate']>[0]) {
  return [...(await open().invalidate(request)).stamps].sort()
}
const open = () => openCache({ dependencies }).cache

describe('tables', () => {
  test('invalidate_table_rotatesEveryPatternOfIt', async () => {
    expect(await rotated({ table: 'revenues' })).toEqual(['report:daily:{orgId}:{date}', 'totals*'])
    expect(await rotated({ tables: ['revenues', 'quiet', 'revenues'] })).toEqual([
      'report:daily:{orgId}:{date}',
      'totals*',
    ])
    expect(await rotated({ table: 'quiet' })).toEqual([])
  })

  test('invalidate_rows_narrowOnlyPatternsWithCaptures', async () => {
    expect(
      await rotated({ table: 'revenues', operation: 'insert', rows: [{ org_id: 7, date: '2026-11-20' }] }),
    ).toEqual(['report:daily:{orgId}:{date}|7:2026-11-20', 'totals*'])
  })
})

describe('views', () => {
  test('invalidate_baseTable_reachesViewsOverIt_throughOtherViewsToo', async () => {
    expect(await rotated({ table: 'positions' })).toEqual(['available:{currency}', 'nav:*'])
    expect(await rotated({ table: 'hedges' })).toEqual([
      '*exposure*',
      'available:{currency}',
      'capacity:{entityId}:{currency}',
    ])
  })

  test('invalidate_rowsOfABase_sayNothingOfTheView', async () => {
    const rows = [{ entity_id: 1, currency: 'USD' }]
    expect(await rotated({ table: 'hedges', operation: 'insert', rows })).toEqual([
      '*exposure*',
      'available:{currency}',
      'capacity:{entityId}:{currency}|1:USD',
    ])
  })

  test('invalidate_view_standsForItsTables_andForOtherViewsOverThem', async () => {
    expect(await rotated({ table: 'v_nav' })).toEqual(['available:{currency}', 'nav:*'])
    expect(await rotated({ table: 'v_available' })).toEqual([
      '*exposure*',
      'available:{currency}',
      'capacity:{entityId}:{currency}',
      'nav:*',
    ])
  })

  test('invalidate_patternReachedBothWays_goesWithoutRows', async () => {
    const map = defineDependencies({
      tables: { base: ['shared:{id}'], v: ['shared:{id}'] },
      views: { v: ['base'] },
    })
    const { cache } = openCache({ dependencies: map })
    const rows = [{ id: 1 }]
    expect((await cache.invalidate({ table: 'base', operation: 'insert', rows })).stamps).toEqual([
      'shared:{id}',
    ])
    expect((await cache.invalidate({ table: 'v', operation: 'insert', rows })).stamps).toEqual([
      'shared:{id}',
    ])
  })
})

describe('scopes', () => {
  test('invalidate_scope_reachesKeysThatBindIt_byParameterOrCapture', async () => {
    const keys = defineKeys({ report: 'report:daily:{orgId}:{date}', other: 'other:{id}' })
    const { cache } = openCache({ keys, dependencies })
    const loader = countingLoader()
    const all = [
      keys.report({ orgId: 7, date: 'd' }),
      keys.report({ orgId: 70, date: 'd' }),
      keys.other({ id: 7 }),
      'capacity:1:USD',
      'capacity:1:EUR',
    ]
    for (const key of all) await cache.get(key, loader.load)
    const held = () => all.filter((key) => cache.peek(key) !== undefined)
    await cache.invalidate({ scope: { orgId: 7 } })
    expect(held()).toEqual(all.slice(1))
    await cache.invalidate({ scope: { currency: 'USD' } })
    expect(held()).toEqual([all[1], all[2], all[4]])
  })

  test('invalidate_severalScopes_each', async () => {
    expect(await rotated({ scope: { orgId: 7n, currency: 'a:b' } })).toEqual(['|currency=a%3Ab', '|orgId=7'])
  })

  test('invalidate_badScope_refused_andNothingApplied', async () => {
    const cache = open()
    await cache.get('report:daily:7:d', () => 1)
    await expect(cache.invalidate({ scope: { orgId: 7, country: 'IN' } } as never)).rejects.toEqual(
      errorOf('UNKNOWN_SCOPE', /"country" is no scope of the map, which has orgId, currency/),
    )
    await expect(cache.invalidate({ scope: { orgId: null } } as never)).rejects.toEqual(
      errorOf('INVALID_PARAMETER'),
    )
    await expect(cache.invalidate({ scope: { orgId: undefined } } as never)).rejects.toEqual(
      errorOf('INVALID_PARAMETER'),
    )
    expect(cache.peek('report:daily:7:d')).toBe(1)
    expect(cache.stats().invalidations).toBe(0)
  })

  test('invalidate_scopeOfAMapWithoutAny_refused', async () => {
    const { cache } = openCache()
    await expect(cache.invalidate({ scope: { orgId: 7 } })).rejects.toEqual(errorOf('UNKNOWN_SCOPE'))
  })
})

describe('patterns', () => {
  test('invalidate_patternOfTheMap_rotatesItsStamp', async () => {
    expect(await rotated({ pattern: 'nav:*' })).toEqual(['nav:*'])
    expect(await rotated({ pattern: 'nav:***' })).toEqual(['nav:*'])
    expect(await rotated({ pattern: 'report:daily:{orgId}:{date}' })).toEqual(['report:daily:{orgId}:{date}'])
  })

  test('invalidate_patternOfNobody_dropsWhatMatches_andNothingElse', async () => {
    const cache = open()
    for (const key of ['nav:1', 'nav:2', 'other']) await cache.get(key, () => key)
    const receipt = await cache.invalidate({ pattern: 'nav:1*' })
    expect(receipt).toMatchObject({ status: 'applied', stamps: [], keys: [] })
    expect(['nav:1', 'nav:2', 'other'].map((key) => cache.peek(key))).toEqual([undefined, 'nav:2', 'other'])
  })

  test('invalidate_badPattern_refused', async () => {
    await expect(rotated({ pattern: '' })).rejects.toEqual(errorOf('INVALID_PATTERN'))
    await expect(rotated({ pattern: 'a b' })).rejects.toEqual(errorOf('INVALID_PATTERN'))
    await expect(rotated({ pattern: 'unknown:{id}' })).rejects.toEqual(
      errorOf('INVALID_PATTERN', /has captures but stands in no table/),
    )
    await expect(rotated({ pattern: 5 } as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
  })
})

describe('everything', () => {
  test('clear_voidsKeysOfEveryKind_thoseOfNoPatternToo', async () => {
    const cache = open()
    for (const key of ['nav:1', 'raw', 'report:daily:7:d']) await cache.get(key, () => key)
    expect((await cache.clear()).stamps).toEqual(['|'])
    expect(cache.stats().entries).toBe(0)
    expect(cache.peek('raw')).toBeUndefined()
  })

  test('clear_withMore_isNoMore', async () => {
    const cache = open()
    const unit = cache.unitOfWork()
    unit.write('revenues')
    unit.invalidate({ scope: { orgId: 7 } })
    expect((await unit.commit()).stamps).toHaveLength(3)
  })
})

describe('a change and the keys it must reach', () => {
  const keys = defineKeys({
    report: 'report:daily:{orgId}:{date}',
    capacity: 'capacity:{entityId}:{currency}',
  })
  const value = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('1', '', 'a:b', '*', '%31', '\ud800', 'é', '1.0', '01'),
  )

  test('invalidate_row_reachesItsOwnKey_whateverTheValues', async () => {
    const { cache } = openCache({ keys, dependencies })
    await fc.assert(
      fc.asyncProperty(value, value, value, value, async (orgId, date, otherOrg, otherDate) => {
        const key = keys.report({ orgId, date })
        const other = keys.report({ orgId: otherOrg, date: otherDate })
        await cache.get(key, () => 1)
        await cache.get(other, () => 1)
        const rows = [{ org_id: orgId, date }]
        const { stamps } = await cache.invalidate({ table: 'revenues', operation: 'insert', rows })
        expect(cache.peek(key)).toBeUndefined()
        // Narrow where the row binds all: nobody else's key is touched.
        if (stamps.some((name) => name.split(':').length === 5 && name.includes('|')) && other !== key)
          expect(cache.peek(other)).toBe(1)
      }),
      { numRuns: 300 },
    )
  })
})

test('invalidate_unknownTable_isTold_orRefused', async () => {
  const { cache } = openCache({ dependencies })
  const told = vi.fn()
  cache.on('unknownTable', told)
  expect(await cache.invalidate({ tables: ['revenues', 'nobody'] })).toMatchObject({ status: 'applied' })
  expect(told).toHaveBeenCalledExactlyOnceWith({ table: 'nobody' })
  expect((await cache.invalidate({ tables: ['revenues', 'nobody'] })).unknownTables).toEqual(['nobody'])
  expect((await cache.invalidate({ tables: ['revenues'] })).unknownTables).toEqual([])
  expect((await cache.clear()).unknownTables).toEqual([])
  expect((await cache.unitOfWork().commit()).unknownTables).toEqual([])
  const unit = cache.unitOfWork()
  unit.write('nobody')
  unit.write('nobody_else')
  expect((await unit.commit()).unknownTables).toEqual(['nobody', 'nobody_else'])

  const { cache: strict } = openCache({ dependencies, unknownTables: 'error' })
  await strict.get('totals', () => 1)
  await expect(strict.invalidate({ tables: ['revenues', 'nobody'] })).rejects.toEqual(
    errorOf('UNKNOWN_TABLE', /"nobody"/),
  )
  expect(strict.peek('totals')).toBe(1)
  expect(() => strict.unitOfWork().write('nobody')).toThrow(errorOf('UNKNOWN_TABLE') as Error)
  expect(() => strict.unitOfWork().invalidate({ table: 'nobody' })).toThrow(errorOf('UNKNOWN_TABLE') as Error)
  await expect(strict.invalidate({ table: 'public.Revenues' })).rejects.toEqual(
    errorOf('UNKNOWN_TABLE', /Did you mean "revenues"\?/),
  )
  await expect(strict.invalidate({ table: 'v_nav' })).resolves.toMatchObject({ status: 'applied' })
})
