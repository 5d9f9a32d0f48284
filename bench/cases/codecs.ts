import { randomBytes } from 'node:crypto'
import {
  type Codec,
  compressed,
  encrypted,
  jsonCodec,
  msgpackrCodec,
  superjsonCodec,
  v8Codec,
} from 'coherent-cache/codecs'
import * as msgpackr from 'msgpackr'
import superjson from 'superjson'
import type { BenchCase, Table } from '../case.ts'
import { race, type Subject } from '../harness.ts'

const CONTEXT = { cache: 'bench', family: 'report', version: 1, key: 'report:7' }

const row = (id: number) => ({
  id,
  property: `property ${id % 40}`,
  amount: Math.round(Math.sin(id) * 1e6) / 100,
  paid: id % 3 === 0,
})
const values: Readonly<Record<string, unknown>> = {
  'a report of 4 rows': {
    total: 1_234.5,
    day: '2026-11-20',
    rows: Array.from({ length: 4 }, (_, id) => row(id)),
  },
  'a list of 500 rows': Array.from({ length: 500 }, (_, id) => row(id)),
  'a Map of 200 Dates': new Map(
    Array.from({ length: 200 }, (_, id) => [`day ${id}`, new Date(1.79e12 + id * 864e5)]),
  ),
}

/** What it costs to encode and decode a value, as a multiple of what JSON takes. */
export const codecs: BenchCase = {
  name: 'codecs',
  title: 'Codecs, against the json codec',
  async run({ quick }) {
    const secret = { keys: { k: randomBytes(32) }, current: 'k' }
    const contenders: readonly Codec[] = [
      jsonCodec,
      v8Codec,
      msgpackrCodec(msgpackr),
      superjsonCodec(superjson),
      compressed(jsonCodec, { algorithm: 'deflate' }),
      compressed(jsonCodec),
      encrypted(jsonCodec, secret),
      encrypted(compressed(jsonCodec), secret),
    ]
    const tables: Table[] = []
    for (const [caption, value] of Object.entries(values)) {
      const encoded = await Promise.all(contenders.map(async (codec) => codec.encode(value, CONTEXT)))
      const effort = quick ? { rounds: 7, roundMs: 8, warmUpMs: 60 } : { rounds: 11, roundMs: 15 }
      const subjects = (one: (codec: Codec, bytes: Uint8Array) => unknown): Subject[] =>
        contenders.map((codec, at) => ({
          name: codec.name,
          run: async (times) => {
            for (let time = 0; time < times; time++) {
              const done = one(codec, encoded[at] as Uint8Array)
              if (done instanceof Promise) await done
            }
          },
        }))
      const encoding = await race(
        subjects((codec) => codec.encode(value, CONTEXT)),
        effort,
      )
      const decoding = await race(
        subjects((codec, bytes) => codec.decode(bytes, CONTEXT)),
        effort,
      )
      const [jsonEncoding, jsonDecoding] = [encoding[0], decoding[0]]
      if (jsonEncoding === undefined || jsonDecoding === undefined) throw new Error('Nothing was measured.')
      tables.push({
        caption,
        columns: ['encode, µs', '× json', 'decode, µs', '× json', 'bytes', '× json'],
        rows: contenders.map(({ name }, at) => {
          const [encode, decode, bytes] = [encoding[at], decoding[at], encoded[at]]
          if (encode === undefined || decode === undefined || bytes === undefined) throw new Error(name)
          return {
            label: name,
            cells: [
              encode.microseconds,
              encode.costOf(jsonEncoding),
              decode.microseconds,
              decode.costOf(jsonDecoding),
              bytes.length,
              bytes.length / (encoded[0] as Uint8Array).length,
            ],
          }
        }),
      })
    }
    return { tables, measures: {} }
  },
}
