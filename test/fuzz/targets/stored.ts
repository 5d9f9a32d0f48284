import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { jsonCodec } from '../../../src/codecs/json.ts'
import { decodeEntry, encodeEntry, fingerprint, fingerprintHead } from '../../../src/core/entry.ts'
import { withChecksum, withoutChecksum } from '../../../src/stores/redis/checksum.ts'
import { damagedBytes } from '../damage.ts'
import { checked, type FuzzTarget, must, unlessRefused } from '../target.ts'

const token = fc.stringMatching(/^[A-Za-z0-9_-]{16}$/)
const scalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, Number.NaN, Number.NEGATIVE_INFINITY, '', '$'),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 8 }),
)
/** Values of every kind that the codec keeps. */
const value = fc.oneof(
  { weight: 2, arbitrary: scalar },
  {
    weight: 3,
    arbitrary: fc.oneof(
      fc.array(scalar, { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', '$', '__proto__', 'toJSON', 'constructor', 'é', ''), scalar, {
        maxKeys: 4,
      }),
      fc.array(fc.tuple(scalar, scalar), { maxLength: 3 }).map((pairs) => new Map(pairs)),
      fc.array(scalar, { maxLength: 3 }).map((items) => new Set(items)),
      fc.array(fc.record({ id: fc.integer(), name: fc.string(), tags: fc.array(scalar, { maxLength: 2 }) }), {
        maxLength: 3,
      }),
    ),
  },
)

const DICTIONARY = [
  'CC1',
  'CC2',
  '00',
  'ff',
  '\u0000',
  '\u0001',
  '{"$":[',
  '"bigint"',
  '"map"',
  '"bytes"',
].concat([
  '"Float64Array"',
  '"__proto__"',
  '"undefined"',
  '"date"',
  '"string"',
  'null',
  '1e999',
  '-',
  '"',
  ']',
  '}',
  '[',
  ',',
])

const payload = value.map((one) => Buffer.from(jsonCodec.encode(one)))

const stored = fc
  .record({ payload, tokens: fc.array(token, { maxLength: 5 }), epoch: token, etag: token })
  .map(({ payload, tokens, epoch, etag }) => {
    const names = tokens.map((_, at) => `stamp${at}`)
    const entry = encodeEntry({
      fingerprint: fingerprint(fingerprintHead(names), epoch, tokens),
      loadedAt: 1_795_132_800_123,
      lifetimeMs: 30_000,
      etag,
      version: 1,
      codec: jsonCodec.id,
      payload,
    })
    return Buffer.from(withChecksum(entry))
  })

function unpolluted(): void {
  must(Object.keys(Object.prototype).length === 0, 'Object.prototype has got properties')
}

const large = (length: number) => Buffer.alloc(length, 0x5b)

/** Values as they stand in Redis, checksum and all. */
export const entries: FuzzTarget = {
  name: 'entries',
  parses: 'stored values with their checksum',
  wrong: 'bytes other than those written are taken for an entry',
  property: checked(damagedBytes(stored, DICTIONARY), ({ valid, damaged }) => {
    const read = decodeEntry(withoutChecksum(damaged))
    if (damaged.equals(valid)) must(typeof read === 'object', 'what was written cannot be read')
    else must(typeof read === 'string', 'damaged bytes were taken for an entry')
  }),
  hard: {
    'a long payload': (length) => {
      const bytes = withChecksum(large(length))
      return () => decodeEntry(withoutChecksum(bytes))
    },
  },
}

/** Entries without a checksum, as a store in this process keeps them. */
export const bareEntries: FuzzTarget = {
  name: 'bare-entries',
  parses: 'entries without a checksum',
  wrong: 'an entry that, written again, is other bytes',
  property: checked(
    damagedBytes(
      stored.map((bytes) => Buffer.from(withoutChecksum(bytes))),
      DICTIONARY,
    ),
    ({ damaged }) => {
      const read = decodeEntry(damaged)
      if (typeof read === 'string') return
      must(read.lifetimeMs >= 0 && Number.isFinite(read.loadedAt), 'times that are none')
      must(Buffer.from(encodeEntry(read)).equals(damaged), 'an entry that says other than its bytes')
    },
  ),
  hard: {},
}

/** Payloads. The reader takes any exception for a value that cannot be read. */
export const payloads: FuzzTarget = {
  name: 'payloads',
  parses: 'payloads of the json codec',
  wrong: 'a value that is not given back as it was; another one each time; a changed prototype',
  property: checked(fc.tuple(value, damagedBytes(payload, DICTIONARY)), ([one, { damaged }]) => {
    const bytes = jsonCodec.encode(one)
    must(isDeepStrictEqual(jsonCodec.decode(bytes), one), 'a value is not given back as it was')
    const read = decoded(damaged)
    unpolluted()
    if (read === undefined) return
    // What damaged bytes are read as is a value like any other: what the codec keeps, it keeps for good.
    const again = unlessRefused(['INVALID_VALUE'], () => jsonCodec.encode(read.value))
    if (again === undefined) return
    const once = Buffer.from(jsonCodec.encode(jsonCodec.decode(again)))
    must(once.equals(again), 'a value changes from one fill to the next')
  }),
  hard: {
    'a long text': (length) => {
      const bytes = jsonCodec.encode('x'.repeat(length))
      return () => jsonCodec.decode(bytes)
    },
    'a text that is no text': (length) => {
      const bytes = jsonCodec.encode('\ud800'.repeat(length / 8))
      return () => jsonCodec.decode(bytes)
    },
    'a wide object': (length) => {
      const wide = Object.fromEntries(Array.from({ length: length / 8 }, (_, at) => [`n${at}`, -0]))
      return () => jsonCodec.decode(jsonCodec.encode(wide))
    },
    brackets: (length) => {
      const bytes = Buffer.concat([Buffer.of(1), large(length)])
      return () => decoded(bytes)
    },
    'tags in tags': (length) => {
      const depth = Math.floor(length / 14)
      const bytes = Buffer.from(`\u0001${'{"$":["set",['.repeat(depth)}${']]}'.repeat(depth)}`)
      return () => decoded(bytes)
    },
  },
}

function decoded(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: jsonCodec.decode(bytes) }
  } catch {
    return undefined
  }
}
