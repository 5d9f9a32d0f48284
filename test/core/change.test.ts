import { defineDependencies } from 'coherent-cache'
import { expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { payments: ['pay:*'] } })

test.each([
  [undefined, 'INVALID_ARGUMENT', /names nothing/],
  [null, 'INVALID_ARGUMENT', /names nothing/],
  [{}, 'INVALID_ARGUMENT', /clear\(\) voids everything/],
  [[], 'INVALID_ARGUMENT', /names nothing/],
  ['payments', 'INVALID_ARGUMENT', /names nothing/],
  [{ tabel: 'payments' }, 'INVALID_ARGUMENT', /names nothing/],
  [{ table: '' }, 'INVALID_ARGUMENT', /is not a table's name/],
  [{ table: 5 }, 'INVALID_ARGUMENT', /5 is not a table's name/],
  [{ table: 'payments', row: {} }, 'INVALID_ARGUMENT', /"row" does not go with "table"/],
  [{ table: 'payments', keys: ['a'] }, 'INVALID_ARGUMENT', /does not go with/],
  [{ table: 'payments', tables: ['a'] }, 'INVALID_ARGUMENT', /does not go with/],
  [{ tables: ['payments'], rows: [] }, 'INVALID_ARGUMENT', /does not go with/],
  [{ table: 'payments', rows: {} }, 'INVALID_ARGUMENT', /is not an array of rows/],
  [{ table: 'payments', rows: [5] }, 'INVALID_ARGUMENT', /5 is not a row/],
  [{ table: 'payments', rows: [null] }, 'INVALID_ARGUMENT', /null is not a row/],
  [{ table: 'payments', rows: [[{}]] }, 'INVALID_ARGUMENT', /is not a row/],
  [{ table: 'payments', operation: 'INSERT' }, 'INVALID_OPTION', /"INSERT" is none of "insert"/],
  [{ tables: [] }, 'INVALID_ARGUMENT', /at least one entry/],
  [{ tables: 'payments' }, 'INVALID_ARGUMENT', /at least one entry/],
  [{ tables: ['payments', undefined] }, 'INVALID_ARGUMENT', /not a table's name/],
  [{ keys: [] }, 'INVALID_ARGUMENT', /at least one entry/],
  [{ keys: 'pay:1' }, 'INVALID_ARGUMENT', /at least one entry/],
  [{ keys: ['pay:1', ''] }, 'INVALID_KEY', /is not a key/],
  [{ keys: ['\ud800'] }, 'INVALID_KEY', /lone surrogates/],
  [{ keys: ['a'.repeat(1_025)] }, 'INVALID_KEY', /1 to 1024 characters/],
  [{ keys: [{ id: 1 }] }, 'INVALID_KEY', /is not a key/],
  [{ pattern: null }, 'INVALID_ARGUMENT', /null is not text/],
  [{ scope: {} }, 'INVALID_ARGUMENT', /an empty scope/],
  [{ scope: null }, 'INVALID_ARGUMENT', /is not an object/],
  [{ scope: 'orgId' }, 'INVALID_ARGUMENT', /is not an object/],
] as const)('invalidate_%j_refused_andNothingApplied', async (request, code, message) => {
  const { cache } = openCache({ dependencies })
  await cache.get('pay:1', () => 1)
  await expect(cache.invalidate(request as never)).rejects.toEqual(errorOf(code, message))
  expect(cache.peek('pay:1')).toBe(1)
  expect(cache.stats().invalidations).toBe(0)
  const unit = cache.unitOfWork()
  expect(() => unit.invalidate(request as never)).toThrow(errorOf(code, message) as Error)
  expect((await unit.commit()).stamps).toEqual([])
})

test('invalidate_optionsThatAreUndefined_countAsAbsent', async () => {
  const { cache } = openCache({ dependencies })
  const request = { table: 'payments', rows: undefined, operation: undefined, keys: undefined }
  expect((await cache.invalidate(request as never)).stamps).toEqual(['pay:*'])
})

test.each([[undefined], [null], [''], [5], [{}], ['\udc00'], ['a'.repeat(1_025)]])(
  'get_%j_isNoKey',
  async (key) => {
    const { cache } = openCache()
    const load = () => 1
    await expect(cache.get(key as string, load)).rejects.toEqual(errorOf('INVALID_KEY'))
    await expect(cache.getEntry(key as string, load)).rejects.toEqual(errorOf('INVALID_KEY'))
    await expect(cache.getMany([key as string], () => [1])).rejects.toEqual(errorOf('INVALID_KEY'))
    await expect(cache.mark(key as string)).rejects.toEqual(errorOf('INVALID_KEY'))
    await expect(cache.explain(key as string)).rejects.toEqual(errorOf('INVALID_KEY'))
    expect(cache.peek(key as string)).toBeUndefined()
  },
)
