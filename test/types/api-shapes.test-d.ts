/** What the compiler makes of the public types. Checked by `tsc --noEmit` alone; nothing here runs. */
import {
  type Bindings,
  type Cache,
  type CacheOptions,
  type CacheReader,
  createCache,
  defineDependencies,
  defineKeys,
  type Entry,
  type FamilyDefinition,
  type InvalidateRequest,
  type LoaderOf,
  type MemoryOptions,
  type ReadOptions,
  type Row,
  type Session,
  type TableChange,
  type Ttl,
  type,
  type UnitOfWork,
  type WrapConfig,
  type WrittenRows,
} from 'coherent-cache'
import { describe, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

type Report = { readonly status: 'open' | 'closed'; readonly total: number }
const keys = defineKeys({
  report: { key: 'report:{orgId}:{date}', value: type<Report>() },
  user: { key: 'user:{id}', value: z.object({ name: z.string(), since: z.coerce.date() }) },
  navs: 'navs:{entityId}',
  metrics: 'metrics:{landlordId}[:{from}[:{to}]]',
  settings: 'settings',
})
const cache = createCache({ name: 'types', keys })
const report = keys.report({ orgId: 7, date: '2026-11-20' })

describe('loaders', () => {
  test('get_keyWithAType_givesItsTypeAndKeepsLiterals', () => {
    expectTypeOf(cache.get(report, () => ({ status: 'open', total: 1 }))).resolves.toEqualTypeOf<Report>()
    expectTypeOf(
      cache.getEntry(report, async ({ key }) => ({ status: 'closed', total: key.length })),
    ).resolves.toEqualTypeOf<Entry<Report>>()
    // @ts-expect-error 'opn' is no status
    cache.get(report, () => ({ status: 'opn', total: 1 }))
    // @ts-expect-error a value is missing
    cache.get(report, async () => null)
    expectTypeOf(
      cache.get(keys.user({ id: 1 }), async () => ({ name: 'Asha', since: new Date(0) })),
    ).resolves.toEqualTypeOf<{ name: string; since: Date }>()
  })

  test('get_keyWithoutAType_givesWhatTheLoaderReturns', () => {
    expectTypeOf(cache.get(keys.navs({ entityId: 7 }), async () => 5)).resolves.toEqualTypeOf<number>()
    expectTypeOf(cache.get('raw', () => 'text')).resolves.toEqualTypeOf<string>()
    expectTypeOf(cache.get('raw', () => null)).resolves.toEqualTypeOf<null>()
    expectTypeOf(cache.peek(report)).toEqualTypeOf<Report | undefined>()
    expectTypeOf<LoaderOf<string, number>>().returns.toEqualTypeOf<number | Promise<number>>()
  })

  test('get_oneOfTwoKeysOfOneType_hasThatType', () => {
    const either = Math.random() < 0.5 ? report : keys.report({ orgId: 8, date: 'x' })
    expectTypeOf(cache.get(either, () => ({ status: 'open', total: 1 }))).resolves.toEqualTypeOf<Report>()
  })

  test('getMany_familyAndParameters_handsThemBackAsTheyAre', () => {
    const days = [{ orgId: 7, date: '2026-11-20' }]
    const read = cache.getMany(keys.report, days, (missing) => {
      expectTypeOf(missing).toEqualTypeOf<readonly { orgId: number; date: string }[]>()
      return missing.map(({ orgId }) => ({ status: 'open', total: orgId + 1 }))
    })
    expectTypeOf(read).resolves.toEqualTypeOf<Report[]>()
    expectTypeOf(
      cache.getMany(keys.navs, [{ entityId: 7 }], async (missing) =>
        missing.map(({ entityId }) => entityId * 2),
      ),
    ).resolves.toEqualTypeOf<number[]>()
    // @ts-expect-error no such parameter
    cache.getMany(keys.navs, [{ entity: 7 }], async () => [])
    // @ts-expect-error of another type
    cache.getMany(keys.report, days, async (missing) => missing.map(() => 7))
  })

  test('getMany_keysOrAMap_keepsTheTypes', () => {
    expectTypeOf(
      cache.getMany([report], (missing) => missing.map(() => ({ status: 'open', total: 1 }))),
    ).resolves.toEqualTypeOf<Report[]>()
    expectTypeOf(
      cache.getMany(
        keys.metrics,
        [{ landlordId: 1, from: undefined }],
        async (missing) => new Map(missing.map((one) => [one, String(one.landlordId)])),
      ),
    ).resolves.toEqualTypeOf<string[]>()
    expectTypeOf(
      cache.getMany(
        ['a', 'b'],
        (missing, { keys }) => new Map(keys.map((key, at) => [key, missing.length + at])),
      ),
    ).resolves.toEqualTypeOf<number[]>()
  })
})

class Reports {
  readonly name = 'reports'
  async daily(_orgId: number, _date: string, _source?: 'primary' | 'any'): Promise<Report> {
    return { status: 'open', total: 1 }
  }
  async total(_orgId: number): Promise<number> {
    return 1
  }
}

describe('wrap', () => {
  const reports = new Reports()

  test('wrap_methods_areOfTheirOwnTypesInEveryOption', () => {
    const wrapped = cache.wrap(reports, {
      daily: {
        key: (orgId, date) => {
          expectTypeOf(orgId).toEqualTypeOf<number>()
          expectTypeOf(date).toEqualTypeOf<string>()
          return date === '' ? undefined : keys.report({ orgId, date })
        },
        options: (orgId, _date, source) => {
          expectTypeOf(orgId).toEqualTypeOf<number>()
          return source === 'primary' ? { freshness: 'committed' } : undefined
        },
        load: ({ source }, repository, [orgId, date]) => {
          expectTypeOf(repository).toEqualTypeOf<Reports>()
          return repository.daily(orgId, date, source)
        },
        ttl: '5m',
        staleIfError: undefined,
      },
      total: { key: (orgId) => `total:${orgId}` },
    })
    expectTypeOf(wrapped).toEqualTypeOf<Reports>()
    expectTypeOf(cache.session().wrap(reports, { total: { key: String } })).toEqualTypeOf<Reports>()
    expectTypeOf<CacheReader>().toHaveProperty('wrap')
  })

  test('wrap_whatIsWrong_isRefused', () => {
    // @ts-expect-error an option that is none
    cache.wrap(reports, { daily: { key: (orgId, date) => keys.report({ orgId, date }), tll: '5m' } })
    // @ts-expect-error the key's values are of another type
    cache.wrap(reports, { daily: { key: (orgId) => keys.user({ id: orgId }) } })
    // @ts-expect-error no such method
    cache.wrap(reports, { weekly: { key: () => 'weekly' } })
    // @ts-expect-error not a method
    cache.wrap(reports, { name: { key: () => 'name' } })
    // @ts-expect-error without a key
    cache.wrap(reports, { total: { ttl: '5m' } })
    // @ts-expect-error loads something else
    cache.wrap(reports, { total: { key: String, load: async () => 'text' } })
    // @ts-expect-error an option of one call that is none
    cache.wrap(reports, { total: { key: String, options: () => ({ freshness: 'new' }) } })
  })

  test('wrap_methodWithoutAPromise_isRefused_whatMayReturnOneIsNot', () => {
    const repository = {
      sync: (id: number) => id,
      nothing: (_id: number) => {},
      mixed: (id: number): number | Promise<number> => id,
      anything: (id: number): unknown => id,
      later: async (id: number) => id,
    }
    // @ts-expect-error methodReturnsNoPromise: it would return one
    cache.wrap(repository, { sync: { key: (id) => `sync:${id}` } })
    // @ts-expect-error methodReturnsNoPromise: it would return one
    cache.wrap(repository, { nothing: { key: (id) => `nothing:${id}` } })
    // @ts-expect-error methodReturnsNoPromise: made before, too
    const config: WrapConfig<typeof repository> = { sync: { key: (id) => `sync:${id}` } }
    const good: WrapConfig<typeof repository> = { later: { key: (id) => `later:${id}` } }
    expectTypeOf(cache.wrap(repository, good)).toEqualTypeOf<typeof repository>()
    expectTypeOf(
      cache.wrap(repository, {
        mixed: { key: (id) => `mixed:${id}` },
        anything: { key: (id) => `anything:${id}` },
        later: { key: (id) => `later:${id}` },
      }),
    ).toEqualTypeOf<typeof repository>()
    return config
  })

  test('wrap_configurationMadeBefore_isTaken', () => {
    const config: WrapConfig<Reports> = { total: { key: (orgId) => `total:${orgId}` } }
    expectTypeOf(cache.wrap(reports, config)).toEqualTypeOf<Reports>()
    expectTypeOf(cache.wrap<Reports>(reports, config)).toEqualTypeOf<Reports>()
  })
})

type Revenue = { readonly id: number; readonly org_id: number; readonly day: string }
interface Tx {
  query(sql: string): Promise<readonly { readonly org_id: number }[]>
}
type Schema = { revenues: Revenue; expenses: Revenue }

describe('defineDependencies', () => {
  test('bind_rowAndTransactionOfTheSchema_areTyped', () => {
    defineDependencies<Schema, Tx>()({
      tables: {
        revenues: {
          invalidates: ['report:{orgId}:{date}', 'total:{orgId}'],
          bind: async (row, tx) => {
            expectTypeOf(row).toEqualTypeOf<Revenue>()
            expectTypeOf(tx).toEqualTypeOf<Tx | undefined>()
            const found = await tx?.query('SELECT org_id')
            return (found ?? []).map(({ org_id }) => ({ orgId: org_id, date: row.day }))
          },
          stable: ['org_id', 'date'],
        },
        expenses: { invalidates: ['report:{orgId}:{date}'], bind: { orgId: 'org_id', date: 'day' } },
      },
    })
    defineDependencies<Schema>()({
      tables: {
        revenues: { invalidates: ['x:{orgId}'], bind: async (row, tx) => tx.query(row.day) },
        expenses: { invalidates: ['x:{orgId}'], bind: (row, tx?: Tx) => ({ orgId: tx && row.id }) },
      },
    })
  })

  test('bind_withoutASchema_takesAnAuthorsOwnRowType', () => {
    const changes = {
      invalidates: ['report:{orgId}:{date}'],
      bind: (row: Revenue) => ({ orgId: row.org_id, date: row.day }),
      stable: ['orgId', 'org_id'],
    } as const
    defineDependencies({ tables: { revenues: changes, expenses: changes } })
    defineDependencies<Schema>()({ tables: { revenues: changes, expenses: changes } })
    defineDependencies({
      tables: {
        revenues: {
          invalidates: ['report:{orgId}:*'],
          bind: (row) => {
            expectTypeOf(row).toEqualTypeOf<Row>()
            return { orgId: row.org_id }
          },
        },
      },
    })
    const texts: string[] = ['report:{orgId}:*']
    defineDependencies({ tables: { revenues: { invalidates: texts, bind: () => ({ orgId: 7 }) } } })
  })

  test('definition_whatIsWrong_isRefused', () => {
    const define = defineDependencies<Schema>()
    // @ts-expect-error no table of the schema
    define({ tables: { revenues: ['x:*'], expensess: ['x:*'] } })
    // @ts-expect-error no capture of its patterns
    define({ tables: { revenues: { invalidates: ['x:{orgId}'], bind: { orgid: 'org_id' } } } })
    // @ts-expect-error no column of the table
    define({ tables: { revenues: { invalidates: ['x:{orgId}'], bind: { orgId: 'orgId' } } } })
    // @ts-expect-error no capture of its patterns
    define({ tables: { revenues: { invalidates: ['x:{orgId}'], bind: (row) => ({ org: row.org_id }) } } })
    // @ts-expect-error no such column
    define({ tables: { revenues: { invalidates: ['x:{orgId}'], bind: (row) => ({ orgId: row.orgId }) } } })
    const objects = (row: Revenue) => ({ orgId: { id: row.id } })
    // @ts-expect-error an object is no parameter
    define({ tables: { revenues: { invalidates: ['x:{orgId}'], bind: objects } } })
    // @ts-expect-error neither a column nor a capture
    define({ tables: { revenues: { invalidates: ['x:{orgId}'], stable: ['orgid'] } } })
    // @ts-expect-error neither a table nor a view
    define({ tables: { revenues: ['x:*'] }, views: { v: ['revenue'] } })
    // @ts-expect-error no capture of its patterns, without a schema
    defineDependencies({ tables: { any: { invalidates: ['x:{orgId}'], bind: { org: 'org_id' } } } })
  })

  test('definition_aViewAmongTheTables_isTaken', () => {
    const dependencies = defineDependencies<Schema>()({
      scopes: ['orgId'],
      tables: { revenues: ['x:*'], v_totals: ['total:*'] },
      views: { v_totals: ['revenues'] },
    })
    const some = createCache({ name: 'views', dependencies })
    expectTypeOf(some).toEqualTypeOf<Cache<'revenues' | 'v_totals', 'orgId'>>()
  })

  test('invalidates_families_giveTheirRequiredParametersAsCaptures', () => {
    defineDependencies<Schema, Tx>()({
      tables: {
        revenues: {
          invalidates: [keys.report, 'total:{month}', keys.settings],
          bind: (row) => ({ orgId: row.org_id, date: row.day, month: row.day.slice(0, 7) }),
          stable: ['orgId', 'id'],
        },
        expenses: [keys.report, keys.metrics, 'x:*'],
      },
    })
    // @ts-expect-error a parameter of the optional tail is no capture
    defineDependencies({ tables: { any: { invalidates: [keys.metrics], bind: { from: 'from' } } } })
    // @ts-expect-error not a parameter of the family
    defineDependencies({ tables: { any: { invalidates: [keys.report], bind: () => ({ org: 7 }) } } })
    // @ts-expect-error a function that is no family
    defineDependencies({ tables: { any: [() => 'report:*'] } })
    defineDependencies({ tables: { any: { invalidates: [keys.metrics], bind: { landlordId: 'landlord' } } } })
  })

  test('pattern_ofAFamily_takesItsParameters', () => {
    expectTypeOf(keys.metrics.pattern({ landlordId: 1, from: undefined })).toEqualTypeOf<string>()
    expectTypeOf(keys.report.pattern()).toEqualTypeOf<string>()
    // @ts-expect-error no such parameter
    keys.report.pattern({ org: 7 })
    // @ts-expect-error an object is no parameter
    keys.report.pattern({ orgId: {} })
  })
})

describe('invalidation', () => {
  const scoped = createCache({
    name: 'scoped',
    dependencies: defineDependencies({ scopes: ['orgId', 'currency'], tables: { revenues: ['x:{orgId}'] } }),
  })
  const unscoped = createCache({
    name: 'unscoped',
    dependencies: defineDependencies({ tables: { revenues: ['x:{orgId}'] } }),
  })

  test('scope_isOfTheMap', () => {
    scoped.invalidate({ scope: { orgId: 7 } })
    scoped.unitOfWork().invalidate({ scope: { currency: 'USD' } })
    scoped.currentUnit()?.invalidate([{ scope: { currency: 'USD' } }, { keys: [report] }])
    // @ts-expect-error not a scope of the map
    scoped.invalidate({ scope: { orgid: 7 } })
    // @ts-expect-error not a scope of the map
    scoped.unitOfWork().invalidate({ scope: { orgid: 7 } })
    // @ts-expect-error the map declares none
    unscoped.invalidate({ scope: { orgId: 7 } })
    // @ts-expect-error the map declares none
    unscoped.unitOfWork().invalidate({ scope: { orgId: 7 } })
    // Without a map nothing is known of its scopes.
    cache.invalidate({ scope: { orgId: 7 } })
  })

  test('requests_oneOrSeveral_areTaken', () => {
    const requests: readonly InvalidateRequest<'revenues', 'orgId' | 'currency'>[] = [
      { table: 'revenues', operation: undefined, rows: undefined },
      { tables: ['revenues', 'another'] },
      { pattern: keys.report.pattern({ orgId: 7 }) },
    ]
    scoped.invalidate(requests)
    unscoped.invalidate([{ table: 'revenues', rows: [{ before: { id: 1 }, after: { id: 2 } }] }])
    // @ts-expect-error no list of tables
    scoped.invalidate([{ tables: 5 }])
    const written: WrittenRows = { operation: 'insert', rows: [{ org_id: 7 }] }
    scoped.unitOfWork({ name: undefined, trace: undefined }).write('revenues', written)
    scoped.unitOfWork().write('a table no map names')
  })

  test('caches_ofAnyMap_areCaches', () => {
    const taken = (any: Cache, unit: UnitOfWork, session: Session) => [any, unit, session]
    taken(scoped, scoped.unitOfWork(), scoped.session(null))
    taken(unscoped, unscoped.unitOfWork(), unscoped.session(undefined))
  })
})

test('options_undefined_isAbsent', () => {
  const none = undefined as undefined
  const given = (_: ReadOptions & CacheOptions & MemoryOptions & FamilyDefinition) => {}
  expectTypeOf(given).toBeFunction()
  const read: ReadOptions = {
    ttl: none,
    freshness: none,
    staleWhileRevalidate: none,
    staleIfError: none,
    timeout: { soft: none, hard: none },
    token: none,
    signal: none,
  }
  const memory: MemoryOptions = { maxEntries: none, maxBytes: none, isolate: none }
  const family: FamilyDefinition = {
    key: 'a:{id}',
    value: none,
    ttl: none as Ttl | undefined,
    negativeTtl: none,
    version: none,
    coherence: none,
  }
  const change: TableChange = { table: 'a', operation: none, rows: none }
  const options: CacheOptions = {
    name: 'a',
    namespace: none,
    instance: none,
    keys: none,
    dependencies: none,
    memory: none,
    store: none,
    consistency: none,
    maxStaleness: none,
    ttl: none,
    negativeTtl: none,
    unknownTables: none,
    coherence: none,
    partitionBy: none,
    storeTimeout: none,
    loadWait: none,
    logger: none,
    logLevel: none,
    clock: none,
    randomness: none,
  }
  const bindings: Bindings<'a'> = { a: none }
  expectTypeOf([read, memory, family, change, options, bindings]).toBeArray()
  expectTypeOf<Cache['session']>().parameter(0).toEqualTypeOf<string | null | undefined>()
  // A family whose type is not given is untyped.
  const { a } = defineKeys({ a: { key: 'a:{id}', value: undefined } })
  expectTypeOf(a({ id: 1 })).toEqualTypeOf<string>()
})
