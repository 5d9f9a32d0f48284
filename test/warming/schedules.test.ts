import { type Cache, defineKeys, type } from 'coherent-cache'
import { type ManualClock, manualClock, memoryStore, settle } from 'coherent-cache/testing'
import {
  createWarming,
  type Schedule,
  type Warming,
  type WarmingOptions,
  warmItem,
} from 'coherent-cache/warming'
import { Cron } from 'croner'
import { afterEach, describe, expect, test } from 'vitest'
import { deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const keys = defineKeys({ bundle: { key: 'bundle:{orgId}', value: type<number>(), ttl: '30d' } })

const opened: Warming[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((warming) => warming.close().catch(() => {})))
})

function open(cache: Cache, options: WarmingOptions = {}): Warming {
  const warming = createWarming(cache, { Cron, term: '5m', ...options })
  opened.push(warming)
  return warming
}

/** A schedule at midnight, and what its runs loaded. */
function nightly(
  options: Partial<Schedule> = {},
  load: (orgId: number, signal: AbortSignal) => number | Promise<number> = (id) => id,
) {
  const loaded: number[] = []
  const schedule: Schedule = {
    cron: '0 0 * * *',
    plan: function* () {
      for (const orgId of [1, 2, 3])
        yield warmItem(keys.bundle({ orgId }), ({ signal }) => {
          loaded.push(orgId)
          return load(orgId, signal)
        })
    },
    ...options,
  }
  return { schedule, loaded, schedules: { nightly: schedule } }
}

async function only(warming: Warming | undefined) {
  const status = await (warming as Warming).status()
  const [schedule] = status.schedules
  if (schedule === undefined) throw new Error('There is no schedule.')
  return { ...status, ...schedule }
}

