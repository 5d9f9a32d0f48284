import { randomBytes } from 'node:crypto'
import {
  type Codec,
  type CodecContext,
  compressed,
  encrypted,
  jsonCodec,
  msgpackrCodec,
  superjsonCodec,
  v8Codec,
} from 'coherent-cache/codecs'
import fc from 'fast-check'
import * as msgpackr from 'msgpackr'
import superjson from 'superjson'

export const CONTEXT: CodecContext = { cache: 'test', family: 'report', version: 1, key: 'report:7' }

const keys = { a: randomBytes(32), b: randomBytes(32) }

/** Every codec there is, bare and wrapped. */
export const codecs: readonly Codec[] = [
  jsonCodec,
  v8Codec,
  msgpackrCodec(msgpackr),
  superjsonCodec(superjson),
  compressed(jsonCodec, { threshold: 0 }),
  compressed(v8Codec, { algorithm: 'deflate', threshold: 16 }),
  encrypted(jsonCodec, { keys, current: 'a' }),
  encrypted(compressed(msgpackrCodec(msgpackr), { threshold: 0 }), { keys, current: 'b' }),
]

/** Anything that a loader might return. */
export const anything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    withBoxedValues: true,
    withUnicodeString: true,
    key: fc.oneof(
      fc.string(),
      fc.constantFrom('__proto__', 'constructor', '$', 'a.b', 'length', 'toJSON', ''),
    ),
  }),
  fc.string({ unit: 'binary' }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array().map((bytes) => ({ bytes: Uint8Array.from(bytes).buffer })),
  fc.array(fc.record({ id: fc.integer(), at: fc.date({ noInvalidDate: true }), name: fc.string() })),
  fc.bigInt().map((amount) => new Map([[amount, new Set([amount, -amount])]])),
)
