import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createCache, defineDependencies, isCacheError, type Logger } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, heldLoader, openCache, openFleet } from './support/caches.ts'

const dependencies = defineDependencies({ tables: { payments: ['pay:{id}'], ledger: ['ledger:*'] } })

describe('receipts', () => {
  test('invalidate_receipt_saysWhatWasRotated', async () => {
    const { cache } = openCache({ dependencies })
    const receipt = await cache.invalidate({
      table: 'payments',
      operation: 'insert',
      rows: [{ id: 1 }, { id: 2 }],
    })
    expect(receipt).toEqual({
      status: 'applied',
      stamps: ['pay:{id}|1', 'pay:{id}|2'],
      keys: [],
      patterns: [],
      unknownTables: [],
      durationMs: 0,
      token: expect.stringMatching(/^1~[\w-]{16}\.1$/),
    })
    expect(Object.isFrozen(receipt)).toBe(true)
    expect((await cache.invalidate({ keys: ['a', 'b', 'a'] })).keys).toEqual(['a', 'b'])
    expect((await cache.clear()).token).toMatch(/\.3$/)
  })

  test('invalidate_event_carriesTheReceipt', async () => {
    const { cache } = openCache({ dependencies })
    const told = vi.fn()
    cache.on('invalidated', told)
    const receipt = await cache.invalidate({ pattern: 'x*' })
    expect(told).toHaveBeenCalledExactlyOnceWith({ receipt, tables: [], patterns: ['x*'], unit: undefined })
    const unit = cache.unitOfWork()
    unit.write('payments')
    const committed = await unit.commit()
    expect(told).toHaveBeenLastCalledWith({
      receipt: committed,
      tables: ['payments'],
      patterns: [],
      unit: unit.id,
    })
  })
})

describe('stats', () => {
  test('stats_fresh_areAllZero', () => {
    const { cache } = openCache()
    expect(cache.stats()).toEqual({
      hits: { memory: 0, store: 0, stale: 0 },
      misses: 0,
      bypasses: 0,
      loads: 0,
      loadsWaiting: 0,
      loadErrors: 0,
      hitRate: 0,
      fills: 0,
      fillsRefused: {},
      invalidations: 0,
      stampsRotated: 0,
      keysInvalidated: 0,
      tablesProcessed: 0,
      tables: {},
      evictions: 0,
      entries: 0,
      bytes: undefined,
      stamps: 0,
      loadMs: { p50: 0, p99: 0, max: 0 },
    })
  })

  test('stats_invalidations_areCounted_byTable_mostFirst', async () => {
    const { cache } = openCache({ dependencies })
    await cache.invalidate({ table: 'ledger' })
    await cache.invalidate({ tables: ['payments', 'ledger', 'nobody'] })
    await cache.invalidate({ keys: ['a', 'b'] })
    expect(cache.stats()).toMatchObject({
      invalidations: 3,
      stampsRotated: 3,
      keysInvalidated: 2,
      tablesProcessed: 4,
    })
    expect(Object.entries(cache.stats().tables)[0]).toEqual(['ledger', 2])
  })

  test('stats_loadTimes_areOfTheLoaders', async () => {
    const { cache, clock } = openCache()
    for (const [at, ms] of [10, 20, 300].entries()) {
      const { load, call } = heldLoader<number>()
      const read = cache.get(`key${at}`, load)
      const held = await call()
      await clock.advance(ms)
      held.resolve(1)
      await read
    }
    expect(cache.stats().loadMs).toEqual({ p50: 20, p99: 300, max: 300 })
  })
})

