import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/stores/redis/checksum.ts'
import {
  decodeAcknowledgement,
  decodeMessage,
  encodeAcknowledgement,
  encodeBody,
  type MessageBody,
} from '../../src/stores/redis/message.ts'

const EPOCH = 'epoch-1234567890'
const text = fc.string({ unit: 'binary', maxLength: 20 })

/** A message that says this, checksum and all. */
const sealed = (said: string) =>
  `${EPOCH}:1:${crc32(Buffer.from(said)).toString(16).padStart(8, '0')}:${said}`

const body: fc.Arbitrary<MessageBody> = fc.record({
  stamps: fc.array(text),
  keys: fc.array(text),
  everyKey: fc.boolean(),
  name: fc.constant('shop'),
  heard: fc.boolean(),
  cause: fc.option(
    fc.record(
      { id: text, process: text, tables: fc.array(text), unit: text, trace: text },
      { requiredKeys: ['id', 'process', 'tables'] },
    ),
    { nil: undefined },
  ),
})

describe('a message', () => {
  test('decode_whatWasEncoded_givesItBack', () => {
    fc.assert(
      fc.property(body, fc.nat(), (said, sequence) => {
        const { name: _, ...rest } = said
        const read = decodeMessage(`${EPOCH}:${sequence}:${encodeBody(said)}`, 3, 'shop')
        expect(read).toEqual({ partition: 3, epoch: EPOCH, sequence, ...rest })
      }),
    )
  })

  test('decode_ofAnotherApplication_leavesItsKeysOut', () => {
    const said = { stamps: ['a'], keys: ['k'], everyKey: true, name: 'other', cause: undefined, heard: false }
    expect(decodeMessage(`${EPOCH}:1:${encodeBody(said)}`, 0, 'shop')).toMatchObject({
      stamps: ['a'],
      keys: [],
      everyKey: false,
    })
  })

  test('decode_damaged_isRefused_orAnotherEpochOrNumber', () => {
    // Passing for the next message with another name in it, it would leave the right one's values in memory.
    const said = {
      stamps: ['a:{id}|71'],
      keys: ['k'],
      everyKey: false,
      name: 'shop',
      cause: undefined,
      heard: true,
    }
    const message = `${EPOCH}:7:${encodeBody(said)}`
    for (let at = 0; at < message.length; at++) {
      for (const put of ['', '0', 'x', '"', '\\u0031']) {
        const damaged = message.slice(0, at) + put + message.slice(at + 1)
        const read = decodeMessage(damaged, 0, 'shop')
        if (damaged !== message && read !== undefined)
          expect(read.epoch !== EPOCH || read.sequence !== 7).toBe(true)
      }
    }
  })

  test('decode_any_neverThrows_andGivesNothingHalfRead', () => {
    const whole = fc
      .tuple(body, fc.nat())
      .map(([said, sequence]) => `${EPOCH}:${sequence}:${encodeBody(said)}`)
    const damaged = fc
      .tuple(whole, fc.nat(), fc.nat({ max: 9 }), fc.string({ maxLength: 5 }))
      .map(([message, at, length, put]) => {
        const start = at % message.length
        return message.slice(0, start) + put + message.slice(start + length)
      })
    const json = fc.jsonValue().map((value) => sealed(JSON.stringify(value)))
    const almost = fc
      .record(
        { s: fc.jsonValue(), k: fc.jsonValue(), e: fc.jsonValue(), n: fc.jsonValue(), c: fc.jsonValue() },
        { requiredKeys: [] },
      )
      .map((value) => sealed(JSON.stringify(value)))
    const polluting = fc.constantFrom(
      sealed('{"s":[],"k":[],"__proto__":{"polluted":1},"n":"shop"}'),
      sealed('{"s":[],"k":[],"c":{"__proto__":{"polluted":1},"id":"a","process":"b","tables":[]}}'),
    )
    fc.assert(
      fc.property(fc.oneof(text, damaged, json, almost, polluting), (message) => {
        const read = decodeMessage(message, 0, 'shop')
        if (read === undefined) return
        expect(read.epoch).toMatch(/^[\w-]{16}$/)
        expect(read.sequence).toBeGreaterThanOrEqual(0)
        for (const name of [...read.stamps, ...read.keys]) expect(typeof name).toBe('string')
        expect(typeof read.everyKey).toBe('boolean')
        if (read.cause !== undefined)
          for (const table of read.cause.tables) expect(typeof table).toBe('string')
      }),
      { numRuns: 5_000 },
    )
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('an acknowledgement', () => {
  test('decode_whatWasEncoded_givesItBack', () => {
    expect(decodeAcknowledgement(encodeAcknowledgement('change-1', 3, 'shop#a@xyz'))).toEqual({
      id: 'change-1:3',
      process: 'shop#a@xyz',
    })
  })

  test('decode_damaged_isNone', () => {
    // Another's acknowledgement, or another partition's, would let a commit go that somebody has not heard of.
    const given = encodeAcknowledgement('change-1', 3, 'shop#a@xyz')
    for (let at = 0; at < given.length; at++) {
      for (const put of ['', '1', 'b', ':']) {
        const damaged = given.slice(0, at) + put + given.slice(at + 1)
        if (damaged !== given) expect(decodeAcknowledgement(damaged)).toBeUndefined()
      }
    }
  })

  test('decode_any_neverThrows', () => {
    fc.assert(
      fc.property(text, (any) => {
        const read = decodeAcknowledgement(any)
        expect(read === undefined || typeof read.id === 'string').toBe(true)
      }),
    )
  })
})
