import { manualClock, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { StoreGate } from '../../src/coherence/store-gate.ts'
import { CacheError } from '../../src/core/errors.ts'
import { Emitter } from '../../src/core/events.ts'
import type { Store } from '../../src/core/store.ts'
import { type Deferred, deferred, errorOf } from '../support/caches.ts'

const TIMEOUT_MS = 200
const OPENING_MS = 1_000
const cause = { id: 'c', process: 'p', tables: [] }
const nothing = { positions: [], maps: [], results: [], registrations: [] }

/** A gate before a store whose every call the test answers by hand. */
function gateOf(
  options: {
    readonly owed?: number
    readonly forgets?: () => boolean
    readonly telling?: () => Promise<number>
  } = {},
) {
  const { forgets = () => false } = options
  const clock = manualClock()
  const events = new Emitter()
  const told: string[] = []
  const calls: { readonly name: string; readonly answer: Deferred<never> }[] = []
  const reconnects: string[] = []
  const call = (name: string) => () => {
    const answer = deferred<never>()
    calls.push({ name, answer })
    return answer.promise
  }
  const store: Store = {
    open: call('open'),
    partition: () => 0,
    values: call('values'),
    read: call('read'),
    fill: call('fill'),
    prolong: call('prolong'),
    renew: call('renew'),
    release: call('release'),
    rotate: call('rotate'),
    lock: call('lock'),
    sweep: call('sweep'),
    heartbeat: call('heartbeat'),
    skeleton: call('skeleton'),
    inspect: call('inspect'),
    reconnect: (what) => reconnects.push(what ?? 'all'),
    close: async () => {},
  }
  let owed = options.owed ?? 0
  let ups = 0
  const gate = new StoreGate(store, {
    clock,
    events,
    timeoutMs: TIMEOUT_MS,
    onAway: () => told.push('away'),
    onNewEpoch: () => forgets(),
    onUp: async () => {
      ups++
    },
    replay: async (behind) => {
      if (options.telling !== undefined) return options.telling()
      const telling = owed
      owed = 0
      if (telling > 0) {
        try {
          await behind.rotate({ stamps: [], keys: [], cause })
        } catch (error) {
          owed += telling
          throw error
        }
      }
      return telling
    },
  })
  events.on('degraded', ({ reason }) => told.push(`degraded: ${reason}`))
  events.on('recovered', ({ replayed }) => told.push(`recovered: ${replayed}`))
  return {
    gate,
    clock,
    told,
    reconnects,
    owe: () => owed++,
    get owed() {
      return owed
    },
    get ups() {
      return ups
    },
    names: () => calls.map(({ name }) => name),
    /** Answers the oldest call of this name that waits. */
    async answer(name: string, value: unknown = nothing): Promise<void> {
      const at = calls.findIndex((one) => one.name === name)
      const [found] = at < 0 ? [] : calls.splice(at, 1)
      if (found === undefined) throw new Error(`${name} was not called`)
      if (value instanceof Error) found.answer.reject(value)
      else found.answer.resolve(value as never)
      await settle()
    },
    async openUp(): Promise<void> {
      const opened = gate.open()
      await this.answer('open')
      await this.answer('heartbeat')
      await opened
    },
  }
}

describe('opening', () => {
  test('open_storeOpens_isUp_afterAHeartbeat', async () => {
    const room = gateOf()
    await expect(room.gate.read([])).rejects.toEqual(errorOf('STORE_UNAVAILABLE'))
    await room.openUp()
    expect(room.gate.status).toBe('connected')
    expect([room.told, room.ups]).toEqual([[], 1])
  })

  test('open_withChangesOwed_tellsThem_beforeAnythingElse', async () => {
    const room = gateOf({ owed: 2 })
    const opened = room.gate.open()
    await room.answer('open')
    await room.answer('heartbeat')
    expect(room.gate.status).toBe('away')
    await room.answer('rotate')
    await opened
    expect(room.gate.status).toBe('connected')
  })

  test('open_notInTime_isTold_andProbed_andUpWhenItComes', async () => {
    const room = gateOf()
    const opened = room.gate.open()
    await room.clock.advance(OPENING_MS)
    await room.answer('heartbeat', new Error('ECONNREFUSED'))
    expect(room.told).toEqual(['away', 'degraded: ECONNREFUSED'])
    await room.clock.advance(50)
    await room.answer('heartbeat')
    await opened
    expect(room.told.slice(2)).toEqual(['recovered: 0'])
  })

  test('distrust_whileOpening_isNoOutage', async () => {
    const room = gateOf()
    const opened = room.gate.open()
    room.owe()
    room.gate.distrust(new Error('queued'))
    expect(room.told).toEqual([])
    await room.answer('open')
    await room.answer('heartbeat')
    await room.answer('rotate')
    await opened
    expect(room.owed).toBe(0)
  })

  test('open_otherSettings_rejects_andProbesOn', async () => {
    const room = gateOf()
    const opened = room.gate.open()
    const refused = expect(opened).rejects.toEqual(errorOf('SETTINGS_MISMATCH'))
    await room.answer('open', new CacheError('SETTINGS_MISMATCH', 'other settings'))
    await refused
    await room.clock.advance(50)
    await room.answer('heartbeat')
    expect(room.gate.status).toBe('connected')
  })

  test('close_beforeItWasUp_rejectsWhoWaits', async () => {
    const room = gateOf()
    const opened = room.gate.open()
    const refused = expect(opened).rejects.toEqual(errorOf('CACHE_CLOSED'))
    await room.gate.close()
    await refused
    await room.clock.advance(60_000)
    expect(room.told).toEqual([])
  })
})

describe('an outage', () => {
  test('call_unanswered_isGivenUpInTime_laterOnesAtOnce', async () => {
    const room = gateOf()
    await room.openUp()
    const read = expect(room.gate.read([])).rejects.toEqual(errorOf('STORE_UNAVAILABLE', /200 ms/))
    await room.clock.advance(TIMEOUT_MS)
    await read
    await expect(room.gate.read([])).rejects.toEqual(errorOf('STORE_UNAVAILABLE', /away/))
    expect(room.told[0]).toBe('away')
    expect(room.names().filter((name) => name === 'read')).toHaveLength(1)
  })

  test('replay_unanswered_isGivenUpToo_andTriedAgain', async () => {
    const room = gateOf()
    await room.openUp()
    room.owe()
    room.gate.distrust(new Error('queued'))
    await room.clock.advance(50)
    await room.answer('heartbeat')
    await room.clock.advance(TIMEOUT_MS)
    expect([room.gate.status, room.owed]).toEqual(['away', 1])
    await room.clock.advance(100)
    await room.answer('heartbeat')
    await room.answer('rotate')
    await room.answer('rotate')
    expect([room.gate.status, room.owed]).toEqual(['connected', 0])
  })

  test('replay_moreIsQueuedMeanwhile_isToldToo_beforeTheGateOpens', async () => {
    const room = gateOf()
    await room.openUp()
    room.owe()
    room.gate.distrust(new Error('queued'))
    await room.clock.advance(50)
    await room.answer('heartbeat')
    room.owe()
    room.gate.distrust(new Error('queued'))
    await room.answer('rotate')
    expect([room.gate.status, room.owed]).toEqual(['away', 0])
    await room.answer('rotate')
    expect(room.gate.status).toBe('connected')
    expect(room.told.at(-1)).toBe('recovered: 2')
  })

  test('recovery_twoAtOnce_areOne_soThatNoneOpensBeforeTheOtherHasTold', async () => {
    const room = gateOf({ owed: 1 })
    const opened = room.gate.open()
    // Late, so that it is probed, while it opens after all.
    await room.clock.advance(OPENING_MS)
    await room.answer('heartbeat')
    await room.answer('open')
    await room.clock.advance(50)
    expect(room.names()).toEqual(['rotate'])
    expect(room.gate.status).toBe('away')
    await room.answer('rotate')
    await opened
    expect(room.gate.status).toBe('connected')
  })

  test('call_ofBeforeTheOutage_thatFailsAfterIt_isNoNewOutage', async () => {
    const room = gateOf()
    await room.openUp()
    const old = expect(room.gate.values([])).rejects.toThrow('closed')
    const failing = expect(room.gate.read([])).rejects.toThrow('reset')
    await room.answer('read', new Error('reset'))
    await failing
    await room.clock.advance(50)
    await room.answer('heartbeat')
    expect(room.gate.status).toBe('connected')
    await room.answer('values', new Error('closed'))
    await old
    expect(room.gate.status).toBe('connected')
  })

  test('probes_growFurtherApart_andMakeConnectionsAnew', async () => {
    const room = gateOf()
    await room.openUp()
    room.gate.distrust(new Error('gone'))
    const probed: number[] = []
    const start = room.clock.monotonic()
    while (probed.length < 8) {
      await room.clock.advance(10)
      if (!room.names().includes('heartbeat')) continue
      probed.push(room.clock.monotonic() - start)
      await room.answer('heartbeat', new Error('still gone'))
    }
    expect(probed).toEqual([50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550])
    expect(room.reconnects).toEqual(['all', 'all'])
  })

  test('store_goneAgainRightAfterItsReturn_isProbedAgain', async () => {
    const room = gateOf()
    await room.openUp()
    room.gate.distrust(new Error('gone'))
    await room.clock.advance(50)
    await room.answer('heartbeat')
    room.gate.distrust(new Error('gone again'))
    expect(room.told.slice(-2)).toEqual(['away', 'degraded: gone again'])
    await room.clock.advance(50)
    await room.answer('heartbeat')
    expect(room.gate.status).toBe('connected')
  })

  test('close_duringAnOutage_endsTheProbes', async () => {
    const room = gateOf()
    await room.openUp()
    room.gate.distrust(new Error('gone'))
    await room.gate.close()
    await room.clock.advance(10_000)
    expect(room.names()).toEqual([])
    expect(room.clock.pending).toBe(0)
  })
})

describe('another epoch than before', () => {
  const at = (epoch: string) => ({ ...nothing, positions: [{ partition: 0, epoch, sequence: 1 }] })

  /** A gate that has dealt with epoch E1, and has something to tell any other one. */
  async function known() {
    const room: ReturnType<typeof gateOf> = gateOf({
      forgets: () => {
        room.owe()
        return true
      },
    })
    const opened = room.gate.open()
    await room.answer('open')
    await room.answer('heartbeat', at('E1'))
    await opened
    return room
  }

  test('read_thatSeesIt_isNotBelieved_andGivesItsClaimBack', async () => {
    const room = await known()
    const item = { key: 'k', shard: 'k', stamps: [], claim: { nonce: 'n', ttlMs: 1, takeOver: false } }
    const read = expect(room.gate.read([item])).rejects.toEqual(errorOf('STORE_UNAVAILABLE'))
    await room.answer('read', { ...at('E2'), results: [{ claim: 'granted' }] })
    await read
    expect(room.names()).toEqual(['rotate', 'release'])
    await room.answer('rotate', at('E2'))
    const after = room.gate.read([])
    await room.answer('read', at('E2'))
    expect((await after).positions).toEqual(at('E2').positions)
    expect(room.told).toEqual([])
  })

  test('read_sentBefore_answeredAfterTheTelling_isNotBelieved', async () => {
    const room = await known()
    const read = expect(room.gate.read([])).rejects.toEqual(errorOf('STORE_UNAVAILABLE'))
    const beat = room.gate.heartbeat()
    await room.answer('heartbeat', at('E2'))
    await room.answer('rotate', at('E2'))
    await beat
    await room.answer('read', at('E2'))
    await read
  })

  test('calls_meanwhile_waitForTheTelling', async () => {
    const room = await known()
    const beat = room.gate.heartbeat()
    await room.answer('heartbeat', at('E2'))
    const read = room.gate.read([])
    await settle()
    expect(room.names()).toEqual(['rotate'])
    await room.answer('rotate', at('E2'))
    await beat
    await room.answer('read', at('E2'))
    await read
  })

  test('change_thatSeesIt_isDone_onceTheOthersAreTold', async () => {
    const room = await known()
    let done = false
    const change = room.gate.rotate({ stamps: [], keys: [], cause }).then(() => {
      done = true
    })
    await room.answer('rotate', at('E2'))
    expect([done, room.names()]).toEqual([false, ['rotate']])
    await room.answer('rotate', at('E2'))
    await change
    expect(room.told).toEqual([])
  })

  test('telling_thatFails_isAnOutage_andNothingIsForgotten', async () => {
    const room = await known()
    const beat = room.gate.heartbeat()
    await room.answer('heartbeat', at('E2'))
    await room.answer('rotate', new Error('reset'))
    await beat
    expect(room.told).toEqual(['away', 'degraded: reset'])
    expect(room.owed).toBe(1)
    await room.clock.advance(50)
    await room.answer('heartbeat', at('E2'))
    await room.answer('rotate', at('E2'))
    expect(room.told.slice(2)).toEqual(['recovered: 1'])
  })

  test('telling_thatTakesLongerThanAnyCall_isAnOutage_untilItIsDone', async () => {
    let slow: Deferred<number> | undefined
    const room = gateOf({
      forgets: () => true,
      // Of many steps, such as a search of all keys: none takes long, all of them do.
      telling: () => slow?.promise ?? Promise.resolve(0),
    })
    const opened = room.gate.open()
    await room.answer('open')
    await room.answer('heartbeat', at('E1'))
    await opened
    slow = deferred<number>()
    const rotating = room.gate.rotate({ stamps: [], keys: [], cause })
    await room.answer('rotate', at('E2'))
    const reading = expect(room.gate.read([])).rejects.toEqual(errorOf('STORE_UNAVAILABLE'))
    await room.clock.advance(TIMEOUT_MS)
    await reading
    // Done is done, whatever else the store has still to be told.
    expect((await rotating).positions).toEqual(at('E2').positions)
    await room.clock.advance(50)
    await room.answer('heartbeat', at('E2'))
    expect(room.gate.status).toBe('away')
    slow.resolve(0)
    await settle()
    expect([room.gate.status, room.told.slice(2)]).toEqual(['connected', ['recovered: 0']])
  })

  test('found_byAProbe_isTold_beforeTheGateOpens', async () => {
    const room = await known()
    room.gate.distrust(new Error('gone'))
    await room.clock.advance(50)
    await room.answer('heartbeat', at('E2'))
    expect(room.gate.status).toBe('away')
    await room.answer('rotate', at('E2'))
    expect(room.gate.status).toBe('connected')
  })
})