describe('events', () => {
  test('on_removed_isToldNothingMore', async () => {
    const { cache } = openCache()
    const told = vi.fn()
    const off = cache.on('miss', told)
    await cache.get('a', () => 1)
    off()
    off()
    await cache.get('b', () => 1)
    expect(told).toHaveBeenCalledExactlyOnceWith({ key: 'a', reason: 'absent' })
  })

  test('on_theLifeOfAValue_isTold', async () => {
    const { cache, clock } = openCache({ ttl: '1s' })
    const told: string[] = []
    for (const name of ['hit', 'miss', 'load', 'fill', 'loadError'] as const)
      cache.on(name, () => told.push(name))
    await cache.get('a', () => 1)
    await cache.get('a', () => 1)
    await clock.advance(1_000)
    await expect(cache.get('a', () => Promise.reject(new Error('broken')))).rejects.toThrow()
    expect(told).toEqual(['miss', 'load', 'fill', 'hit', 'miss', 'loadError'])
  })

  test('on_missReasons_areToldApart', async () => {
    const { cache, clock } = openCache({ ttl: '1s' })
    const reasons: string[] = []
    cache.on('miss', ({ reason }) => reasons.push(reason))
    await cache.get('a', () => 1)
    await clock.advance(1_000)
    await cache.get('a', () => 1)
    await cache.get('a', () => 1, { freshness: 'reload' })
    await cache.clear()
    await cache.get('a', () => 1)
    expect(reasons.slice(0, 3)).toEqual(['absent', 'expired', 'reload'])
    expect(['absent', 'invalidated']).toContain(reasons[3])
  })

  test('on_listenerThatThrows_harmsNobody_andIsTold', async () => {
    const { cache } = openCache()
    const told = vi.fn()
    const errors = vi.fn()
    cache.on('miss', () => {
      throw new Error('broken')
    })
    cache.on('miss', told)
    cache.on('listenerError', () => {
      throw new Error('broken too')
    })
    cache.on('listenerError', errors)
    expect(await cache.get('a', () => 1)).toBe(1)
    expect(told).toHaveBeenCalledTimes(1)
    expect(errors).toHaveBeenCalledExactlyOnceWith({ event: 'miss', error: new Error('broken') })
  })

  test('on_listenerThatRejects_isToldAsOneThatThrows', async () => {
    const { cache } = openCache()
    const errors = vi.fn()
    cache.on('listenerError', errors)
    cache.on('miss', async () => {
      throw new Error('broken later')
    })
    await cache.get('a', () => 1)
    await settle()
    expect(errors).toHaveBeenCalledExactlyOnceWith({ event: 'miss', error: new Error('broken later') })
  })

  test('on_listenerAddedOrRemovedWhileTelling_takesEffectAfterwards', async () => {
    const { cache } = openCache()
    const late = vi.fn()
    const off = cache.on('miss', () => {
      off()
      cache.on('miss', late)
    })
    await cache.get('a', () => 1)
    expect(late).not.toHaveBeenCalled()
    await cache.get('b', () => 1)
    expect(late).toHaveBeenCalledTimes(1)
  })

  test('on_noFunction_refused', () => {
    const { cache } = openCache()
    expect(() => cache.on('hit', undefined as never)).toThrow(errorOf('INVALID_ARGUMENT') as Error)
  })

  test.each(['hits', 'toString', '', undefined])('on_event_%s_refused_andTheEventsListed', (name) => {
    const { cache } = openCache()
    const listen = () => cache.on(name as 'hit', () => {})
    expect(listen).toThrow(
      errorOf('INVALID_ARGUMENT', /there is no event .*\bhit, miss,.*listenerError/) as Error,
    )
  })

  test('logger_isTold_andMayBreak', async () => {
    const lines: string[] = []
    const log = (_: object, message: string) => {
      lines.push(message)
      throw new Error('full disk')
    }
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const { cache } = openCache({ dependencies, logger })
    await cache.get('a', () => 1)
    await cache.get('a', () => 1)
    await cache.invalidate({ tables: ['payments', 'nobody'] })
    expect(lines).toEqual(
      expect.arrayContaining(['cache miss', 'cache fill', 'cache hit', 'cache invalidated']),
    )
    expect(lines).toContain('cache map does not name a written table')
    expect(lines).toContain('cache listener threw')
  })
})

describe('ready', () => {
  test('ready_withMemoryAlone_isAtOnce', async () => {
    const { cache } = openCache()
    await cache.ready()
    await cache.ready({ timeout: 0 })
    expect(cache.health()).toEqual({
      status: 'ok',
      store: { kind: 'none', status: 'none', since: 0 },
      subscription: 'none',
      memoryLease: 'held',
      queue: { length: 0 },
      warnings: [],
      parts: {},
    })
  })

  test('ready_storeThatDoesNotAnswer_timesOut_andTheCacheWorksFromItsLoaders', async () => {
    const clock = manualClock()
    const { cache } = openCache({ store: memoryStore({ clock, schedule: () => {} }), clock })
    const outcome = expect(cache.ready({ timeout: '2s' })).rejects.toSatisfy(
      (error) =>
        isCacheError(error, 'TIMEOUT') &&
        /within 2000 ms\. The store did not answer within 200 ms/.test(error.message) &&
        isCacheError(error.cause, 'STORE_UNAVAILABLE'),
    )
    const early = expect(cache.ready({ timeout: 100 })).rejects.toEqual(
      errorOf('TIMEOUT', /said nothing yet/),
    )
    expect(cache.health().store).toMatchObject({ status: 'away', reason: 'It has not been connected yet.' })
    expect(cache.health().store.code).toBeUndefined()
    await clock.advance(2_000)
    await outcome
    await early
    expect(cache.health().store).toMatchObject({
      status: 'away',
      reason: expect.stringMatching(/did not answer within 200 ms/),
      code: 'STORE_UNAVAILABLE',
    })
    expect(await cache.get('a', () => 1)).toBe(1)
    expect(cache.health()).toMatchObject({
      status: 'degraded',
      subscription: 'unsubscribed',
      memoryLease: 'lost',
    })
  })

  test('ready_badOption_refused', async () => {
    const { cache } = openCache()
    await expect(cache.ready({ timout: '2s' } as never)).rejects.toEqual(errorOf('INVALID_OPTION'))
    await expect(cache.ready({ timeout: 'soon' as never })).rejects.toEqual(errorOf('INVALID_DURATION'))
  })
})