describe('a fleet', () => {
  test('oneProcessRunsIt_everyProcessSeesLastAndNextRun', async () => {
    const { fleet, clock } = await openFleet(3, { keys })
    const { loaded, schedules } = nightly()
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    expect(warmings.filter(({ leads }) => leads)).toHaveLength(1)
    await clock.advance(24 * HOUR)
    expect(loaded).toEqual([1, 2, 3])
    for (const warming of warmings) {
      const { last, next, runs, failures, leader, running, off } = await only(warming)
      expect(last).toMatchObject({
        status: 'done',
        reason: 'due',
        due: new Date('2026-01-02T00:00:00Z'),
        warmed: 3,
        failed: 0,
        by: leader,
        attempt: 1,
      })
      expect(next).toEqual(new Date('2026-01-03T00:00:00Z'))
      expect([runs, failures, running, off]).toEqual([1, 0, false, false])
    }
    await clock.advance(24 * HOUR)
    expect((await only(warmings[2])).last).toMatchObject({ warmed: 0, fresh: 3 })
  })

  test('aLeaderThatCloses_isFollowedAtOnce', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    const { loaded, schedules } = nightly()
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    const first = warmings.findIndex(({ leads }) => leads)
    await fleet[first]?.close()
    await clock.advance(2 * MINUTE)
    expect(warmings[1 - first]?.leads).toBe(true)
    expect(warmings[first]?.leads).toBe(false)
    await clock.advance(24 * HOUR)
    expect(loaded).toEqual([1, 2, 3])
  })

  test('aRunIsCutShort_byTheEndOfItsLeader_andResumedByTheNext', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    let stuck = true
    const { loaded, schedules } = nightly({ concurrency: 1 }, (orgId, signal) => {
      if (!stuck || orgId !== 2) return orgId
      return new Promise((_, reject) => signal.addEventListener('abort', reject))
    })
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    const first = warmings.findIndex(({ leads }) => leads)
    await clock.advance(24 * HOUR)
    expect(loaded).toEqual([1, 2])
    expect(await only(warmings[1 - first])).toMatchObject({ running: true, last: { status: 'running' } })
    await warmings[first]?.close()
    stuck = false
    await clock.advance(5 * MINUTE)
    expect(loaded).toEqual([1, 2, 2, 3])
    expect((await only(warmings[1 - first])).last).toMatchObject({
      status: 'done',
      reason: 'resumed',
      attempt: 2,
      due: new Date('2026-01-02T00:00:00Z'),
      fresh: 1,
      warmed: 2,
    })
  })

  test('missedWhileNobodyLed_isMadeUp', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { loaded, schedules } = nightly()
    const before = openCache({ name: 'shop-missed', instance: 'before', keys, store, clock }).cache
    await before.ready()
    open(before, { schedules })
    await clock.advance(HOUR)
    await before.close()
    await clock.advance(30 * HOUR)
    expect(loaded).toEqual([])
    const after = openCache({ name: 'shop-missed', instance: 'after', keys, store, clock }).cache
    await after.ready()
    const warming = open(after, { schedules })
    await clock.advance(MINUTE)
    expect(loaded).toEqual([1, 2, 3])
    expect((await only(warming)).last).toMatchObject({
      reason: 'missed',
      due: new Date('2026-01-02T00:00:00Z'),
    })
    expect((await only(warming)).next).toEqual(new Date('2026-01-03T00:00:00Z'))
  })

  test('startedByHand_inAnyProcess_runsWhereItIsLed', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    const { loaded, schedules } = nightly({ cron: undefined })
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    const leads = warmings.findIndex((one) => one.leads)
    await warmings[1 - leads]?.start('nightly')
    expect(await only(warmings[leads])).toMatchObject({ asked: true, last: undefined })
    await clock.advance(2 * MINUTE)
    expect(loaded).toEqual([1, 2, 3])
    const { last, asked, next } = await only(warmings[1 - leads])
    expect([last?.reason, asked, next]).toEqual(['asked', false, undefined])
    await expect(warmings[0]?.start('nightlie')).rejects.toEqual(errorOf('INVALID_ARGUMENT', /"nightly"/))
  })

  test('atTheStartOfTheFleet_runsOnce', async () => {
    const { fleet, clock } = await openFleet(3, { keys })
    const { loaded, schedules } = nightly({ atStart: '1h' })
    const warmings = fleet.slice(0, 2).map((cache) => open(cache, { schedules }))
    await clock.advance(5 * MINUTE)
    expect(loaded).toEqual([1, 2, 3])
    const third = open(fleet[2] as Cache, { schedules })
    await clock.advance(10 * MINUTE)
    expect(await only(third)).toMatchObject({ runs: 1, last: { reason: 'start' } })
    expect((await only(warmings[0])).asked).toBe(false)
    await third.close()
    await clock.advance(2 * HOUR)
    open(fleet[2] as Cache, { schedules })
    await clock.advance(10 * MINUTE)
    expect((await only(warmings[0])).runs).toBe(2)
  })

  test('aProcessThatMayNotLead_sees_asks_andChanges', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    const { loaded, schedules } = nightly()
    const observer = open(fleet[0] as Cache, { schedules, lead: false })
    await clock.advance(HOUR)
    expect(observer.leads).toBe(false)
    expect(fleet[0]?.health().parts.warming).toMatchObject({ status: 'stopped', leader: undefined })
    await observer.start('nightly')
    await clock.advance(HOUR)
    expect(loaded).toEqual([])
    open(fleet[1] as Cache, { schedules })
    await clock.advance(10 * MINUTE)
    expect(loaded).toEqual([1, 2, 3])
    expect(fleet[0]?.health().parts.warming).toMatchObject({ status: 'ok', reason: undefined })
  })
})

