import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import {
  decodeAcknowledgement,
  decodeMessage,
  encodeAcknowledgement,
  encodeBody,
} from '../../../src/stores/redis/message.ts'
import { damagedText } from '../damage.ts'
import { checked, type FuzzTarget, must } from '../target.ts'

const text = fc.oneof(
  fc.constantFrom('a:{id}', 'a:{id}|7', '|', '|map|x', 'k:1'),
  fc.string({ maxLength: 8 }),
)
const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{16}$/)
const texts = fc.array(text, { maxLength: 4 })

const body = fc.record({
  stamps: texts,
  keys: texts,
  everyKey: fc.boolean(),
  name: fc.constantFrom('shop', 'other'),
  heard: fc.boolean(),
  cause: fc.option(
    fc.record(
      { id: text, process: text, tables: texts, unit: text },
      { requiredKeys: ['id', 'process', 'tables'] },
    ),
    { nil: undefined },
  ),
})
const message = fc
  .tuple(epoch, fc.nat(), body)
  .map(([at, sequence, said]) => `${at}:${sequence}:${encodeBody(said)}`)

const DICTIONARY = [
  '"s":',
  '"k":',
  '"e":1',
  '"n":"shop"',
  '"a":1',
  '[]',
  '{}',
  '"',
  ',',
  ':',
  '|',
  '0',
  '9',
  'null',
].concat(['__proto__', '\\u0000', '\ud800', ' ', '[[', '"s":[],', '"c":{'])

/** Invalidations as they come over the bus. */
export const messages: FuzzTarget = {
  name: 'messages',
  parses: 'messages of the bus',
  wrong:
    'a damaged message passes for the next one of its epoch and says another thing: what it was to void would stay',
  property: checked(damagedText(message, DICTIONARY), ({ valid, damaged }) => {
    const meant = decodeMessage(valid, 0, 'shop')
    must(meant !== undefined, 'a message cannot be read')
    const read = decodeMessage(damaged, 0, 'shop')
    if (read === undefined) return
    must(Number.isSafeInteger(read.sequence) && read.sequence >= 0, `the sequence ${read.sequence}`)
    // Another epoch and another number are noticed, and everything is dropped.
    if (read.epoch !== meant.epoch || read.sequence !== meant.sequence) return
    must(isDeepStrictEqual(read, meant), 'a damaged message passes for the one it was')
  }),
  hard: {
    'many stamps': (length) => {
      const stamps = Array.from({ length: length / 8 }, (_, at) => `s${at}`)
      const said = { stamps, keys: stamps, everyKey: false, name: 'shop', heard: false, cause: undefined }
      const whole = `AAAAAAAAAAAAAAAA:1:${encodeBody(said)}`
      return () => decodeMessage(whole, 0, 'shop')
    },
    brackets: (length) => () => decodeMessage(`AAAAAAAAAAAAAAAA:1:${'['.repeat(length)}`, 0, 'shop'),
    digits: (length) => () => decodeMessage(`AAAAAAAAAAAAAAAA:${'1'.repeat(length)}:{}`, 0, 'shop'),
  },
}

const process = fc
  .tuple(fc.constantFrom('shop', 'shop#a', 'a:b'), epoch)
  .map(([name, random]) => `${name}@${random}`)
const acknowledgement = fc
  .tuple(epoch, fc.nat({ max: 12 }), process)
  .map(([id, partition, who]) => encodeAcknowledgement(id, partition, who))

/** Acknowledgements, for which writers in mode strict wait. */
export const acknowledgements: FuzzTarget = {
  name: 'acknowledgements',
  parses: 'acknowledgements',
  wrong: 'a damaged one passes for that of another invalidation, partition or process, which nobody gave',
  property: checked(damagedText(acknowledgement, ['@', ':', '0', '1', '#', 'shop']), ({ valid, damaged }) => {
    const meant = decodeAcknowledgement(valid)
    must(meant !== undefined, 'an acknowledgement cannot be read')
    const read = decodeAcknowledgement(damaged)
    if (read !== undefined) must(isDeepStrictEqual(read, meant), 'another acknowledgement than was given')
  }),
  hard: {
    colons: (length) => () => decodeAcknowledgement(':'.repeat(length)),
    digits: (length) => () => decodeAcknowledgement(`a:${'1'.repeat(length)}`),
  },
}