describe('close', () => {
  test('close_readsAfterwards_goToTheirLoaders_writesAreRefused', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('a', () => 1)
    expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(cache.peek('a')).toBeUndefined()
    expect(await cache.get<string, number>('a', () => 2)).toBe(2)
    expect(await cache.getMany<string, number>(['a', 'b'], () => [3, 4])).toEqual([3, 4])
    expect(await cache.getEntry('a', () => 5)).toMatchObject({ status: 'bypass', tier: 'loader' })
    expect(await cache.session().get('a', () => 6)).toBe(6)
    for (const write of [
      () => cache.invalidate({ table: 'payments' }),
      () => cache.clear(),
      () => cache.mark('a'),
      async () => cache.unitOfWork(),
    ])
      await expect(write()).rejects.toEqual(errorOf('CACHE_CLOSED', new RegExp(cache.name)))
    expect(cache.health().status).toBe('closed')
    expect(cache.stats().entries).toBe(0)
    expect((await cache.explain('a')).tier).toBeUndefined()
  })

  test('close_twice_isHarmless', async () => {
    const { cache } = openCache()
    const reports = await Promise.all([cache.close(), cache.close()])
    expect(reports).toEqual([
      { loads: 0, units: 0, queued: 0 },
      { loads: 0, units: 0, queued: 0 },
    ])
    await cache[Symbol.asyncDispose]()
  })

  test('close_waitsForRunningLoads', async () => {
    const { cache, clock } = openCache()
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load)
    await call()
    const closing = cache.close()
    await settle()
    ;(await call()).resolve(1)
    expect(await closing).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(await read).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('close_loadThatDoesNotEnd_isLeft_andSaid', async () => {
    const { cache, clock } = openCache()
    const { load, call } = heldLoader<number>()
    const read = cache.get('a', load)
    await call()
    const closing = cache.close({ timeout: '2s' })
    await clock.advance(2_000)
    expect(await closing).toEqual({ loads: 1, units: 0, queued: 0 })
    ;(await call()).resolve(1)
    expect(await read).toBe(1)
  })

  test('close_unitUnderWay_mayStillCommit', async () => {
    const { fleet } = await openFleet(2, { dependencies })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const unit = one.unitOfWork()
    unit.write('payments')
    const closing = one.close()
    expect((await unit.commit()).stamps).toEqual(['pay:{id}'])
    await closing
    expect(other.health().status).toBe('ok')
  })

  test('asyncDispose_closes', async () => {
    let name = ''
    {
      await using cache = createCache({ name: 'disposed' })
      name = cache.name
    }
    expect(() => openCache({ name })).not.toThrow()
  })
})

describe('a process of its own', () => {
  const run = promisify(execFile)
  const source = pathToFileURL(fileURLToPath(new URL('../src/index.ts', import.meta.url))).href
  const testing = pathToFileURL(fileURLToPath(new URL('../src/testing/index.ts', import.meta.url))).href
  const script = (body: string) => `
    import { createCache } from ${JSON.stringify(source)}
    import { memoryStore } from ${JSON.stringify(testing)}
    ${body}`
  const child = (body: string) =>
    run(
      process.execPath,
      [
        '--import',
        'tsx',
        '--import',
        './scripts/text-loader.mjs',
        '--input-type=module',
        '--eval',
        script(body),
      ],
      {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        timeout: 8_000,
      },
    )

  test.concurrent('process_exitsByItself_afterClose_andWithout', async () => {
    const { stdout } = await child(`
      const closed = createCache({ name: 'closed', store: memoryStore() })
      await closed.ready()
      await closed.get('a', async () => 1, { timeout: { hard: '1h' } })
      await closed.close()
      // Left open on purpose: no timer of it may keep the process alive.
      const open = createCache({ name: 'open', store: memoryStore() })
      await open.ready()
      await open.get('a', async () => 1, { staleWhileRevalidate: '1h' })
      await open.mark('b')
      console.log(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, 'done')
    `)
    expect(stdout).toMatch(/done/)
  })
})

test('ready_ofAClosedCache_isRefused_withMemoryAloneToo', async () => {
  const { cache } = openCache()
  await cache.ready()
  await cache.close()
  await expect(cache.ready()).rejects.toEqual(errorOf('CACHE_CLOSED', /ready: .* before the pool/))
})

test('get_withAPromise_saysToPassAFunction', async () => {
  const { cache } = openCache()
  const promise = Promise.resolve(1) as unknown as () => number
  await expect(cache.get('a', promise)).rejects.toEqual(errorOf('INVALID_ARGUMENT', /a promise is no loader/))
})
