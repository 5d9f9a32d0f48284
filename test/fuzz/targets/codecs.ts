import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import * as msgpackr from 'msgpackr'
import superjson from 'superjson'
import { compressed } from '../../../src/codecs/compressed.ts'
import { encrypted } from '../../../src/codecs/encrypted.ts'
import { jsonCodec } from '../../../src/codecs/json.ts'
import { msgpackrCodec } from '../../../src/codecs/msgpackr.ts'
import { superjsonCodec } from '../../../src/codecs/superjson.ts'
import { v8Codec } from '../../../src/codecs/v8.ts'
import type { Codec, CodecContext } from '../../../src/core/codec.ts'
import { damagedBytes } from '../damage.ts'
import { checked, type FuzzTarget, type HardInput, must } from '../target.ts'

const PLACE: CodecContext = { cache: 'shop', family: 'report', version: 1, key: 'report:7' }
const LONGEST = 1_048_576

const value = fc.oneof(
  fc.record({
    id: fc.integer(),
    name: fc.string(),
    at: fc.date({ noInvalidDate: true }),
    total: fc.bigInt(),
  }),
  fc.array(fc.record({ id: fc.nat(), tags: fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }) }), {
    maxLength: 4,
  }),
  fc.dictionary(fc.string({ maxLength: 4 }), fc.oneof(fc.nat(), fc.string()), { maxKeys: 4 }),
  fc.array(fc.tuple(fc.string(), fc.nat()), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  fc.uint8Array({ maxLength: 24 }),
)

const WORDS = [
  '\u0000',
  '\u0001',
  '\u0002',
  '\u00ff',
  '\u00ff\u00ff\u00ff\u00ff',
  '__proto__',
  'constructor',
  '{"',
  '"meta":',
]

/** Any bytes: a value, or an exception that the reader takes for a miss; never more, and never longer than allowed. */
function target(
  name: string,
  codec: Codec,
  wrong: string,
  authentic: boolean,
  hard: FuzzTarget['hard'],
): FuzzTarget {
  const encoded = value.chain((one) =>
    fc.constant(one).map((given) => {
      try {
        return Buffer.from(codec.encode(given, PLACE) as Uint8Array)
      } catch {
        // What it refuses to keep is no sample.
        return Buffer.from(codec.encode(0, PLACE) as Uint8Array)
      }
    }),
  )
  return {
    name,
    parses: `values of the ${codec.name} codec`,
    wrong: `a value that differs from one reading to the next; a changed prototype${wrong}`,
    property: checked(damagedBytes(encoded, WORDS), async ({ valid, damaged }) => {
      const [first, second] = [await read(codec, damaged), await read(codec, Buffer.from(damaged))]
      must(Object.keys(Object.prototype).length === 0, 'Object.prototype has got properties')
      must('value' in first === 'value' in second, 'read once, and once not')
      const same = 'error' in first || isDeepStrictEqual(first, second) || holdsNaN(first)
      must(same, 'another value each time')
      if (damaged.equals(valid)) must('value' in first, 'what was written cannot be read')
      else if (authentic) must('error' in first, 'damaged bytes were taken for a value')
    }),
    hard,
  }
}

async function read(codec: Codec, bytes: Buffer): Promise<{ value: unknown } | { error: unknown }> {
  try {
    return { value: await codec.decode(bytes, PLACE) }
  } catch (error) {
    must(error instanceof Error, 'something is thrown that is no error')
    return { error }
  }
}

/** Invalid dates, which are never equal to one another. */
function holdsNaN(found: object): boolean {
  return isDeepStrictEqual(Buffer.from(v8(found)), Buffer.from(v8(found)))
}

function v8(found: object): Uint8Array {
  try {
    return v8Codec.encode('value' in found ? found.value : 0)
  } catch {
    return new Uint8Array()
  }
}

const alike: (codec: Codec) => HardInput = (codec) => (length) => {
  const bytes = codec.encode(
    Array.from({ length: Math.ceil(length / 16) }, (_, id) => ({ id, name: 'a' })),
    PLACE,
  ) as Uint8Array
  return () => codec.decode(bytes, PLACE)
}
const nested =
  (head: Buffer, piece: number): HardInput =>
  (length) => {
    const bytes = Buffer.concat([head, Buffer.alloc(length, piece)])
    return () => read(msgpack, bytes)
  }

const msgpack = msgpackrCodec(msgpackr)
const small = compressed(jsonCodec, { threshold: 0, maxBytes: LONGEST })
const secret = encrypted(jsonCodec, { keys: { k: randomBytes(32) }, current: 'k' })

/** Every codec but json, which has a target of its own. */
export const codecs: readonly FuzzTarget[] = [
  target('codec-v8', v8Codec, '', false, { 'many objects': alike(v8Codec) }),
  target('codec-msgpackr', msgpack, '', false, {
    'many objects': alike(msgpack),
    'nested arrays': nested(Buffer.alloc(0), 0x91),
  }),
  target('codec-superjson', superjsonCodec(superjson), '', false, {
    'many objects': alike(superjsonCodec(superjson)),
  }),
  target('codec-compressed', small, '', false, {}),
  target('codec-encrypted', secret, '; damaged bytes are taken for a value', true, {
    'many objects': alike(secret),
  }),
]
