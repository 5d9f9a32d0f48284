import { inspect, isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { anything, CONTEXT, codecs } from './codecs.ts'

/** Two invalid dates are not equal to Node's own comparison, so that it cannot judge them. */
const holdsInvalidDate = (value: unknown) =>
  inspect(value, { depth: Number.POSITIVE_INFINITY }).includes('Invalid Date')

describe.each(codecs.map((codec) => [codec.name, codec] as const))('%s', (_, codec) => {
  const through = async (value: unknown) =>
    codec.decode(Buffer.from(await codec.encode(value, CONTEXT)), CONTEXT)

  test('anything_isGivenBackAsItWas_orRefused', async () => {
    let kept = 0
    await fc.assert(
      fc.asyncProperty(anything, async (given) => {
        fc.pre(!holdsInvalidDate(given))
        let bytes: Uint8Array
        try {
          bytes = await codec.encode(given, CONTEXT)
        } catch (error) {
          expect(error).toEqual(errorOf('INVALID_VALUE'))
          return
        }
        kept++
        const back = await codec.decode(bytes, CONTEXT)
        if (!isDeepStrictEqual(back, given)) expect(inspect(back)).toBe(inspect(given))
        expect(isDeepStrictEqual(back, given)).toBe(true)
      }),
      { numRuns: 600 },
    )
    expect(kept).toBeGreaterThan(100)
  })

  test('plainDataOfEveryKind_isKept', async () => {
    const report = {
      at: new Date(1_795_132_800_123),
      byDay: new Map([['2026-11-20', { total: 12n, rows: [1, 2.5, null, undefined, true] }]]),
      tags: new Set(['a', 'é', '₹', '']),
      bytes: Uint8Array.of(1, 2, 3),
      text: 'é₹'.repeat(2_000),
    }
    expect(isDeepStrictEqual(await through(report), report)).toBe(true)
    for (const value of [undefined, null, 0, '', false, [], {}, 7n])
      expect(await through(value)).toStrictEqual(value)
  })

  test('anInvalidDate_isKept_orRefused', async () => {
    const back = await through({ at: new Date(Number.NaN) }).catch((error) => error)
    if (back instanceof Error) expect(back).toEqual(errorOf('INVALID_VALUE'))
    else expect((back as { at: Date }).at.getTime()).toBeNaN()
  })

  test('binaryData_hasBytesOfItsOwn', async () => {
    const whole = await codec.encode({ bytes: Uint8Array.of(1, 2, 3) }, CONTEXT)
    // As it comes from a client: a view into a larger piece of the connection's.
    const larger = new Uint8Array(whole.length + 100)
    larger.set(whole, 51)
    const { bytes } = (await codec.decode(larger.subarray(51, 51 + whole.length), CONTEXT)) as {
      bytes: Uint8Array
    }
    larger.fill(0)
    expect(bytes).toStrictEqual(Uint8Array.of(1, 2, 3))
    expect(bytes.buffer.byteLength).toBeLessThan(larger.length)
  })

  class Money {
    cents = 1
  }
  const circle: { self?: unknown } = {}
  circle.self = circle
  test.each([
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['an instance of a class', new Money()],
    ['a class that extends a kept one', new (class Stamps extends Map {})()],
    ['a circle', circle],
    ['a hole', new Array(2)],
    ['an array with a property', Object.assign([1], { total: 1 })],
    ['a Date with a property', Object.assign(new Date(0), { zone: 'UTC' })],
    [
      'a getter',
      {
        get a() {
          return 1
        },
      },
    ],
    ['a symbol property', { [Symbol('a')]: 1 }],
    ['an error', new Error('no')],
    ['a regular expression', /a/g],
    ['a promise', Promise.resolve(1)],
    ['a weak map', new WeakMap()],
    ['a resizable buffer', resizable()],
    ['a view of a resizable buffer', new Uint8Array(resizable())],
  ])('%s is refused', async (_, value) => {
    await expect(through({ nested: [value] })).rejects.toEqual(errorOf('INVALID_VALUE', /nested/))
  })
})

function resizable(): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
  return new Resizable(4, { maxByteLength: 8 })
}
