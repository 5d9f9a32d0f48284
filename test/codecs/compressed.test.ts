import { randomBytes } from 'node:crypto'
import { createCache } from 'coherent-cache'
import { type Codec, compressed, encrypted, jsonCodec } from 'coherent-cache/codecs'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { CONTEXT } from './codecs.ts'

const long = { rows: Array.from({ length: 400 }, (_, id) => ({ id, name: `row ${id}`, note: 'paid' })) }

describe('compressed', () => {
  test.each(['brotli', 'deflate'] as const)('%s_aLongValue_isShorter', async (algorithm) => {
    const codec = compressed(jsonCodec, { algorithm })
    const bytes = await codec.encode(long, CONTEXT)
    expect(bytes.length).toBeLessThan(jsonCodec.encode(long).length / 4)
    expect(await codec.decode(bytes, CONTEXT)).toEqual(long)
  })

  test('aShortValue_isKeptAsItIs', async () => {
    const codec = compressed(jsonCodec)
    const bytes = await codec.encode({ a: 1 }, CONTEXT)
    expect(bytes).toHaveLength(jsonCodec.encode({ a: 1 }).length + 1)
    expect(await codec.decode(bytes, CONTEXT)).toEqual({ a: 1 })
  })

  test('threshold_isTheLengthFromWhichItCompresses', async () => {
    const text = 'a'.repeat(97) // 100 bytes: its form, and two quotation marks
    const { length } = jsonCodec.encode(text)
    const at = await compressed(jsonCodec, { threshold: length }).encode(text, CONTEXT)
    const above = await compressed(jsonCodec, { threshold: length + 1 }).encode(text, CONTEXT)
    expect(at.length).toBeLessThan(length)
    expect(above).toHaveLength(length + 1)
  })

  test('whatDoesNotGetShorter_isKeptAsItIs', async () => {
    const noise: Codec = {
      id: 16,
      name: 'raw',
      encode: (value) => value as Uint8Array,
      decode: (bytes) => bytes,
    }
    const bytes = randomBytes(5_000)
    const codec = compressed(noise, { threshold: 0 })
    const packed = await codec.encode(bytes, CONTEXT)
    expect(packed).toHaveLength(5_001)
    expect(await codec.decode(packed, CONTEXT)).toEqual(bytes)
  })

  test('aVeryLongValue_isCompressedOutsideTheEventLoop', async () => {
    const text = 'abc'.repeat(100_000)
    const codec = compressed(jsonCodec)
    const packing = codec.encode(text, CONTEXT)
    expect(packing).toBeInstanceOf(Promise)
    const unpacking = codec.decode(await packing, CONTEXT)
    expect(unpacking).toBeInstanceOf(Promise)
    expect(await unpacking).toBe(text)
  })

  test('anotherAlgorithmsValues_areRead', async () => {
    const bytes = await compressed(jsonCodec, { algorithm: 'deflate' }).encode(long, CONTEXT)
    expect(await compressed(jsonCodec, { algorithm: 'brotli' }).decode(bytes, CONTEXT)).toEqual(long)
  })

  test('moreThanMaxBytes_isNotDecompressed', async () => {
    const bytes = await compressed(jsonCodec).encode('a'.repeat(1_000_000), CONTEXT)
    expect(bytes.length).toBeLessThan(1_000)
    const careful = compressed(jsonCodec, { maxBytes: 10_000 })
    expect(() => careful.decode(bytes, CONTEXT)).toThrow(errorOf('INVALID_VALUE', /10000 are read/) as never)
  })

  test('aLengthThatIsNotTrue_isRefused', async () => {
    const codec = compressed(jsonCodec)
    const bytes = Buffer.from(await codec.encode('a'.repeat(10_000), CONTEXT))
    for (const length of [0, 1, 9_999, 10_004, 200_000]) {
      bytes.writeUInt32BE(length, 1)
      await expect(async () => codec.decode(bytes, CONTEXT), `${length}`).rejects.toThrow()
    }
  })

  test('zstd_isUsedWhereThisNodeHasIt', async () => {
    const { zstdCompressSync } = (await import('node:zlib')) as { zstdCompressSync?: unknown }
    if (zstdCompressSync === undefined) {
      expect(() => compressed(jsonCodec, { algorithm: 'zstd' })).toThrow(/Node\.js 22\.15/)
      return
    }
    const codec = compressed(jsonCodec, { algorithm: 'zstd' })
    expect(await codec.decode(await codec.encode(long, CONTEXT), CONTEXT)).toEqual(long)
  })

  test('badOptions_areRefused', () => {
    const refused = errorOf('INVALID_OPTION') as never
    expect(() => compressed(jsonCodec, { algorithm: 'lzma' as never })).toThrow(refused)
    expect(() => compressed(jsonCodec, { level: 12 })).toThrow(/above 11/)
    expect(() => compressed(jsonCodec, { threshold: -1 })).toThrow(refused)
    expect(() => compressed(jsonCodec, { treshold: 1 } as never)).toThrow(/Did you mean "threshold"/)
    expect(() => compressed({} as never)).toThrow(/is no codec/)
  })

  test('wrappedTwice_orInTheWrongOrder_isRefused', () => {
    const refused = errorOf('INVALID_OPTION', /encryption outermost/) as never
    const secret = encrypted(jsonCodec, { keys: { a: randomBytes(32) }, current: 'a' })
    expect(() => compressed(compressed(jsonCodec))).toThrow(refused)
    expect(() => compressed(secret)).toThrow(refused)
    expect(() => encrypted(secret, { keys: { a: randomBytes(32) }, current: 'a' })).toThrow(refused)
    expect(() => compressed({ ...jsonCodec, id: 200 })).toThrow(/16 to 31/)
  })

  test('ids_sayHowAValueIsWrapped', () => {
    const options = { keys: { a: randomBytes(32) }, current: 'a' }
    const ids = [
      jsonCodec,
      compressed(jsonCodec),
      encrypted(jsonCodec, options),
      encrypted(compressed(jsonCodec), options),
    ]
    expect(new Set(ids.map(({ id }) => id)).size).toBe(4)
  })

  test('aCodecThatIsNone_isRefusedWhereItIsGiven', () => {
    for (const codec of [
      null,
      {},
      { ...jsonCodec, id: 0 },
      { ...jsonCodec, id: 256 },
      { ...jsonCodec, decode: 1 },
    ])
      expect(() => createCache({ name: 'never', codec: codec as never })).toThrow(/is no codec/)
  })
})
