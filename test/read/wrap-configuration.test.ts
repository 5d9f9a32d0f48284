import {
  type Cache,
  defineKeys,
  type LoaderContext,
  type ReadOptions,
  type,
  type WrapConfig,
} from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache, openFleet } from '../support/caches.ts'

interface Report {
  readonly id: number
  readonly source: string
  readonly load: number
}

const keys = defineKeys({
  report: { key: 'report:{id}[:{part}]', value: type<Report>(), ttl: '10s' },
  total: { key: 'total:{id}', value: type<number>() },
})

/** A repository that counts its loads in inner state, which only `this` itself can reach. */
class Reports {
  #loads = 0
  title = 'reports'

  async report(id: number, source = 'method'): Promise<Report> {
    return { id, source, load: ++this.#loads }
  }

  async total(id: number): Promise<number> {
    return id * 100 + ++this.#loads
  }

  get loads(): number {
    return this.#loads
  }
}

const open = () => ({ ...openCache({ keys }), reports: new Reports() })

describe('load', () => {
  test('load_isTold_ofItsLoadAndTheRepository', async () => {
    const { cache, reports } = open()
    const told: LoaderContext[] = []
    const cached = cache.wrap(reports, {
      report: {
        key: (id) => keys.report({ id }),
        load: (context, repository, [id]) => {
          told.push(context)
          expect(repository).toBe(reports)
          return repository.report(id, context.source)
        },
      },
    })
    expect(await cached.report(7)).toEqual({ id: 7, source: 'any', load: 1 })
    expect(await cached.report(7)).toMatchObject({ load: 1 })
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ key: 'report:7', params: { id: '7' }, source: 'any' })
    expect(told[0]?.signal.aborted).toBe(false)
  })

  test('load_insideAUnit_isSentToThePrimary', async () => {
    const { cache, reports } = open()
    const cached = cache.wrap(reports, {
      report: {
        key: (id) => keys.report({ id }),
        load: ({ source }, repository, [id]) => repository.report(id, source),
      },
    })
    await cache.unitOfWork().run(async () => {
      expect(await cached.report(7)).toMatchObject({ source: 'primary' })
    })
    expect(await cached.report(7)).toMatchObject({ source: 'any', load: 2 })
  })

  test('load_mayDecideOnItsLifetime', async () => {
    const { cache, reports, clock } = open()
    const cached = cache.wrap(reports, {
      report: {
        key: (id) => keys.report({ id }),
        load: (context, repository, [id]) => {
          if (id === 0) context.skip()
          else context.setTtl('1m')
          return repository.report(id)
        },
      },
    })
    await cached.report(0)
    expect(await cached.report(0)).toMatchObject({ load: 2 })
    await cached.report(7)
    await clock.advance(30_000)
    expect(await cached.report(7)).toMatchObject({ load: 3 })
  })

  test('load_ofACallWithoutAKey_isTheMethodItself', async () => {
    const { cache, reports } = open()
    const cached = cache.wrap(reports, {
      report: {
        key: (id, source) => (source === undefined ? keys.report({ id }) : undefined),
        load: async () => ({ id: 0, source: 'load', load: 0 }),
      },
    })
    expect(await cached.report(7, 'fresh')).toMatchObject({ source: 'fresh', load: 1 })
    expect(await cached.report(7, 'fresh')).toMatchObject({ source: 'fresh', load: 2 })
    expect(await cached.report(7)).toMatchObject({ source: 'load' })
  })
})

describe('options', () => {
  test('options_ofOneCall_standOverThoseForEveryCall', async () => {
    const { cache, reports, clock } = open()
    const cached = cache.wrap(reports, {
      report: {
        key: (id) => keys.report({ id }),
        options: (id, source) =>
          source === 'reload'
            ? { freshness: 'reload' }
            : id === 8
              ? { ttl: '5s', freshness: undefined }
              : undefined,
        ttl: '1m',
        freshness: 'bounded',
      },
    })
    await cached.report(7)
    await cached.report(8)
    await clock.advance(30_000)
    expect(await cached.report(7)).toMatchObject({ load: 1 })
    expect(await cached.report(8)).toMatchObject({ load: 3 })
    // Loaded anew, and still under the lifetime for every call.
    expect(await cached.report(7, 'reload')).toMatchObject({ load: 4 })
    await clock.advance(30_000)
    expect(await cached.report(7)).toMatchObject({ load: 4 })
  })

  test.each([
    ['undefined in the call', { ttl: '1m' }, { ttl: undefined, staleIfError: undefined }],
    ['undefined for every call', { ttl: undefined, timeout: undefined }, { ttl: '1m' }],
    ['null for a call', { ttl: '1m' }, null],
  ] as const)('options_%s_areAbsent', async (_, always, call) => {
    const { cache, reports, clock } = open()
    const cached = cache.wrap(reports, {
      report: { key: (id: number) => keys.report({ id }), options: () => call as ReadOptions, ...always },
    })
    await cached.report(7)
    await clock.advance(30_000)
    expect(await cached.report(7)).toMatchObject({ load: 1 })
  })

  test('options_noneGiven_leaveTheShortWayThroughMemoryOpen', async () => {
    const { cache, reports } = open()
    const seen: (ReadOptions | undefined)[] = []
    const get: Cache['get'] = (key, load, options) => {
      seen.push(options)
      return cache.get(key, load, options)
    }
    const watched = Object.assign(Object.create(cache), { get }) as Cache
    Object.defineProperty(watched, 'wrap', { value: cache.wrap })
    const cached = watched.wrap(reports, {
      report: { key: (id) => keys.report({ id }), ttl: undefined, options: () => undefined },
    })
    await cached.report(7)
    expect(seen).toEqual([undefined])
  })

  test('options_thatThrowOrAreBad_reject', async () => {
    const { cache, reports } = open()
    const thrown = cache.wrap(reports, {
      total: {
        key: (id) => keys.total({ id }),
        options: () => {
          throw new RangeError('no options')
        },
      },
    })
    await expect(thrown.total(1)).rejects.toThrow('no options')
    const bad = cache.wrap(reports, {
      total: { key: (id) => keys.total({ id }), options: () => ({ tll: '5s' }) as ReadOptions },
    })
    await expect(bad.total(1)).rejects.toEqual(errorOf('INVALID_OPTION', /"tll".*Did you mean "ttl"/))
    expect(reports.loads).toBe(0)
  })
})

