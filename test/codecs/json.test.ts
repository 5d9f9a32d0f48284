import { inspect, isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonCodec } from '../../src/codecs/json.ts'
import { errorOf } from '../support/caches.ts'

const through = (value: unknown) => jsonCodec.decode(jsonCodec.encode(value))

const names = fc.constantFrom('a', 'b', '$', '__proto__', 'constructor', 'toJSON', 'length', '', 'é', '1')

/** Everything the codec promises to keep, nested in everything that holds things. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.integer(),
    fc.constantFrom(undefined, null, true, false, -0, Number.NaN, '\ud800', '', '$', '__proto__'),
    fc.bigInt(),
    fc.date(),
    fc.uint8Array(),
    fc.float64Array(),
    fc.bigInt64Array(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes).buffer),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('any'), { maxLength: 3 }).map((items) => new Set(items)),
    fc
      .array(fc.tuple(fc.oneof(names, fc.string({ unit: 'grapheme' })), tie('any')), { maxLength: 4 })
      .map((pairs) => objectOf(pairs, Object.prototype)),
    fc.array(fc.tuple(names, tie('any')), { maxLength: 3 }).map((pairs) => objectOf(pairs, null)),
  ),
})).any

/** An object with own properties of any name, `__proto__` included. */
function objectOf(pairs: readonly (readonly [string, unknown])[], prototype: object | null): object {
  const made: object = Object.create(prototype)
  for (const [name, property] of pairs)
    Object.defineProperty(made, name, {
      value: property,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return made
}

/** Two invalid dates are not equal to Node's own comparison, so that it cannot judge them. */
const holdsInvalidDate = (value: unknown) =>
  inspect(value, { depth: Number.POSITIVE_INFINITY }).includes('Invalid Date')

describe('exactness', () => {
  test('json_any_isGivenBackAsItWas', () => {
    fc.assert(
      fc.property(value, (given) => {
        fc.pre(!holdsInvalidDate(given))
        expect(isDeepStrictEqual(through(given), given)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test('json_arbitraryObjects_areGivenBack_orRefused', () => {
    const withEverything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
      withUnicodeString: true,
    })
    fc.assert(
      fc.property(withEverything, (given) => {
        fc.pre(!holdsInvalidDate(given))
        let bytes: Uint8Array
        try {
          bytes = jsonCodec.encode(given)
        } catch (error) {
          expect(error).toEqual(errorOf('INVALID_VALUE'))
          return
        }
        expect(isDeepStrictEqual(jsonCodec.decode(bytes), given)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test('json_propertyOrder_isKept', () => {
    const given = { z: 1, a: 2, m: undefined, '2': 1, '1': 2 }
    expect(Object.keys(through(given) as object)).toEqual(Object.keys(given))
  })

  test('json_viewIntoALargerBuffer_keepsTheViewAlone', () => {
    const larger = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
    expect(through(larger.subarray(2, 4))).toStrictEqual(Uint8Array.from([3, 4]))
    expect(through(new Uint16Array(larger.buffer, 2, 2))).toStrictEqual(Uint16Array.from([0x0403, 0x0605]))
  })

  test('json_bytes_areAViewThatMayBeUnaligned', () => {
    const bytes = jsonCodec.encode({ at: new Date(0), list: new Float64Array([1.5]) })
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    expect(jsonCodec.decode(shifted.subarray(3))).toStrictEqual({
      at: new Date(0),
      list: new Float64Array([1.5]),
    })
  })

  test('json_longTextWithALoneSurrogate_isGivenBack', () => {
    const text = `\ud800${'é'.repeat(300_000)}`
    expect(through(text)).toBe(text)
  })

  test('json_prototypesOfPlainValues_areTheirOwn', () => {
    expect(Object.getPrototypeOf(through({ a: undefined }))).toBe(Object.prototype)
    expect(Object.getPrototypeOf(through(Object.create(null)))).toBeNull()
    expect(through(Buffer.from('a'))).toBeInstanceOf(Buffer)
    expect(through(Uint8Array.of(1))).not.toBeInstanceOf(Buffer)
  })
})

describe('refused', () => {
  class Money {
    amount = 1
  }
  const circle: { self?: unknown } = {}
  circle.self = circle
  const extra = Object.assign([1, 2], { total: 3 })
  const holeAndExtra = Object.assign(new Array(2), { 1: 'b', total: 3 })

  test.each([
    ['function', () => 1],
    ['symbol', Symbol('a')],
    ['symbol property', { [Symbol('a')]: 1 }],
    ['symbol property of an array', Object.assign([1], { [Symbol('a')]: 1 })],
    ['class instance', new Money()],
    ['nested class instance', { deep: [new Map([[1, new Money()]])] }],
    ['Error', new Error('a')],
    ['RegExp', /a/],
    ['URL', new URL('http://localhost')],
    ['Promise', Promise.resolve(1)],
    ['WeakMap', new WeakMap()],
    ['DataView', new DataView(new ArrayBuffer(1))],
    ['SharedArrayBuffer', new SharedArrayBuffer(1)],
    ['boxed', Object(1)],
    ['subclass of Date', new (class extends Date {})()],
    ['subclass of Array', new (class extends Array {})()],
    ['subclass of Map', new (class extends Map {})()],
    ['circle', circle],
    [
      'circle through a Map',
      (() => {
        const map = new Map()
        map.set('self', map)
        return map
      })(),
    ],
    ['sparse array', new Array(3)],
    ['array with a property', extra],
    ['array with a hole and a property', holeAndExtra],
    [
      'getter',
      {
        get a() {
          return 1
        },
      },
    ],
    [
      'getter beside what JSON has not',
      {
        a: undefined,
        get b() {
          return 1
        },
      },
    ],
    ['hidden property', Object.defineProperty({}, 'a', { value: 1, enumerable: false })],
    ['property name with a lone surrogate', { '\ud800': 1 }],
    ['Date with a property', Object.assign(new Date(0), { note: 1 })],
    ['Map with a property', Object.assign(new Map(), { note: 1 })],
    ['Set with a property', Object.assign(new Set(), { note: 1 })],
    ['toJSON method', { toJSON: () => 5 }],
  ])('json_%s_refused', (_, given) => {
    expect(() => jsonCodec.encode(given)).toThrow(errorOf('INVALID_VALUE') as Error)
    expect(() => jsonCodec.encode({ nested: [given] })).toThrow(errorOf('INVALID_VALUE') as Error)
  })

  test('json_refusal_namesThePlace', () => {
    expect(() => jsonCodec.encode({ rows: [{ ok: 1 }, { bad: () => 1 }] })).toThrow(
      errorOf('INVALID_VALUE', /^value\.rows\[1\]\.bad is a function/) as Error,
    )
  })
})

describe('bytes of others', () => {
  test('decode_anyBytes_givesAValueOrThrows_andPollutesNothing', () => {
    const kinds = [
      'string',
      'number',
      'bigint',
      'date',
      'map',
      'set',
      'bytes',
      'null',
      'object',
      'constructor',
      '__proto__',
    ]
    const json = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(1, 'a', null, true, '__proto__', 'polluted'),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.tuple(fc.constantFrom(...kinds), tie('any'), tie('any')).map((marked) => ({ $: marked })),
        fc
          .array(fc.tuple(names, tie('any')), { maxLength: 3 })
          .map((pairs) => objectOf(pairs, Object.prototype)),
      ),
    })).any
    const before = Object.getOwnPropertyNames(Object.prototype)
    fc.assert(
      fc.property(fc.constantFrom(0, 1), json, (form, given) => {
        const bytes = Buffer.from(`${String.fromCharCode(form)}${JSON.stringify(given)}`)
        try {
          jsonCodec.decode(bytes)
        } catch {
          // What it did not make may be refused in any way.
        }
        expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  test.each(['\u0000', '\u0001', '\u0002{}', '{}', '', '\u0000{', '\u0001{"$":5}', '\u0001{"$":["what"]}'])(
    'decode_%j_refused',
    (text) => {
      expect(() => jsonCodec.decode(Buffer.from(text))).toThrow()
    },
  )

  test('decode_protoInPlainJson_isAnOwnProperty_andNoPrototype', () => {
    const decoded = jsonCodec.decode(Buffer.from('\u0000{"__proto__":{"polluted":1}}')) as {
      polluted?: unknown
    }
    expect(decoded.polluted).toBeUndefined()
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
  })
})
