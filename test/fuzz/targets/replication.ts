import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { parseLsn, readFrame, statusUpdate, writeLsn } from '../../../src/sources/cdc/frames.ts'
import { type Message, type Relation, readMessage, type Tuple } from '../../../src/sources/cdc/pgoutput.ts'
import { TransactionChanges } from '../../../src/sources/cdc/transaction-changes.ts'
import { damagedBytes } from '../damage.ts'
import { checked, type FuzzTarget, must, unlessRefused } from '../target.ts'

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const int16 = (value: number) => int32(value).subarray(2)
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
const text = (value: string) => Buffer.from(`${value}\0`)
const join = (...parts: readonly (Buffer | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))

function tupleBytes(tuple: Tuple): Buffer {
  const values = tuple.map((value) => {
    if (value === null) return Buffer.from('n')
    if (value === undefined) return Buffer.from('u')
    const bytes = Buffer.from(value)
    return join('t', int32(bytes.length), bytes)
  })
  return join(int16(tuple.length), ...values)
}

/** A message as PostgreSQL writes it. */
function bytesOf(message: Message): Buffer {
  switch (message.kind) {
    case 'begin':
      return join('B', int64(message.final), int64(1n), int32(7))
    case 'commit':
      return join('C', '\0', int64(1n), int64(message.end), int64(2n))
    case 'relation': {
      const { id, schema, name, columns } = message.relation
      const all = columns.map((one) =>
        join(one.key ? '\x01' : '\0', text(one.name), int32(one.type), int32(0)),
      )
      return join('R', int32(id), text(schema), text(name), 'd', int16(columns.length), ...all)
    }
    case 'insert':
      return join('I', int32(message.relation), 'N', tupleBytes(message.after))
    case 'update': {
      const { relation, before, after } = message
      const old = before === undefined ? '' : join(before.whole ? 'O' : 'K', tupleBytes(before.tuple))
      return join('U', int32(relation), old, 'N', tupleBytes(after))
    }
    case 'delete': {
      const { relation, before } = message
      return join('D', int32(relation), before.whole ? 'O' : 'K', tupleBytes(before.tuple))
    }
    case 'truncate':
      return join('T', int32(message.relations.length), '\0', ...message.relations.map(int32))
    default:
      return Buffer.from('Mwhatever')
  }
}

const name = fc.oneof(
  fc.constantFrom('id', '__proto__', 'constructor', 'before', 'after', 'é'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).filter((one) => !one.includes('\0')),
)
const value = fc.option(fc.option(fc.string({ unit: 'grapheme', maxLength: 8 }), { nil: undefined }), {
  nil: null,
})
const tuple = fc.array(value, { maxLength: 4 })
const image = fc.record({ whole: fc.boolean(), tuple })
const relationId = fc.constantFrom(1, 2, 0xffff_ffff)
const lsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
const relation: fc.Arbitrary<Relation> = fc.record({
  id: relationId,
  schema: name,
  name,
  columns: fc.array(fc.record({ name, key: fc.boolean(), type: fc.constantFrom(16, 23, 25, 1700) }), {
    maxLength: 4,
  }),
})
const message: fc.Arbitrary<Message> = fc.oneof(
  lsn.map((final) => ({ kind: 'begin' as const, final })),
  lsn.map((end) => ({ kind: 'commit' as const, end })),
  relation.map((one) => ({ kind: 'relation' as const, relation: one })),
  fc.record({ kind: fc.constant('insert' as const), relation: relationId, after: tuple }),
  fc.record({
    kind: fc.constant('update' as const),
    relation: relationId,
    before: fc.option(image, { nil: undefined }),
    after: tuple,
  }),
  fc.record({ kind: fc.constant('delete' as const), relation: relationId, before: image }),
  fc.array(relationId, { maxLength: 3 }).map((relations) => ({ kind: 'truncate' as const, relations })),
  fc.constant({ kind: 'other' as const }),
)

const messages = fc.array(message, { minLength: 1, maxLength: 6 })
const DICTIONARY = [
  '\0',
  '\xff\xff\xff\xff',
  '\0\0\0\x01',
  'N',
  'K',
  'O',
  't',
  'n',
  'u',
  'R',
  'I',
  'U',
  'D',
  'T',
]
const reading = {
  parse: (_: number, given: string) => given,
  names: (schema: string, table: string) => [schema, table],
}

/** What a server's log says of changes, decoded as `pgoutput` writes it. */
export const replication: FuzzTarget = {
  name: 'replication',
  parses: 'messages of the replication stream',
  wrong:
    'a message that is given back as another; rows with a changed prototype; an exception without a code',
  property: checked(
    messages.chain((all) =>
      damagedBytes(fc.constantFrom(...all.map(bytesOf)), DICTIONARY).map(({ damaged }) => ({ all, damaged })),
    ),
    ({ all, damaged }) => {
      const changes = new TransactionChanges(reading)
      for (const one of all) {
        must(
          isDeepStrictEqual(readMessage(bytesOf(one)), structuredClone(one)),
          () => `${one.kind} is not given back as it was`,
        )
        unlessRefused(['REPLICATION_MESSAGE'], () => changes.add(one))
      }
      const read = unlessRefused(['REPLICATION_MESSAGE'], () => readMessage(damaged))
      if (read !== undefined) unlessRefused(['REPLICATION_MESSAGE'], () => changes.add(read))
      const requests = changes.take()
      must(Object.keys(Object.prototype).length === 0, 'Object.prototype has got properties')
      for (const request of requests) must('table' in request, 'a change of no table')
      must(changes.take().length === 0, 'what was taken is there still')
      unlessRefused(['REPLICATION_MESSAGE'], () => readFrame(damaged))
    },
  ),
  hard: {
    'a row of many columns': (length) => {
      const columns = Math.min(0xffff, length)
      const bytes = join('I', int32(1), 'N', int16(columns), 'n'.repeat(columns))
      return () => readMessage(bytes)
    },
    'a count without what it counts': (length) => {
      const bytes = join('T', int32(0xffff_ffff), '\0', 'x'.repeat(length))
      return () => unlessRefused(['REPLICATION_MESSAGE'], () => readMessage(bytes))
    },
  },
}

const at = fc.record({ end: lsn, at: lsn, data: fc.uint8Array({ maxLength: 8 }), answer: fc.boolean() })

/** What surrounds the messages, and what is answered. */
export const frames: FuzzTarget = {
  name: 'frames',
  parses: 'frames of the replication stream, and places in the log',
  wrong: 'a place in the log, or a piece of it, that is not given back as it was',
  property: checked(at, ({ end, at: from, data, answer }) => {
    const frame = readFrame(join('w', int64(from), int64(end), int64(3n), Buffer.from(data)))
    must(
      frame.kind === 'data' && frame.at === from && frame.end === end && frame.data.equals(data),
      'another piece',
    )
    const alive = readFrame(join('k', int64(end), int64(3n), answer ? '\x01' : '\0'))
    must(isDeepStrictEqual(alive, { kind: 'alive', end, answer }), 'another sign of life')
    must(parseLsn(writeLsn(end)) === end, () => `${writeLsn(end)} for ${end}`)
    must(writeLsn(end) < writeLsn(from) === end < from, 'places in another order')
    const told = statusUpdate(end, 1_795_132_800_123, answer)
    must(told.length === 34 && told.readBigUInt64BE(9) === end, 'another place is told')
  }),
  hard: {},
}
