import { EventEmitter } from 'node:events'
import { manualClock, settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import type { ReplicationClient } from '../../src/sources/cdc/replication-client.ts'
import { type Committed, Stream } from '../../src/sources/cdc/stream.ts'
import { deferred } from '../support/caches.ts'

/** What a server says at a moment that no real one can be made to choose: between a commit and its application. */

const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
const data = (end: bigint, message: Buffer) =>
  Buffer.concat([Buffer.from('w'), int64(end), int64(end), int64(0n), message])
const begin = (final: bigint) => Buffer.concat([Buffer.from('B'), int64(final), int64(0n), Buffer.alloc(4)])
const commit = (end: bigint) => Buffer.concat([Buffer.from('C\0'), int64(end), int64(end), int64(0n)])
const alive = (end: bigint, answer: boolean) =>
  Buffer.concat([Buffer.from('k'), int64(end), int64(0n), Buffer.of(answer ? 1 : 0)])

class Connection extends EventEmitter {
  /** How far the server was told that all has been applied, each time. */
  readonly told: bigint[] = []
  paused = false
  readonly stream = {
    pause: () => {
      this.paused = true
    },
    resume: () => {
      this.paused = false
    },
    destroy() {},
  }

  sendCopyFromChunk(chunk: Buffer): void {
    this.told.push(chunk.readBigUInt64BE(9))
  }

  says(...chunks: readonly Buffer[]): void {
    for (const chunk of chunks) this.emit('copyData', { chunk })
  }
}

function room() {
  const clock = manualClock()
  const connection = new Connection()
  const client = Object.assign(new EventEmitter(), {
    connection,
    query: () => new Promise<never>(() => {}),
  }) as unknown as ReplicationClient & EventEmitter
  const applying = deferred<void>()
  const applied: Committed[] = []
  const apply = async (some: readonly Committed[]) => {
    await applying.promise
    applied.push(...some)
  }
  const reading = { parse: (_: number, text: string) => text, names: (_: string, table: string) => [table] }
  const stream = new Stream(client, { clock, apply, reading }, 10n)
  const ended = stream.run('START', () => {}).catch((error: Error) => error)
  return { clock, connection, client, applying, applied, stream, ended }
}

test('the server is told to forget nothing that waits to be applied, whatever it says meanwhile', async () => {
  const { connection, applying, stream, ended } = room()
  connection.says(data(15n, begin(20n)), alive(30n, true))
  expect(connection.told).toEqual([10n])
  connection.says(data(20n, commit(20n)), alive(40n, true))
  await settle()
  expect(connection.told).toEqual([10n, 10n])
  applying.resolve()
  await settle()
  expect(connection.told.at(-1)).toBe(20n)
  // Now nothing waits: what was of no concern need not be kept.
  connection.says(alive(50n, true))
  expect(connection.told.at(-1)).toBe(50n)
  connection.says(alive(45n, true))
  expect(connection.told.at(-1)).toBe(50n)
  expect(stream.lagMs).toBe(0)
  connection.says(Buffer.from('?'))
  expect(String(await ended)).toMatch(/cannot be read/)
})

test('a server that says nothing any more is given up; one that does is asked now and then', async () => {
  const { clock, connection, ended } = room()
  for (let round = 0; round < 5; round++) {
    await clock.advance(10_000)
    connection.says(alive(10n, false))
  }
  expect(connection.told).toHaveLength(5)
  await clock.advance(45_000)
  expect(String(await ended)).toMatch(/not been heard of for 30 s/)
})

test('more than can be applied is not received: the connection is held, and goes on', async () => {
  const { connection, applying, applied, stream } = room()
  for (let at = 1n; at <= 1_001n; at++)
    connection.says(data(at + 10n, begin(at + 10n)), data(at + 10n, commit(at + 10n)))
  await settle()
  expect(connection.paused).toBe(true)
  applying.resolve()
  for (let turn = 0; turn < 20 && connection.paused; turn++) await settle()
  expect(connection.paused).toBe(false)
  for (let turn = 0; turn < 20 && applied.length < 1_001; turn++) await settle()
  expect(applied.map(({ end }) => end)).toEqual(Array.from({ length: 1_001 }, (_, at) => BigInt(at) + 11n))
  expect(stream.applied).toBe(1_011n)
})
