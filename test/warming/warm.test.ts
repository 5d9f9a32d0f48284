import { defineKeys, isCacheError, type } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { familyLoader, type WarmItem, type WarmingProgress, warm, warmItem } from 'coherent-cache/warming'
import { describe, expect, test, vi } from 'vitest'
import { deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({
  bundle: { key: 'bundle:{orgId}', value: type<number>(), ttl: '5m' },
  limited: { key: 'limited:{id}', value: type<number>(), loads: { concurrency: 1, queue: 0 } },
  never: { key: 'never:{id}', value: type<number>(), ttl: 0 },
})
const quiet = { progress: false } as const

function* tenants(
  count: number,
  load: (orgId: number) => number | Promise<number> = (id) => id,
): Iterable<WarmItem> {
  for (let orgId = 0; orgId < count; orgId++) yield warmItem(keys.bundle({ orgId }), () => load(orgId))
}

describe('warm', () => {
  test('loads_everyKey_soThatReadersHit', async () => {
    const { cache } = openCache({ keys })
    const result = await warm(cache, tenants(20), quiet)
    expect(result).toMatchObject({
      status: 'done',
      seen: 20,
      warmed: 20,
      fresh: 0,
      failed: 0,
      error: undefined,
    })
    expect(cache.peek(keys.bundle({ orgId: 19 }))).toBe(19)
  })

  test('keysThatAreFresh_areNotLoaded', async () => {
    const { cache } = openCache({ keys })
    await cache.get(keys.bundle({ orgId: 1 }), () => 100)
    const result = await warm(cache, tenants(3), quiet)
    expect(result).toMatchObject({ warmed: 2, fresh: 1 })
    expect(cache.peek(keys.bundle({ orgId: 1 }))).toBe(100)
  })

  test('failures_areReported_andTheRestIsDone', async () => {
    const { cache } = openCache({ keys })
    const plan = tenants(5, (orgId) => {
      if (orgId === 2) throw new Error('tenant 2 is broken')
      return orgId
    })
    const result = await warm(cache, plan, quiet)
    expect(result).toMatchObject({ status: 'done', warmed: 4, failed: 1 })
    expect(result.failures).toEqual([{ key: 'bundle:2', error: new Error('tenant 2 is broken') }])
  })

  test('failures_aHundredAreKept_allAreCounted', async () => {
    const { cache } = openCache({ keys })
    const plan = tenants(150, () => {
      throw new Error('no database')
    })
    const result = await warm(cache, plan, quiet)
    expect([result.failed, result.failures.length]).toEqual([150, 100])
  })

  test('whatIsNotKept_isToldApart', async () => {
    const { cache } = openCache({ keys })
    const plan = [
      warmItem(keys.never({ id: 1 }), () => 1),
      warmItem(keys.bundle({ orgId: 1 }), (context) => {
        context.skip()
        return 1
      }),
    ]
    expect(await warm(cache, plan, quiet)).toMatchObject({ seen: 2, warmed: 0, unkept: 2 })
  })

  test('whatIsPastItsLifetime_isLoaded_evenWhereReadersWouldBeAnsweredIt', async () => {
    const { cache, clock } = openCache({ keys, staleWhileRevalidate: '1h', staleIfError: '1h' })
    await cache.get(keys.bundle({ orgId: 0 }), () => 100)
    await clock.advance(6 * 60_000)
    const failing = tenants(1, () => {
      throw new Error('no database')
    })
    expect(await warm(cache, failing, quiet)).toMatchObject({ warmed: 0, fresh: 0, failed: 1 })
    expect(await warm(cache, tenants(1), quiet)).toMatchObject({ warmed: 1, fresh: 0 })
    expect(cache.peek(keys.bundle({ orgId: 0 }))).toBe(0)
  })

  test('whatIsInvalidatedWhileItLoads_isNotKept', async () => {
    const { cache } = openCache({ keys })
    const load = deferred<number>()
    const running = warm(cache, [warmItem(keys.bundle({ orgId: 1 }), () => load.promise)], quiet)
    await settle()
    await cache.invalidate({ keys: [keys.bundle({ orgId: 1 })] })
    load.resolve(1)
    expect(await running).toMatchObject({ warmed: 0, unkept: 1 })
    expect(cache.peek(keys.bundle({ orgId: 1 }))).toBeUndefined()
  })

  test('concurrency_isNotExceeded_andUsed', async () => {
    const { cache } = openCache({ keys })
    let running = 0
    let most = 0
    const plan = tenants(30, async (orgId) => {
      most = Math.max(most, ++running)
      await settle()
      running--
      return orgId
    })
    await warm(cache, plan, { ...quiet, concurrency: 3 })
    expect(most).toBe(3)
  })

  test('manyKeys_areNeverGathered', async () => {
    const { cache } = openCache({ keys, memory: { maxEntries: 10 } })
    let drawn = 0
    let furthest = 0
    let loaded = 0
    async function* million() {
      for (let orgId = 0; orgId < 20_000; orgId++) {
        furthest = Math.max(furthest, ++drawn - loaded)
        yield warmItem(keys.bundle({ orgId }), () => {
          loaded++
          return orgId
        })
      }
    }
    expect(await warm(cache, million, { ...quiet, concurrency: 4 })).toMatchObject({ warmed: 20_000 })
    expect(furthest).toBeLessThanOrEqual(5)
  })

  test('rate_spreadsLoads_andCountsNoFreshKey', async () => {
    const { cache, clock } = openCache({ keys })
    for (let orgId = 0; orgId < 50; orgId++) await cache.get(keys.bundle({ orgId }), () => 0)
    const loadedAt: number[] = []
    const began = clock.monotonic()
    const running = warm(
      cache,
      tenants(60, () => {
        loadedAt.push(clock.monotonic() - began)
        return 1
      }),
      { ...quiet, rate: 10, concurrency: 1 },
    )
    await clock.advance(2_000)
    expect(await running).toMatchObject({ warmed: 10, fresh: 50 })
    const gaps = loadedAt.slice(1).map((at, index) => at - (loadedAt[index] as number))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(99.9)
    expect(loadedAt.at(-1)).toBeLessThanOrEqual(1_100)
  })

  test('loadLimits_hold_andAreWaitedFor', async () => {
    const { cache, clock } = openCache({ keys })
    const inTheWay = deferred<number>()
    const reader = cache.get(keys.limited({ id: 'reader' }), () => inTheWay.promise)
    const running = warm(cache, [warmItem(keys.limited({ id: 'warm' }), () => 1)], quiet)
    await clock.advance(150)
    expect(cache.peek(keys.limited({ id: 'warm' }))).toBeUndefined()
    inTheWay.resolve(0)
    await reader
    await clock.advance(2_000)
    expect(await running).toMatchObject({ status: 'done', warmed: 1, failed: 0 })
  })

  test('loadLimits_fullForLong_failTheKeyWithOverloaded', async () => {
    const { cache, clock } = openCache({ keys })
    const inTheWay = deferred<number>()
    void cache.get(keys.limited({ id: 'reader' }), () => inTheWay.promise)
    const running = warm(cache, [warmItem(keys.limited({ id: 'warm' }), () => 1)], quiet)
    await clock.advance(60_000)
    const { failures } = await running
    expect(failures.map(({ error }) => isCacheError(error, 'OVERLOADED'))).toEqual([true])
    inTheWay.resolve(0)
  })

  test('aborted_endsAtOnce_abortsItsLoads_andLeavesThePlan', async () => {
    const { cache } = openCache({ keys })
    const abort = new AbortController()
    let left = false
    let aborted = false
    async function* endless() {
      try {
        for (let orgId = 0; ; orgId++)
          yield warmItem(keys.bundle({ orgId }), ({ signal }) => {
            signal.addEventListener('abort', () => {
              aborted = true
            })
            return new Promise<number>(() => {})
          })
      } finally {
        left = true
      }
    }
    const running = warm(cache, endless, { ...quiet, concurrency: 2, signal: abort.signal })
    await settle()
    abort.abort(new Error('enough'))
    expect(await running).toMatchObject({
      status: 'aborted',
      seen: 2,
      warmed: 0,
      failed: 0,
      error: new Error('enough'),
    })
    await settle()
    expect([left, aborted]).toEqual([true, true])
  })

  test('aborted_whileThePlanHangs_endsAtOnce', async () => {
    const { cache } = openCache({ keys })
    const abort = new AbortController()
    const plan = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    const running = warm(cache, plan, { ...quiet, signal: abort.signal })
    await settle()
    abort.abort()
    expect((await running).status).toBe('aborted')
  })

  test('abortedBefore_readsNothingOfThePlan', async () => {
    const { cache } = openCache({ keys })
    let asked = false
    const plan = () => {
      asked = true
      return tenants(1)
    }
    expect(await warm(cache, plan, { ...quiet, signal: AbortSignal.abort() })).toMatchObject({
      status: 'aborted',
      seen: 0,
    })
    expect(asked).toBe(false)
  })

  test('aPlanThatThrows_failsTheRun_andWhatWasBegunIsDone', async () => {
    const { cache } = openCache({ keys })
    async function* broken() {
      yield* tenants(2)
      throw new Error('the query for tenants failed')
    }
    expect(await warm(cache, broken, quiet)).toMatchObject({
      status: 'failed',
      warmed: 2,
      error: new Error('the query for tenants failed'),
    })
  })

  test('whatIsNoItem_isAFailure_andTheRestIsDone', async () => {
    const { cache } = openCache({ keys })
    const plan = [{ key: 'bundle:1' } as WarmItem, ...tenants(1)]
    const { failures, warmed } = await warm(cache, plan, quiet)
    expect(warmed).toBe(1)
    expect(failures).toEqual([{ key: 'bundle:1', error: errorOf('INVALID_ARGUMENT') }])
  })

  test.each([5, 'bundle:1', null, undefined, {}])(
    '%j, which is no plan, is refused at once',
    async (plan) => {
      const { cache } = openCache({ keys })
      const told = vi.fn()
      cache.on('warming', told)
      await expect(warm(cache, plan as never, quiet)).rejects.toEqual(errorOf('INVALID_ARGUMENT', /no plan/))
      expect(told).not.toHaveBeenCalled()
    },
  )

  test('functionThatGivesNoPlan_fails', async () => {
    const { cache } = openCache({ keys })
    expect(await warm(cache, () => 7 as never, quiet)).toMatchObject({
      status: 'failed',
      error: errorOf('INVALID_ARGUMENT', /no plan/),
    })
  })

  test('insideAUnit_isRefused', async () => {
    const { cache } = openCache({ keys })
    const unit = cache.unitOfWork()
    await (unit as unknown as { run(body: () => Promise<void>): Promise<void> }).run(async () => {
      await expect(warm(cache, tenants(1), quiet)).rejects.toEqual(errorOf('INSIDE_UNIT'))
    })
    await unit.rollback()
  })

  test.each([
    { concurrency: 0 },
    { rate: 0 },
    { rate: Number.NaN },
    { total: -1 },
    { signal: {} as AbortSignal },
    { progress: true as never },
    { onProgress: 7 as never },
    { paralell: 3 } as never,
  ])('bad options %j are refused', async (options) => {
    const { cache } = openCache({ keys })
    await expect(warm(cache, tenants(1), options)).rejects.toEqual(errorOf('INVALID_OPTION'))
  })

  test('whatIsNoCache_isRefused', async () => {
    await expect(warm({} as never, tenants(1), quiet)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
  })
})

describe('in a fleet', () => {
  test('twoProcesses_warmOnePlan_withOneLoadPerKey', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    let loads = 0
    const results = Promise.all(
      fleet.map((cache) =>
        warm(
          cache,
          tenants(10, async (orgId) => {
            loads++
            await settle()
            return orgId
          }),
          quiet,
        ),
      ),
    )
    await clock.advance(5_000)
    const [one, other] = await results
    expect(loads).toBe(10)
    expect((one?.warmed ?? 0) + (other?.warmed ?? 0)).toBe(10)
    expect([one?.failed, other?.failed]).toEqual([0, 0])
  })

  test('aStoreThatIsAway_isWaitedFor_butNotForEver', async () => {
    let away = false
    const schedule = (step: () => void) => {
      if (!away) queueMicrotask(step)
    }
    const { fleet, clock } = await openFleet(1, { keys, schedule })
    const [cache] = fleet as [(typeof fleet)[0]]
    await cache.ready()
    away = true
    const running = warm(cache, tenants(20), { ...quiet, concurrency: 2 })
    await clock.advance(10_000)
    expect(cache.health().store.status).toBe('away')
    // Those whose reads have found it out; they are loaded once more.
    expect(cache.stats().loads).toBe(2)
    away = false
    await clock.advance(3_000)
    expect(await running).toMatchObject({ status: 'done', warmed: 20, unkept: 0 })

    away = true
    const cleared = cache.clear()
    await clock.advance(1_000)
    await cleared
    const inVain = warm(cache, tenants(5), quiet)
    await clock.advance(31_000)
    expect(await inVain).toMatchObject({ status: 'failed', warmed: 0, error: errorOf('STORE_UNAVAILABLE') })
  })
})

describe('progress', () => {
  test('isTold_atTheBeginning_nowAndThen_andAtTheEnd', async () => {
    const { cache, clock } = openCache({ keys })
    const told: WarmingProgress[] = []
    const events: { phase: string; plan: string; warmed: number }[] = []
    cache.on('warming', ({ phase, plan, warmed }) => events.push({ phase, plan, warmed }))
    const running = warm(cache, tenants(100), {
      ...quiet,
      name: 'bundles',
      rate: 50,
      onProgress: (progress) => told.push(progress),
    })
    await clock.advance(3_000)
    await running
    expect(told.length).toBe(events.length)
    expect(told.length).toBeGreaterThanOrEqual(4)
    expect(told.length).toBeLessThanOrEqual(7)
    expect(events[0]).toEqual({ phase: 'started', plan: 'bundles', warmed: 0 })
    expect(events.at(-1)).toEqual({ phase: 'ended', plan: 'bundles', warmed: 100 })
    expect(told.map(({ warmed }) => warmed)).toEqual(told.map(({ warmed }) => warmed).sort((a, b) => a - b))
  })

  test('aListenerThatThrows_harmsNothing', async () => {
    const { cache } = openCache({ keys })
    const onProgress = () => {
      throw new Error('mine')
    }
    expect(await warm(cache, tenants(2), { ...quiet, onProgress })).toMatchObject({ warmed: 2 })
  })

  test('aTerminal_getsABar_ofOneLine', async () => {
    const { cache } = openCache({ keys })
    let text = ''
    const terminal = { isTTY: true, columns: 72, write: (more: string) => (text += more) }
    await warm(cache, tenants(10), { name: 'bundles', total: 10, progress: terminal })
    const lines = text.split('\r\u001b[2K').slice(1)
    expect(lines[0]).toBe(`warming bundles  ${'░'.repeat(24)}   0 %  0/10  00:00`)
    expect(lines.at(-1)).toBe(`warming bundles  ${'█'.repeat(24)} 100 %  10/10  00:00\n`)
  })

  test('aNarrowTerminal_isNotWrapped', async () => {
    const { cache } = openCache({ keys })
    let text = ''
    const terminal = { columns: 20, write: (more: string) => (text += more) }
    await warm(cache, tenants(3), { name: 'a plan of a long name', progress: terminal })
    for (const line of text.split('\r\u001b[2K')) expect(line.trimEnd().length).toBeLessThan(20)
  })
})

describe('familyLoader', () => {
  test('givesItems_ofItsFamilyAlone', async () => {
    const loader = familyLoader(keys.bundle, ({ orgId }) => Number(orgId) * 2)
    const item = loader.item(keys.bundle({ orgId: 21 }))
    const { cache } = openCache({ keys })
    await warm(cache, [item as WarmItem], quiet)
    expect(cache.peek(keys.bundle({ orgId: 21 }))).toBe(42)
    expect(loader.item('other:1')).toBeUndefined()
  })

  test('whatIsNoFamily_isRefused', () => {
    expect(() => familyLoader('bundle' as never, () => 1)).toThrow(errorOf('INVALID_ARGUMENT') as Error)
  })
})
