import { digest } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'

/** What digest takes, without what it holds to be equal on purpose. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), tie('any'), { maxKeys: 4 }),
  ),
})).any

/** The same value with its properties in another order. */
function reordered(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(reordered)
  if (typeof given !== 'object' || given === null || given instanceof Date) return given
  return Object.fromEntries(
    Object.entries(given)
      .reverse()
      .map(([name, property]) => [name, reordered(property)]),
  )
}

describe('equal values', () => {
  test('digest_otherPropertyOrder_isTheSame', () => {
    fc.assert(fc.property(value, (one) => digest(one) === digest(reordered(one))))
  })

  test('digest_undefinedProperty_countsAsAbsent', () => {
    expect(digest({ a: 1, b: undefined })).toBe(digest({ a: 1 }))
  })

  test('digest_minusZero_isZero', () => {
    expect(digest(-0)).toBe(digest(0))
  })

  test('digest_nullPrototype_isPlain', () => {
    expect(digest(Object.assign(Object.create(null), { a: 1 }))).toBe(digest({ a: 1 }))
  })

  test('digest_sameObjectTwice_isNoCircle', () => {
    const shared = { a: 1 }
    expect(digest([shared, shared])).toBe(digest([{ a: 1 }, { a: 1 }]))
  })
})

describe('different values', () => {
  test('digest_differentValues_differ', () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        fc.pre(!isEqual(one, other))
        expect(digest(one)).not.toBe(digest(other))
      }),
    )
  })

  test('digest_lookalikes_differ', () => {
    const lookalikes = [
      1,
      1n,
      '1',
      '1n',
      true,
      'true',
      null,
      'null',
      undefined,
      'undefined',
      '',
      [],
      {},
      [[]],
      [undefined],
      [null],
      ['a', 'b'],
      ['a,b'],
      ['a","b'],
      { a: 1, b: 2 },
      { 'a":1,"b': 2 },
      new Date(0),
      'Date(1970-01-01T00:00:00.000Z)',
      '1970-01-01T00:00:00.000Z',
      '\ud800',
      '\\ud800',
      '\udc00',
    ]
    expect(new Set(lookalikes.map(digest)).size).toBe(lookalikes.length)
  })

  test('digest_holeInAnArray_countsAsUndefined', () => {
    const holes = new Array(1)
    expect(digest(holes)).toBe(digest([undefined]))
    expect(digest(holes)).not.toBe(digest([]))
  })
})

test('digest_form_needsNoEscapingInKeys', () => {
  fc.assert(fc.property(value, (one) => /^[A-Za-z0-9_-]{22}$/.test(digest(one))))
})

test.each([
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['function', () => 1],
  ['symbol', Symbol('a')],
  ['class instance', new (class Filter {})()],
  ['Map', new Map()],
  ['boxed', Object('a')],
  ['invalid date', new Date(Number.NaN)],
  ['nested', { filter: [{ at: Number.NaN }] }],
])('digest_%s_refused', (_, given) => {
  expect(() => digest(given)).toThrow(errorOf('INVALID_PARAMETER') as Error)
})

test('digest_circle_refused', () => {
  const circle: { self?: unknown } = {}
  circle.self = [circle]
  expect(() => digest(circle)).toThrow(errorOf('INVALID_PARAMETER') as Error)
})

function isEqual(one: unknown, other: unknown): boolean {
  try {
    expect(one).toEqual(other)
    return true
  } catch {
    return false
  }
}
