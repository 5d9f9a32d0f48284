import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32, crc32ByTable, withChecksum, withoutChecksum } from '../../src/stores/redis/checksum.ts'

const bytes = fc.uint8Array({ maxLength: 200 })

describe('checksum', () => {
  test('crc32_knownTexts_giveTheKnownSums', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })

  test('crc32_any_isTheSame_withAndWithoutNode', () => {
    fc.assert(fc.property(bytes, (any) => crc32(any) === crc32ByTable(any)))
  })

  test('entry_any_comesBack', () => {
    fc.assert(
      fc.property(bytes, (any) => {
        expect(Buffer.from(withoutChecksum(withChecksum(any))).equals(any)).toBe(true)
      }),
    )
  })

  test('entry_changedOrCutShortOrLengthened_isEmpty', () => {
    const damage = fc.oneof(
      fc.record({ flip: fc.nat(), by: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ cut: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ more: fc.uint8Array({ minLength: 1, maxLength: 3 }) }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), damage, (any, how) => {
        const whole = Buffer.from(withChecksum(any))
        let stored = whole
        if ('flip' in how) {
          const at = how.flip % whole.length
          whole[at] = (whole[at] as number) ^ how.by
        } else if ('cut' in how) stored = whole.subarray(0, Math.max(0, whole.length - how.cut))
        else stored = Buffer.concat([whole, how.more])
        expect(withoutChecksum(stored)).toHaveLength(0)
      }),
      { numRuns: 3_000 },
    )
  })
})
