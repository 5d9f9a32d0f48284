import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })
const insert = (id: number) => ({ table: 't', operation: 'insert', rows: [{ id }] }) as const

/** A writer and a reader that holds a value in memory, with the network between them in hand. */
async function opened() {
  const network = heldNetwork()
  const { fleet, clock, store, name } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [writer, reader] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  await settle()
  const db = { version: 1 }
  const read = () => reader.get<string, number>('row:1', () => db.version)
  expect(await read()).toBe(1)
  expect(reader.peek('row:1')).toBe(1)
  const write = async () => {
    db.version++
    return writer.invalidate(insert(1))
  }
  return { network, writer, reader, clock, store, name, db, read, write }
}

describe('messages', () => {
  test('message_delivered_voidsTheMemoryOfOthers_andTellsThem', async () => {
    const { reader, read, write } = await opened()
    const told = vi.fn()
    reader.on('remoteInvalidated', told)
    await write()
    await settle()
    expect(reader.peek('row:1')).toBeUndefined()
    expect(await read()).toBe(2)
    expect(told).toHaveBeenCalledExactlyOnceWith({
      stamps: ['row:{id}|1'],
      keys: [],
      cause: expect.objectContaining({ tables: ['t'] }),
    })
  })

  test('message_ofAnUnrelatedRow_voidsNothingHere', async () => {
    const { reader, writer } = await opened()
    await writer.invalidate(insert(2))
    await settle()
    expect(reader.peek('row:1')).toBe(1)
  })

  test('message_late_theOldValueIsAnsweredNoLongerThanT', async () => {
    const { network, clock, read, write } = await opened()
    network.hold('message')
    await clock.advance(400)
    await write()
    expect(await read()).toBe(1)
    let stale = 0
    for (; stale < 1_000 && (await read()) === 1; stale += 50) await clock.advance(50)
    expect(stale).toBeLessThanOrEqual(1_000)
    expect(await read()).toBe(2)
  })

  test('message_late_aCommittedReadIsNeverOlder', async () => {
    const { network, reader, db, write } = await opened()
    network.hold('message')
    await write()
    expect(await reader.get('row:1', () => db.version, { freshness: 'committed' })).toBe(2)
  })

  test('message_lost_isNoticedByTheNextOne', async () => {
    const { network, reader, writer, read, write } = await opened()
    const told = vi.fn()
    reader.on('flushed', told)
    network.hold('message')
    await write()
    network.lose()
    network.deliver()
    // An unrelated one, whose number shows that one is missing.
    await writer.invalidate(insert(99))
    await settle()
    expect(told).toHaveBeenCalledWith({ reason: expect.stringContaining('lost message') })
    expect(reader.peek('row:1')).toBeUndefined()
    expect(await read()).toBe(2)
  })

  test('message_lost_andNoneAfterIt_isNoticedWithinT', async () => {
    const { network, clock, read, write } = await opened()
    network.hold('message')
    await write()
    network.lose()
    network.deliver()
    let stale = 0
    for (; stale < 2_000 && (await read()) === 1; stale += 50) await clock.advance(50)
    expect(stale).toBeLessThanOrEqual(1_000)
  })

  test('messages_inReverse_areFollowed_forgettingRatherThanBelieving', async () => {
    const { network, reader, writer, read, write } = await opened()
    network.hold('message')
    await write()
    for (let id = 50; id < 55; id++) await writer.invalidate(insert(id))
    network.deliver((steps) => steps.reverse())
    await settle()
    expect(reader.peek('row:1')).toBeUndefined()
    expect(await read()).toBe(2)
    await settle()
    expect(await read()).toBe(2)
  })

  test('messages_twice_areHarmless', async () => {
    const { network, read, write } = await opened()
    network.hold('message')
    await write()
    network.deliver((steps) => [...steps, ...steps])
    await settle()
    expect(await read()).toBe(2)
  })

  test('fill_whoseMessageIsStillOnItsWay_isNotBelievedOnceItArrives', async () => {
    // The reader fills memory after the rotation, before it hears of it: that value is new, and hearing only forgets.
    const { network, reader, clock, db, write } = await opened()
    network.hold('message')
    await write()
    expect(await reader.get('row:1', () => db.version, { freshness: 'committed' })).toBe(2)
    network.deliver()
    await settle()
    expect(await reader.get('row:1', () => 99)).toBe(2)
    await clock.advance(0)
  })

  test('ownMessage_tellsNothingNew', async () => {
    const { writer, write } = await opened()
    const told = vi.fn()
    writer.on('remoteInvalidated', told)
    writer.on('flushed', told)
    await writer.get('row:1', () => 1)
    await writer.get('row:2', () => 2)
    await write()
    await writer.invalidate({ keys: ['row:1'] })
    await settle()
    expect(told).not.toHaveBeenCalled()
    expect(writer.peek('row:2')).toBe(2)
  })

  test('adHocPattern_sparesWhatTheWriterItselfHolds', async () => {
    const { writer, reader } = await opened()
    await writer.get('row:2', () => 2)
    await writer.invalidate({ pattern: 'row:1*' })
    await settle()
    expect(reader.peek('row:1')).toBeUndefined()
    expect(writer.peek('row:1')).toBeUndefined()
    expect(writer.peek('row:2')).toBe(2)
  })
})

