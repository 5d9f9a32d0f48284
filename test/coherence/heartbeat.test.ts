import { manualClock, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { Causes } from '../../src/coherence/causes.ts'
import { Heartbeat } from '../../src/coherence/heartbeat.ts'
import { MemoryLease } from '../../src/coherence/lease.ts'
import { StampTable } from '../../src/coherence/stamp-table.ts'
import { Subscription } from '../../src/coherence/subscription.ts'
import { Emitter } from '../../src/core/events.ts'
import type { HeartbeatReply } from '../../src/core/store.ts'
import { type Deferred, deferred } from '../support/caches.ts'

const T = 1_000
const EPOCH = 'epoch-1234567890'

/** A heartbeat whose store is the test. */
function beating() {
  const clock = manualClock()
  const lease = new MemoryLease()
  const events = new Emitter()
  const flushed: string[] = []
  const stamps = new StampTable()
  const subscription = new Subscription({
    clock,
    stamps,
    memory: undefined,
    lease,
    causes: new Causes(),
    events,
    registration: '|map|own',
    local: false,
    onConnected: () => {},
  })
  events.on('flushed', ({ reason }) => flushed.push(reason))
  const beats: Deferred<HeartbeatReply>[] = []
  const reconnects: unknown[] = []
  const heartbeat = new Heartbeat({
    clock,
    lease,
    subscription,
    maxStalenessMs: T,
    store: {
      heartbeat: () => {
        const beat = deferred<HeartbeatReply>()
        beats.push(beat)
        return beat.promise
      },
      reconnect: (what) => reconnects.push(what),
    },
  })
  return {
    clock,
    lease,
    subscription,
    heartbeat,
    beats,
    reconnects,
    flushed,
    /** The store answers the last beat: so far have others invalidated. */
    async answer(sequence: number, epoch = EPOCH): Promise<void> {
      beats.at(-1)?.resolve({ positions: [{ partition: 0, epoch, sequence }], registrations: [] })
      await settle()
    },
    hear(sequence: number, epoch = EPOCH): void {
      subscription.invalidated({
        partition: 0,
        epoch,
        sequence,
        stamps: [],
        keys: [],
        everyKey: false,
        cause: undefined,
      })
    },
    held: () => lease.held(clock.monotonic()),
  }
}

describe('the memory lease', () => {
  test('wake_subscribed_isGranted_forTFromTheSending', async () => {
    const room = beating()
    room.subscription.subscribed()
    void room.heartbeat.wake()
    await room.clock.advance(300)
    expect(room.held()).toBe(false)
    await room.answer(5)
    expect(room.held()).toBe(true)
    await room.clock.advance(T - 301)
    expect(room.held()).toBe(true)
    await room.clock.advance(2)
    expect(room.held()).toBe(false)
  })

  test('wake_unsubscribed_asksNothing', async () => {
    const room = beating()
    for (let at = 0; at < 10; at++) await room.heartbeat.wake()
    expect(room.beats).toHaveLength(0)
    room.subscription.subscribed()
    room.subscription.unsubscribed('lost')
    await room.heartbeat.wake()
    expect(room.beats).toHaveLength(0)
  })

  test('reply_ofBeforeTheSubscriptionWasLost_grantsNothing', async () => {
    const room = beating()
    room.subscription.subscribed()
    void room.heartbeat.wake()
    room.subscription.unsubscribed('lost')
    room.subscription.subscribed()
    await room.answer(5)
    expect(room.held()).toBe(false)
  })

  test('beat_whileUsed_comesEveryHalfT_whileIdle_never', async () => {
    const room = beating()
    room.subscription.subscribed()
    void room.heartbeat.wake()
    await room.answer(0)
    room.lease.used = true
    await room.clock.advance(T / 2)
    expect(room.beats).toHaveLength(2)
    await room.answer(0)
    await room.clock.advance(10 * T)
    expect(room.beats).toHaveLength(2)
    expect(room.held()).toBe(false)
  })

  test('reply_notHeardUpTo_waitsForTheMessages_aQuarterOfT', async () => {
    const room = beating()
    room.subscription.subscribed()
    void room.heartbeat.wake()
    await room.answer(0)
    room.lease.used = true
    await room.clock.advance(T / 2)
    await room.answer(2)
    room.lease.until = 0
    room.hear(1)
    await settle()
    expect(room.held()).toBe(false)
    room.hear(2)
    await settle()
    expect(room.held()).toBe(true)
    expect(room.reconnects).toEqual([])
  })
})

describe('a subscription that hears nothing', () => {
  test('once_isALostMessage_again_isADeadConnection', async () => {
    const room = beating()
    room.subscription.subscribed()
    void room.heartbeat.wake()
    await room.answer(0)
    for (let beat = 1; beat <= 4; beat++) {
      room.lease.used = true
      await room.clock.advance(T / 2)
      await room.answer(beat)
      await room.clock.advance(T / 4)
      expect(room.reconnects.length, `after ${beat}`).toBe(Math.floor(beat / 2))
    }
    expect(room.reconnects).toEqual(['subscription', 'subscription'])
  })

  test('anotherEpoch_isNoDeafness', async () => {
    const room = beating()
    room.subscription.subscribed()
    void room.heartbeat.wake()
    await room.answer(0)
    for (let beat = 1; beat <= 4; beat++) {
      room.lease.used = true
      await room.clock.advance(T / 2)
      await room.answer(1, `epoch-${beat}`.padEnd(16, '-'))
      await room.clock.advance(T / 4)
    }
    expect(room.reconnects).toEqual([])
  })
})

test('a machine that was suspended forgets what it knew', async () => {
  const room = beating()
  room.subscription.subscribed()
  void room.heartbeat.wake()
  await room.answer(0)
  const reasons: string[] = []
  const flush = room.subscription.flush.bind(room.subscription)
  room.subscription.flush = (reason) => {
    reasons.push(reason)
    flush(reason)
  }
  room.clock.setWallClock(room.clock.now() + 3_600_000)
  void room.heartbeat.wake()
  expect(reasons).toEqual([expect.stringMatching(/suspended/)])
})