describe('a process that was paused', () => {
  /** Two processes whose clocks can be stopped, and a store whose clock goes on. */
  async function fleetOfClocks(schedules: Readonly<Record<string, Schedule>>, name: string) {
    const storeClock = manualClock()
    const store = memoryStore({ clock: storeClock })
    const make = async (instance: string) => {
      const clock = manualClock()
      const { cache } = openCache({ name, instance, keys, store, clock, loadWait: '1s' })
      await cache.ready()
      return { clock, cache, warming: open(cache, { schedules }) }
    }
    const one = await make('one')
    await settle()
    const other = await make('other')
    const advance = async (milliseconds: number, clocks: readonly ManualClock[]) => {
      for (let passed = 0; passed < milliseconds; passed += MINUTE)
        for (const clock of [storeClock, ...clocks]) await clock.advance(MINUTE)
    }
    return { one, other, advance }
  }

  test('leadsNoMore_whateverItBelieves_andWhatItWritesIsRefused', async () => {
    const held = deferred<number>()
    let stuck = true
    const { loaded, schedules } = nightly({ cron: undefined, concurrency: 1 }, (orgId) =>
      stuck && orgId === 2 ? held.promise : orgId,
    )
    const { one, other, advance } = await fleetOfClocks(schedules, 'paused')
    await one.warming.start('nightly')
    await settle()
    expect(loaded).toEqual([1, 2])
    // One stands still, its load half done; the other takes over and does the work.
    stuck = false
    await advance(10 * MINUTE, [other.clock])
    expect(other.warming.leads).toBe(true)
    const resumed = await only(other.warming)
    expect(resumed.last).toMatchObject({ status: 'done', reason: 'resumed', warmed: 2, fresh: 1 })
    // One wakes: by its own clock no time has passed, so that only the store can tell it.
    expect(one.warming.leads).toBe(true)
    held.resolve(2)
    await settle()
    await settle()
    expect((await only(other.warming)).last).toEqual(resumed.last)
    await one.clock.advance(2 * MINUTE)
    expect(one.warming.leads).toBe(false)
    expect((await only(one.warming)).last).toEqual(resumed.last)
  })

  test('whoseClockWentOn_stopsBeforeItDoesAnythingElse', async () => {
    const held = deferred<number>()
    const { loaded, schedules } = nightly({ cron: undefined, concurrency: 1 }, (orgId) =>
      orgId === 1 ? held.promise : orgId,
    )
    const clock = manualClock()
    let cut = false
    const store = memoryStore({
      clock,
      schedule: (step, _, process) => {
        if (!cut || !process.includes('#one')) queueMicrotask(step)
      },
    })
    const { cache } = openCache({ name: 'cut', instance: 'one', keys, store, clock })
    await cache.ready()
    const ended: unknown[] = []
    cache.on('warming', ({ phase, status }) => phase === 'ended' && ended.push(status))
    const lost: string[] = []
    cache.on('lead', ({ held: leads, reason }) => {
      if (!leads) lost.push(reason)
    })
    const warming = open(cache, { schedules })
    await settle()
    await warming.start('nightly')
    await settle()
    expect([warming.leads, loaded]).toEqual([true, [1]])
    cut = true
    await clock.advance(4 * MINUTE)
    expect(warming.leads).toBe(true)
    // A tenth of the term before it ends in the store.
    await clock.advance(MINUTE)
    expect(warming.leads).toBe(false)
    expect(lost).toHaveLength(1)
    expect(ended).toEqual(['aborted'])
    held.resolve(1)
    await clock.advance(MINUTE)
    expect(loaded).toEqual([1])
    cut = false
    await clock.advance(5 * MINUTE)
    expect(warming.leads).toBe(true)
    expect((await only(warming)).last).toMatchObject({ status: 'done', reason: 'resumed' })
  })
})

