import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeEntry,
  encodeEntry,
  fingerprint,
  fingerprintHead,
  type StoredEntry,
  TOKEN_LENGTH,
} from '../../src/core/entry.ts'
import { patternStamp, ROOT, scopeStamp } from '../../src/core/stamp.ts'

const stamps = [
  ROOT,
  'report:daily:{orgId}:*',
  patternStamp('report:daily:{orgId}:*', ['7']),
  scopeStamp('currency', 'USD'),
]
const tokens = ['AAAAAAAAAAAAAAA0', 'AAAAAAAAAAAAAAA1', 'AAAAAAAAAAAAAAA2', 'AAAAAAAAAAAAAAA3']

const entry: StoredEntry = {
  fingerprint: fingerprint(fingerprintHead(stamps), 'epoch-0123456789', tokens),
  loadedAt: 1_795_132_800_123,
  lifetimeMs: 30_000,
  etag: 'etag-0123456789_',
  version: 2,
  codec: 1,
  payload: Buffer.from('\u0000{"revenue":100,"currency":"₹"}'),
}

describe('format 1', () => {
  // Other processes and other releases read these bytes: a change here is a new format number and a new file.
  const golden = readFileSync(new URL('../golden/entry-1.bin', import.meta.url))

  test('encode_fixedEntry_givesTheFrozenBytes', () => {
    expect(Buffer.from(encodeEntry(entry)).toString('hex')).toBe(golden.toString('hex'))
  })

  test('decode_frozenBytes_giveTheEntry', () => {
    const decoded = decodeEntry(golden)
    expect(decoded).toEqual({ ...entry, payload: expect.anything() })
    expect(Buffer.from((decoded as StoredEntry).payload).equals(entry.payload)).toBe(true)
  })

  test('fingerprint_head_isFrozen', () => {
    expect(fingerprintHead(stamps)).toBe(golden.toString('latin1', 0, 5 + TOKEN_LENGTH))
    expect(fingerprintHead(stamps)).toMatch(/^CC104[A-Za-z0-9_-]{16}$/)
    expect(fingerprintHead([...stamps].reverse())).not.toBe(fingerprintHead(stamps))
  })
})

describe('encode and decode', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9_-]{16}$/)

  test('entry_any_isGivenBack', () => {
    const any = fc.record({
      tokens: fc.array(token, { maxLength: 255 }),
      epoch: token,
      loadedAt: fc.double({ noNaN: true, noDefaultInfinity: true }),
      lifetimeMs: fc.double({ min: 0, noNaN: true }),
      etag: token,
      version: fc.nat({ max: 2 ** 32 - 1 }),
      codec: fc.integer({ min: 0, max: 255 }),
      payload: fc.uint8Array({ maxLength: 200 }),
    })
    fc.assert(
      fc.property(any, ({ tokens, epoch, ...rest }) => {
        const head = fingerprintHead(tokens.map((_, at) => `stamp${at}`))
        const given = { ...rest, fingerprint: fingerprint(head, epoch, tokens) }
        const decoded = decodeEntry(encodeEntry(given)) as StoredEntry
        expect({ ...decoded, payload: Uint8Array.from(decoded.payload) }).toEqual(given)
      }),
    )
  })

  test('decode_anyBytes_neverThrows', () => {
    const bytes = encodeEntry(entry)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          fc.uint8Array({ maxLength: 300 }).map((tail) => Buffer.concat([Buffer.from('CC1'), tail])),
          fc.nat({ max: bytes.length }).map((length) => bytes.subarray(0, length)),
          fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
            const broken = Uint8Array.from(bytes)
            broken[at] = byte
            return broken
          }),
        ),
        (given) => {
          const decoded = decodeEntry(given)
          expect(['string', 'object']).toContain(typeof decoded)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['nothing', '', 'too short for an entry'],
    ['other text', '{"revenue":100}', 'not an entry'],
    ['a later format', 'CC2xxxxxxxx', 'format 2 instead of 1'],
    ['a broken count', 'CC1zz', 'an unreadable number of tokens'],
    ['its head alone', 'CC104xxxxxx', 'cut short'],
  ])('decode_%s_saysWhatIsWrong', (_, text, problem) => {
    expect(decodeEntry(Buffer.from(text))).toBe(problem)
  })

  test('decode_brokenTimes_saysSo', () => {
    for (const wrong of [{ loadedAt: Number.NaN }, { lifetimeMs: -1 }, { lifetimeMs: Number.NaN }])
      expect(decodeEntry(encodeEntry({ ...entry, ...wrong }))).toBe('unreadable times')
  })

  test('decode_viewIntoALargerBuffer_readsTheViewAlone', () => {
    const bytes = encodeEntry(entry)
    const larger = Buffer.concat([Buffer.alloc(13, 0xff), bytes, Buffer.alloc(7, 0xff)])
    const decoded = decodeEntry(
      new Uint8Array(larger.buffer, larger.byteOffset + 13, bytes.length),
    ) as StoredEntry
    expect(Buffer.from(decoded.payload).equals(entry.payload)).toBe(true)
  })

  test('fingerprint_moreThan255Stamps_refused', () => {
    expect(() => fingerprintHead(Array.from({ length: 256 }, (_, at) => `s${at}`))).toThrow(RangeError)
  })
})