describe('refused where it is wrapped', () => {
  test.each<[string, unknown, Parameters<typeof errorOf>]>([
    ['load', { report: { key: () => 'x', load: 5 } }, ['INVALID_ARGUMENT', /report.load: 5 is no function/]],
    [
      'options',
      { report: { key: () => 'x', options: {} } },
      ['INVALID_ARGUMENT', /report.options: .* no function/],
    ],
    ['option', { report: { key: () => 'x', tll: '5m' } }, ['INVALID_OPTION', /"tll".*Did you mean "ttl"/]],
    ['duration', { report: { key: () => 'x', staleIfError: '-5m' } }, ['INVALID_DURATION', /staleIfError/]],
  ])('wrap_bad_%s_throws', (_, config, error) => {
    const { cache, reports } = open()
    const wrap = () => cache.wrap(reports, config as WrapConfig<Reports>)
    expect(wrap).toThrow(errorOf(...error) as Error)
  })

  test('wrap_configurationThatIsUndefined_isAbsent', async () => {
    const { cache, reports } = open()
    const cached = cache.wrap(reports, { report: undefined, total: { key: (id) => keys.total({ id }) } })
    expect(await cached.report(7)).toMatchObject({ load: 1 })
    expect(await cached.report(7)).toMatchObject({ load: 2 })
    expect([await cached.total(1), await cached.total(1)]).toEqual([103, 103])
  })
})

describe('through a session', () => {
  test('sessionWrap_readsCarryItsTokenAsItIsAtTheCall', async () => {
    // Messages are lost on their way: only a token can tell the other replica that it is behind.
    const { fleet } = await openFleet(2, {
      keys,
      schedule: (step, what) => {
        if (what === 'reply') queueMicrotask(step)
      },
    })
    const [writer, reader] = fleet
    if (writer === undefined || reader === undefined) throw new Error('no fleet')
    await Promise.all(fleet.map((cache) => cache.ready()))
    const reports = new Reports()
    const config: WrapConfig<Reports> = { report: { key: (id) => keys.report({ id }) } }
    const session = reader.session()
    const [inSession, outside] = [session.wrap(reports, config), reader.wrap(reports, config)]
    expect(inSession).toBeInstanceOf(Reports)
    expect(await inSession.report(7)).toMatchObject({ load: 1 })
    const receipt = await writer.invalidate({ keys: [keys.report({ id: 7 })] })
    expect(await outside.report(7)).toMatchObject({ load: 1 })
    expect(await inSession.report(7)).toMatchObject({ load: 1 })
    session.observe(receipt)
    expect(await inSession.report(7)).toMatchObject({ load: 2 })
  })

  test('sessionWrap_loadAndOptions_standInASessionToo', async () => {
    const { cache, reports } = open()
    const cached = cache.session().wrap(reports, {
      report: {
        key: (id) => keys.report({ id }),
        load: ({ source }, repository, [id]) => repository.report(id, source),
        options: (_, source) => ({ freshness: source === 'reload' ? 'reload' : undefined }),
      },
    })
    expect(await cached.report(7)).toMatchObject({ source: 'any', load: 1 })
    expect(await cached.report(7)).toMatchObject({ load: 1 })
    expect(await cached.report(7, 'reload')).toMatchObject({ source: 'any', load: 2 })
  })

  test.each([null, undefined])('session_of_%s_isBehindNothing', async (token) => {
    const { cache } = open()
    const session = cache.session(token)
    expect(session.token).toBe(cache.session().token)
    expect(await session.get('a', () => 1)).toBe(1)
    expect(await session.get('a', () => 2)).toBe(1)
  })
})