describe('changes', () => {
  test('areSeenByAll_andTakenBack', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    const { loaded, schedules } = nightly()
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    const [one, other] = warmings as [Warming, Warming]
    await clock.advance(MINUTE)
    await other.set('nightly', { cron: '30 6 * * *', timeZone: 'Asia/Kolkata' })
    expect(await only(one)).toMatchObject({
      cron: '30 6 * * *',
      timeZone: 'Asia/Kolkata',
      changed: true,
      next: new Date('2026-01-01T01:00:00Z'),
    })
    await clock.advance(HOUR)
    expect(loaded).toEqual([1, 2, 3])
    await one.set('nightly', null)
    expect(await only(other)).toMatchObject({ cron: '0 0 * * *', timeZone: 'UTC', changed: false })
    await clock.advance(23 * HOUR)
    expect((await only(one)).runs).toBe(2)
  })

  test('whatIsNoSchedule_isRefused_andNothingChanged', async () => {
    const { cache } = openCache({ keys })
    const warming = open(cache, { schedules: nightly().schedules })
    await expect(warming.set('nightly', { cron: 'whenever' })).rejects.toEqual(errorOf('INVALID_OPTION'))
    await expect(warming.set('nightly', { timezone: 'UTC' } as never)).rejects.toEqual(
      errorOf('INVALID_OPTION', /timeZone/),
    )
    expect((await only(warming)).changed).toBe(false)
  })

  test('switchedOff_doesNotRun_stopsARun_andOnAgain', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    const held = deferred<number>()
    const { loaded, schedules } = nightly({ concurrency: 1 }, () => held.promise)
    const [one, other] = fleet.map((cache) => open(cache, { schedules })) as [Warming, Warming]
    await clock.advance(24 * HOUR + MINUTE)
    expect(loaded).toEqual([1])
    await other.set('nightly', { off: true })
    await clock.advance(2 * MINUTE)
    expect(await only(one)).toMatchObject({
      off: true,
      running: false,
      next: undefined,
      last: { status: 'aborted', error: 'It was switched off.' },
    })
    expect(fleet[0]?.health().parts.warming).toMatchObject({
      status: 'stopped',
      reason: 'Every schedule is switched off.',
      off: ['nightly'],
    })
    held.resolve(1)
    await clock.advance(48 * HOUR)
    expect(loaded).toEqual([1])
    await one.set('nightly', { off: false })
    await clock.advance(HOUR)
    expect(loaded).toEqual([1])
    await clock.advance(24 * HOUR)
    expect((await only(one)).runs).toBe(2)
  })

  test('added_andRemoved_perTenant', async () => {
    const { cache, clock } = openCache({ keys })
    const warming = open(cache)
    await settle()
    const { schedule, loaded } = nightly({ timeZone: 'Asia/Kolkata' })
    warming.add('bundles:7', schedule)
    expect(() => warming.add('bundles:7', schedule)).toThrow(errorOf('INVALID_ARGUMENT') as Error)
    await clock.advance(19 * HOUR)
    expect(loaded).toEqual([1, 2, 3])
    await warming.remove('bundles:7')
    await clock.advance(48 * HOUR)
    expect(loaded).toEqual([1, 2, 3])
    expect((await warming.status()).schedules).toEqual([])
  })
})

