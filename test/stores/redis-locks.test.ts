import { redisStore } from 'coherent-cache/redis'
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import type { Position } from '../../src/core/store.ts'
import { Bench, newNonce, type Process } from '../../src/testing/conformance/bench.ts'
import { age, connectTo, keysUnder, unlinkUnder } from '../support/redis-clients.ts'
import { until } from '../support/until.ts'

/** Long enough for a slow machine to look twice, and short enough to be waited for. */
const LOCK_MS = 700
const STAMP = 'rows'
const stamps = [STAMP]

const client = connectTo(inject('redisPort'))
afterAll(() => client.disconnect())

let bench: Bench
let one: Process
beforeEach(async () => {
  bench = new Bench({
    driver: redisStore({ client }),
    pass: (milliseconds, namespace) => age(client, `cc:{${namespace}.`, milliseconds),
    evict: async (namespace, stamp) => {
      await client.call('UNLINK', `cc:{${namespace}.0}:s:${stamp}`)
    },
    lose: (namespace) => unlinkUnder(client, `cc:{${namespace}.`),
  })
  one = await bench.join({ lockMs: LOCK_MS })
  await quarantineIsOver(one)
})
afterEach(() => bench.close())

const isLocked = async (process: Process) => (await process.read('row:1', undefined, { stamps })).locked
const quarantineIsOver = (process: Process) =>
  until(async () => !(await isLocked(process)), 'the end of the quarantine')
const lock = (id: string) => one.store.lock({ stamps, lock: id, cause: one.cause() })
const unlock = (id: string) => one.store.rotate({ stamps, keys: [], lock: id, cause: one.cause() })
const token = async () => (await one.read('row:1', undefined, { stamps })).tokens.at(-1)

describe('a soft lock', () => {
  test('lock_voidsWhatWasCached_andIsSeenByReads', async () => {
    await one.put('row:1', { stamps })
    const before = await token()
    await lock('lock-1')
    const found = await one.read('row:1', newNonce(), { stamps })
    expect(found).toMatchObject({ value: undefined, locked: true, claim: 'none' })
    expect(found.tokens.at(-1)).not.toBe(before)
  })

  test('lock_refusesTheFillOfALoadFromBefore', async () => {
    const nonce = newNonce()
    const running = await one.read('row:1', nonce, { stamps })
    expect(running.claim).toBe('granted')
    await lock('lock-1')
    expect(await one.fill('row:1', nonce, running, { stamps })).toBe(false)
  })

  test('rotation_ofOthers_leavesIt_butNotTheToken', async () => {
    await lock('lock-1')
    const before = await token()
    await one.rotate(stamps)
    expect(await isLocked(one)).toBe(true)
    expect(await token()).not.toBe(before)
    await unlock('lock-1')
    expect(await isLocked(one)).toBe(false)
  })

  test('unlock_leavesTheLocksOfOthers', async () => {
    await lock('lock-1')
    await lock('lock-2')
    await unlock('lock-1')
    expect(await isLocked(one)).toBe(true)
    await unlock('lock-2')
    expect(await isLocked(one)).toBe(false)
  })

  test('lock_renewed_keepsItsToken_andTellsNobody', async () => {
    await lock('lock-1')
    const before = await token()
    expect(await lock('lock-1')).toMatchObject({ added: 0 })
    expect(await token()).toBe(before)
  })

  test('lock_whoseStampIsGone_isTakenAnew_andTold', async () => {
    const first = await lock('lock-1')
    await bench.evict(STAMP)
    const again = await lock('lock-1')
    expect(again.added).toBe(1)
    expect(again.positions[0]?.sequence).toBe((first.positions[0]?.sequence ?? 0) + 1)
  })

  test('lock_ofManyStamps_isTakenInParts_ofWhichTheLastIsAcknowledged', async () => {
    const other = await bench.join({ lockMs: LOCK_MS })
    const maker = await bench.join({ lockMs: 30_000 })
    const many = Array.from({ length: 2_500 }, (_, at) => `rows:${at}`)
    const take = () => maker.store.lock({ stamps: many, lock: 'lock-1', cause: maker.cause(), heard: true })
    const told = async (positions: readonly Position[]) => {
      await other.hears(positions)
      return other.heard.splice(0).map((one) => [one.stamps.length, one.acknowledge !== undefined])
    }
    const first = await take()
    expect(first.added).toBe(2_500)
    expect(await told(first.positions)).toEqual([
      [1_000, false],
      [1_000, false],
      [500, true],
    ])
    expect(await take()).toMatchObject({ added: 0, positions: first.positions })
    // One of the first part is gone, and nothing of the last: who is asked has heard of the one.
    await bench.evict('rows:1')
    const again = await take()
    expect(again.added).toBe(1)
    expect(await told(again.positions)).toEqual([
      [1_000, false],
      [0, true],
    ])
  })

  test('lockedStamp_hasNoExpiry', async () => {
    await one.put('row:1', { stamps })
    await lock('lock-1')
    const [name] = (await keysUnder(client, `cc:{${bench.namespace}.`)).filter((key) =>
      key.endsWith(`:s:${STAMP}`),
    )
    expect(await client.call('PTTL', name as string)).toBe(-1)
  })

  test('lock_expired_voidsItsStamp_andIsTold', async () => {
    const { positions } = await lock('lock-1')
    const before = await token()
    await until(async () => !(await isLocked(one)), 'the end of the lock')
    expect(await token()).not.toBe(before)
    await one.hears(positions.map((position) => ({ ...position, sequence: position.sequence + 1 })))
  })
})

describe('for one lifetime of a lock nothing is answered or kept', () => {
  test('afterTheStoreHasBegunAnew_thoughNoStampIsLost', async () => {
    await one.put('row:1', { stamps })
    await client.call('UNLINK', `cc:{${bench.namespace}.0}:state`)
    expect(await one.read('row:1', newNonce(), { stamps })).toMatchObject({ locked: true, claim: 'none' })
    await quarantineIsOver(one)
  })

  test('byThoseOfAMapThatWasJustRegistered_andNobodyElse', async () => {
    const other = await bench.join({ lockMs: LOCK_MS, map: 'two' })
    expect(await isLocked(other)).toBe(true)
    expect(await isLocked(one)).toBe(false)
    await quarantineIsOver(other)
  })
})