describe('the lease', () => {
  test('lease_whileReading_isRenewed_andMemoryGoesOnAnswering', async () => {
    const { reader, clock, read } = await opened()
    for (let at = 0; at < 100; at++) {
      await clock.advance(100)
      expect(await read()).toBe(1)
    }
    expect(reader.stats().hits.memory).toBeGreaterThan(95)
    expect(reader.health().memoryLease).toBe('held')
  })

  test('lease_idle_lapses_sendsNothing_andComesBackWithTheNextRead', async () => {
    const { reader, clock, read } = await opened()
    await clock.advance(10_000)
    expect(reader.health().memoryLease).toBe('lost')
    expect(reader.peek('row:1')).toBeUndefined()
    const idle = clock.pending
    await clock.advance(60_000)
    expect(clock.pending).toBeLessThanOrEqual(idle)
    expect(await read()).toBe(1)
    await settle()
    expect(reader.health().memoryLease).toBe('held')
    expect(await read()).toBe(1)
    expect(reader.peek('row:1')).toBe(1)
  })

  test('lease_ofAMachineThatWasSuspended_isNotBelieved_pastTheNextHeartbeat', async () => {
    const { reader, clock, read } = await opened()
    const told = vi.fn()
    reader.on('flushed', told)
    // The wall clock ran on while this process, and its monotonic clock with it, stood still.
    clock.setWallClock(clock.now() + 3_600_000)
    await read()
    await clock.advance(500)
    expect(told).toHaveBeenCalledWith({ reason: expect.stringContaining('clocks disagree') })
    expect(reader.peek('row:1')).toBeUndefined()
  })

  test('lease_whileTheStoreDoesNotAnswer_lapses_andReadsGoToTheirLoaders', async () => {
    const { reader, clock, network, db, read } = await opened()
    network.hold('reply')
    db.version = 5
    await clock.advance(1_500)
    expect(reader.peek('row:1')).toBeUndefined()
    const reading = read()
    await clock.advance(300)
    expect(await reading).toBe(5)
    expect(reader.health()).toMatchObject({ status: 'degraded', memoryLease: 'lost' })
  })
})

describe('the store loses things', () => {
  test('stampEvicted_isAMiss_andNeverRevivesAnOldValue', async () => {
    const { reader, writer, store, name, db, write } = await opened()
    const load = () => db.version
    await write()
    expect(await writer.get('row:1', load)).toBe(2)
    store.evictStamp(name, 'row:{id}|1')
    db.version = 3
    // Its rotation finds no stamp, and must be heard all the same.
    await writer.invalidate(insert(1))
    await settle()
    expect(await reader.get('row:1', load)).toBe(3)
    expect(await writer.get('row:1', load)).toBe(3)
  })

  test('stampEvicted_whileALoadRuns_refusesItsFill', async () => {
    const { reader, store, name } = await opened()
    const { load } = countingLoader()
    await reader.get('row:7', async () => {
      store.evictStamp(name, 'row:{id}|7')
      return 0
    })
    await reader.invalidate({ keys: ['none'] })
    expect(await reader.get('row:7', load, { freshness: 'committed' })).toBe(1)
  })

  test('flushall_startsANewEpoch_andEverythingBeforeItIsVoid_withinT', async () => {
    const { reader, writer, store, clock, db, read } = await opened()
    const told = vi.fn()
    reader.on('flushed', told)
    store.flush()
    db.version = 2
    // The rotation belongs to the new epoch; the reader may hear it, or find out at its next heartbeat.
    await writer.invalidate(insert(1))
    await clock.advance(1_000)
    expect(await read()).toBe(2)
    expect(told).toHaveBeenCalledWith({ reason: expect.stringContaining('another epoch') })
  })

  test('flushall_withoutAnyMessage_isNoticedWithinT', async () => {
    const { store, clock, db, read } = await opened()
    store.flush()
    db.version = 2
    let stale = 0
    for (; stale < 2_000 && (await read()) === 1; stale += 50) await clock.advance(50)
    expect(stale).toBeLessThanOrEqual(1_000)
  })

  test('flushall_whileALoadRuns_refusesItsFill', async () => {
    const { reader, store, db } = await opened()
    await reader.get('row:7', async () => {
      store.flush()
      return 0
    })
    expect(await reader.get('row:7', () => db.version, { freshness: 'committed' })).toBe(1)
  })
})