describe('a run', () => {
  test('thatFails_isOnRecord_andInHealth_untilOneThatDoesNot', async () => {
    const { cache, clock } = openCache({ keys })
    let broken = true
    const { schedules } = nightly({}, (orgId) => {
      if (broken) throw new Error('no database')
      return orgId
    })
    const warming = open(cache, { schedules })
    await clock.advance(24 * HOUR)
    expect((await only(warming)).last).toMatchObject({ status: 'failed', failed: 3, error: 'no database' })
    expect(cache.health().parts.warming).toMatchObject({
      status: 'degraded',
      reason: 'The last run failed: nightly (no database).',
    })
    broken = false
    await clock.advance(24 * HOUR)
    expect(await only(warming)).toMatchObject({ runs: 2, failures: 1, last: { status: 'done', warmed: 3 } })
    expect(cache.health().parts.warming).toMatchObject({ status: 'ok' })
  })

  test('oneTenantsFailure_doesNotFailIt', async () => {
    const { cache, clock } = openCache({ keys })
    const { schedules } = nightly({}, (orgId) => {
      if (orgId === 2) throw new Error('tenant 2')
      return orgId
    })
    const warming = open(cache, { schedules })
    await clock.advance(24 * HOUR)
    expect((await only(warming)).last).toMatchObject({
      status: 'done',
      warmed: 2,
      failed: 1,
      error: 'tenant 2',
    })
    expect(cache.health().status).toBe('ok')
  })

  test('longerThanItsTimeout_isStopped', async () => {
    const { cache, clock } = openCache({ keys })
    const { schedules } = nightly({ timeout: '1m' }, () => new Promise(() => {}))
    const warming = open(cache, { schedules })
    await clock.advance(24 * HOUR + 2 * MINUTE)
    expect((await only(warming)).last).toMatchObject({
      status: 'aborted',
      error: 'It ran longer than its timeout of 60000 ms.',
      durationMs: MINUTE,
    })
  })

  test('longerThanItsInterval_doesNotOverlapItself', async () => {
    const { cache, clock } = openCache({ keys })
    const held = deferred<number>()
    const { schedules, loaded } = nightly({ cron: '*/10 * * * *', concurrency: 1 }, () => held.promise)
    const warming = open(cache, { schedules })
    await clock.advance(45 * MINUTE)
    expect(loaded).toEqual([1])
    held.resolve(1)
    await settle()
    expect(await only(warming)).toMatchObject({ runs: 1, next: new Date('2026-01-01T00:50:00Z') })
  })

  test('asManyAsAllowed_runAtOnce_inTheOrderOfTheirTimes', async () => {
    const { cache, clock } = openCache({ keys })
    const began: string[] = []
    const ends = new Map<string, () => void>()
    const schedule = (name: string): Schedule => ({
      cron: '0 1 * * *',
      plan: async function* () {
        began.push(name)
        await new Promise<void>((resolve) => {
          ends.set(name, resolve)
        })
      },
    })
    open(cache, { runsAtOnce: 2, schedules: { a: schedule('a'), b: schedule('b'), c: schedule('c') } })
    await clock.advance(HOUR)
    expect(began).toEqual(['a', 'b'])
    ends.get('b')?.()
    await settle()
    await settle()
    expect(began).toEqual(['a', 'b', 'c'])
  })

  test('askedForInsideATransaction_isNotInsideIt', async () => {
    const { cache, clock } = openCache({ keys })
    const { schedules } = nightly({ cron: undefined })
    const warming = open(cache, { schedules })
    await settle()
    const unit = cache.unitOfWork()
    await unit.run(async () => {
      await warming.start('nightly')
      await clock.advance(MINUTE)
    })
    await unit.rollback()
    expect((await only(warming)).last).toMatchObject({ warmed: 3 })
    expect(cache.peek(keys.bundle({ orgId: 1 }))).toBe(1)
  })

  test('emitsEvents_underItsName', async () => {
    const { cache, clock } = openCache({ keys })
    const told: unknown[] = []
    cache.on('warming', ({ plan, phase, status }) => told.push([plan, phase, status]))
    cache.on('lead', ({ title, held }) => told.push([title, held]))
    open(cache, { schedules: nightly().schedules })
    await clock.advance(24 * HOUR)
    expect(told).toEqual([
      ['warming', true],
      ['nightly', 'started', undefined],
      ['nightly', 'ended', 'done'],
    ])
  })
})

