import { createSecretKey, randomBytes } from 'node:crypto'
import { compressed, encrypted, jsonCodec } from 'coherent-cache/codecs'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { CONTEXT } from './codecs.ts'

const keys = { old: randomBytes(32), new: randomBytes(32) }
const codec = encrypted(jsonCodec, { keys, current: 'new' })
const value = { salary: 4_711_000, name: 'Asha' }
const sealed = () => codec.encode(value, CONTEXT) as Uint8Array
const unreadable = errorOf('INVALID_VALUE') as never

describe('encrypted', () => {
  test('nothingOfTheValue_isSeen', () => {
    const text = Buffer.from(sealed()).toString('latin1')
    expect(text).not.toContain('salary')
    expect(text).not.toContain('4711000')
    expect(text).toContain('new')
  })

  test('theSameValueTwice_isDifferentBytes', () => {
    expect(Buffer.from(sealed()).equals(Buffer.from(sealed()))).toBe(false)
  })

  test.each([
    ['another key', { key: 'report:8' }],
    ['another family', { family: 'payslip' }],
    ['no family', { family: undefined }],
    ['another cache', { cache: 'other' }],
    ['another version of the shape', { version: 2 }],
  ])('inThePlaceOf_%s_itIsNotRead', (_, place) => {
    expect(codec.decode(sealed(), CONTEXT)).toEqual(value)
    expect(() => codec.decode(sealed(), { ...CONTEXT, ...place })).toThrow(unreadable)
  })

  test('partsThatWouldReadAlikeTogether_areToldApart', () => {
    const one = codec.encode(value, { ...CONTEXT, cache: 'a', family: 'b","c' }) as Uint8Array
    expect(() => codec.decode(one, { ...CONTEXT, cache: 'a","b', family: 'c' })).toThrow(unreadable)
  })

  test('ofAnotherWrappedCodec_itIsNotRead', () => {
    const other = encrypted(compressed(jsonCodec), { keys, current: 'new' })
    expect(() => other.decode(sealed(), CONTEXT)).toThrow(unreadable)
  })

  test('everyBit_isAuthenticated', () => {
    const bytes = Buffer.from(sealed())
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [0, 7]) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] as number) ^ (1 << bit)
        expect(() => codec.decode(changed, CONTEXT), `byte ${at}`).toThrow(unreadable)
      }
    }
  })

  test('cutAnywhere_itIsRefused', () => {
    const bytes = sealed()
    for (let length = 0; length < bytes.length; length++)
      expect(() => codec.decode(bytes.subarray(0, length), CONTEXT), `${length}`).toThrow(unreadable)
  })

  test('rotation_valuesOfTheOldKey_areReadUntilItIsLeftOut', () => {
    const before = encrypted(jsonCodec, { keys: { old: keys.old }, current: 'old' })
    const bytes = before.encode(value, CONTEXT) as Uint8Array
    expect(codec.decode(bytes, CONTEXT)).toEqual(value)
    const after = encrypted(jsonCodec, { keys: { new: keys.new }, current: 'new' })
    expect(() => after.decode(bytes, CONTEXT)).toThrow(/the key "old", which is not among those given/)
  })

  test('options_changedByTheirOwnerLater_changeNothing', () => {
    const options = { keys, current: 'old' }
    const mine = encrypted(jsonCodec, options)
    options.current = 'new'
    const bytes = mine.encode(value, CONTEXT) as Uint8Array
    expect(mine.decode(bytes, CONTEXT)).toEqual(value)
    expect(encrypted(jsonCodec, { keys: { old: keys.old }, current: 'old' }).decode(bytes, CONTEXT)).toEqual(
      value,
    )
  })

  test('anotherKeyOfTheSameId_readsNothing', () => {
    const stranger = encrypted(jsonCodec, { keys: { new: randomBytes(32) }, current: 'new' })
    expect(() => stranger.decode(sealed(), CONTEXT)).toThrow(unreadable)
  })

  test('keyObjects_areKeysToo', () => {
    const byObject = encrypted(jsonCodec, { keys: { new: createSecretKey(keys.new) }, current: 'new' })
    expect(byObject.decode(sealed(), CONTEXT)).toEqual(value)
  })

  test('badKeys_areRefused_andNeverShown', () => {
    const secret = Buffer.from('secret-secret-secret')
    for (const options of [
      { keys: { a: secret }, current: 'a' },
      { keys: { a: keys.new }, current: 'b' },
      { keys: { 'a b': keys.new }, current: 'a b' },
      { keys: {}, current: 'a' },
      { keys: { a: 'text' }, current: 'a' },
      {},
      undefined,
    ]) {
      const attempt = () => encrypted(jsonCodec, options as never)
      expect(attempt).toThrow(errorOf('INVALID_OPTION') as never)
      expect(attempt).not.toThrow(/secret-|115/)
    }
  })
})