describe('trouble', () => {
  test('aStoreThatLostEverything_isLedAnew_underAGreaterFence', async () => {
    const { fleet, clock, store } = await openFleet(2, { keys })
    const fences: number[] = []
    for (const cache of fleet) cache.on('lead', ({ held, fence }) => held && fences.push(fence))
    const { loaded, schedules } = nightly()
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    store.flush()
    await clock.advance(24 * HOUR)
    expect(warmings.filter(({ leads }) => leads)).toHaveLength(1)
    expect(fences).toHaveLength(2)
    expect(fences[1]).toBeGreaterThan(fences[0] as number)
    expect(loaded).toEqual([1, 2, 3])
  })

  test('aFailover_thatForgotTheLock_isLedByOne_andWhatTheFirstWritesIsRefused', async () => {
    const { fleet, clock, store } = await openFleet(2, { keys })
    const promote = store.replica()
    const { loaded, schedules } = nightly({ cron: undefined, concurrency: 1 }, (orgId, signal) =>
      orgId === 3 ? new Promise((_, reject) => signal.addEventListener('abort', reject)) : orgId,
    )
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    await warmings[0]?.start('nightly')
    await clock.advance(2 * MINUTE)
    expect(loaded).toEqual([1, 2, 3])
    const first = warmings.findIndex(({ leads }) => leads)
    promote()
    await clock.advance(5 * MINUTE)
    expect(warmings.filter(({ leads }) => leads)).toHaveLength(1)
    // The record of the run is lost with the lock: nothing says that it ran, and nothing that it ended.
    expect(await only(warmings[first])).toMatchObject({ running: false, last: undefined })
  })

  test('anOldPrimaryThatGoesOn_isLedToo_untilItsProcessLeavesIt', async () => {
    const { fleet, clock, store } = await openFleet(2, { keys })
    const { schedules } = nightly({ cron: undefined })
    const warmings = fleet.map((cache) => open(cache, { schedules }))
    await clock.advance(MINUTE)
    const first = warmings.findIndex(({ leads }) => leads)
    const move = store.split()
    move((process) => process.includes(`#i${1 - first}`))
    await clock.advance(10 * MINUTE)
    // Two, as documented: each leads what its own store knows of.
    expect(warmings.map(({ leads }) => leads)).toEqual([true, true])
    await warmings[1 - first]?.start('nightly')
    await clock.advance(MINUTE)
    const done = await only(warmings[1 - first])
    expect(done.last).toMatchObject({ status: 'done', warmed: 3 })
    move(() => true)
    await clock.advance(3 * MINUTE)
    expect(warmings[first]?.leads).toBe(false)
    expect(warmings[1 - first]?.leads).toBe(true)
    expect((await only(warmings[first])).last).toEqual(done.last)
  })

  test('recordsOfAnotherVersion_areLeftOut', async () => {
    const { fleet, clock, store, name } = await openFleet(1, { keys })
    const { loaded, schedules } = nightly()
    const warming = open(fleet[0] as Cache, { schedules })
    await clock.advance(MINUTE)
    const session = { name, namespace: name } as Parameters<typeof store.connect>[0]
    const { leads } = store.connect({ ...session, clock, process: 'x' })
    const entries = new Map([
      ['run:nightly', '{"through":"soon"}'],
      ['set:nightly', '7'],
      ['ask:nightly', 'not JSON'],
    ])
    await leads?.record({ title: 'warming', entries })
    await clock.advance(24 * HOUR)
    expect(loaded).toEqual([1, 2, 3])
    expect((await only(warming)).changed).toBe(false)
  })

  test('aChangeThatThisProcessCannotRead_leavesItsOwnInForce_withAWarning', async () => {
    const { fleet, clock, store, name } = await openFleet(1, { keys })
    const warnings: string[] = []
    fleet[0]?.on('warning', ({ message }) => warnings.push(message))
    const { loaded, schedules } = nightly()
    open(fleet[0] as Cache, { schedules })
    await clock.advance(MINUTE)
    const session = { name, namespace: name } as Parameters<typeof store.connect>[0]
    const { leads } = store.connect({ ...session, clock, process: 'x' })
    await leads?.record({
      title: 'warming',
      entries: new Map([['set:nightly', '{"cron":"@never","at":1,"by":"x"}']]),
    })
    await clock.advance(24 * HOUR)
    expect(loaded).toEqual([1, 2, 3])
    expect(warnings[0]).toMatch(/@never/)
  })

  test('closed_refusesChanges', async () => {
    const { cache } = openCache({ keys })
    const warming = open(cache, { schedules: nightly().schedules })
    await cache.close({ timeout: 0 })
    await expect(warming.start('nightly')).rejects.toEqual(errorOf('CACHE_CLOSED'))
    expect(cache.health().parts).toEqual({})
  })

  test.each([
    [{ schedules: { nightly: { plan: [] as never } } }, 'INVALID_OPTION'],
    [{ schedules: { 'a b': { plan: () => [] } } }, 'INVALID_OPTION'],
    [{ schedules: { a: { plan: () => [], cron: '0 0 * * *' } }, Cron: undefined }, 'INVALID_OPTION'],
    [{ schedules: { a: { plan: () => [], timezone: 'UTC' } as never } }, 'INVALID_OPTION'],
    [{ schedules: { a: { plan: () => [], atStart: 'soon' as never } } }, 'INVALID_DURATION'],
    [{ Cron: {} as never }, 'INVALID_OPTION'],
    [{ term: '10ms' as const }, 'INVALID_DURATION'],
    [{ runsAtOnce: 0 }, 'INVALID_OPTION'],
    [{ title: 'a title' }, 'INVALID_OPTION'],
  ] as const)('bad options %j are refused', async (options, code) => {
    const { cache } = openCache({ keys })
    expect(() => createWarming(cache, { Cron, ...(options as WarmingOptions) })).toThrow(
      errorOf(code) as Error,
    )
  })
})
