import {
  batchLoader,
  byAge,
  type Cache,
  type CacheEvents,
  type Duration,
  defineKeys,
  type Key,
  type KeyFamily,
  type Loader,
  type Parameter,
  type ParametersOf,
  type StandardSchema,
  ttlTiers,
  type,
} from 'coherent-cache'
import { describe, expectTypeOf, test } from 'vitest'

interface Report {
  readonly revenue: number
}

declare const schema: StandardSchema<Report>

const keys = defineKeys({
  report: { key: 'report:{orgId}:{date}', value: type<Report>() },
  checked: { key: 'checked:{id}', value: schema },
  payments: 'payments:{landlordId}[:{from}[:{to}]]',
  settings: 'settings',
  counter: { key: 'counter:{id}', value: type<number>() },
  anything: { key: 'anything:{id}', ttl: '5s' },
})

describe('parameters', () => {
  test('parameters_comeFromTheTemplate', () => {
    expectTypeOf<ParametersOf<'report:{orgId}:{date}'>>().toEqualTypeOf<{
      readonly orgId: Parameter
      readonly date: Parameter
    }>()
    expectTypeOf<ParametersOf<'p:{a}[:{b}[:{c}]]'>>().toEqualTypeOf<{
      readonly a: Parameter
      readonly b?: Parameter | undefined
      readonly c?: Parameter | undefined
    }>()
    expectTypeOf<ParametersOf<'settings'>>().toEqualTypeOf<Record<never, never>>()
    expectTypeOf<Parameter>().toEqualTypeOf<string | number | bigint | boolean>()
  })

  test('build_wrongParameters_areRefused', () => {
    keys.report({ orgId: 7, date: '2026-11-20' })
    keys.report({ orgId: 7n, date: true })
    // @ts-expect-error a parameter is missing
    keys.report({ orgId: 7 })
    // @ts-expect-error no parameters at all
    keys.report()
    // @ts-expect-error there is no such parameter
    keys.report({ orgId: 7, date: 'x', page: 1 })
    // @ts-expect-error null stands in no key
    keys.report({ orgId: null, date: 'x' })
    // @ts-expect-error a Date is turned into text by whoever knows the time zone
    keys.report({ orgId: 7, date: new Date() })
    keys.payments({ landlordId: 1 })
    keys.payments({ landlordId: 1, from: undefined })
    keys.payments({ landlordId: 1, from: 2025, to: 2026 })
    // @ts-expect-error the required one is missing
    keys.payments({ from: 2025 })
    keys.settings()
    keys.settings({})
  })

  test('parse_givesTexts', () => {
    expectTypeOf(keys.report.parse('x')).toEqualTypeOf<
      { readonly orgId: string; readonly date: string } | undefined
    >()
    expectTypeOf(keys.payments.parse('x')?.from).toEqualTypeOf<string | undefined>()
  })
})

describe('keys', () => {
  test('key_knowsTheTypeOfItsValue', () => {
    expectTypeOf(keys.report({ orgId: 1, date: 'x' })).toEqualTypeOf<Key<Report>>()
    expectTypeOf(keys.checked({ id: 1 })).toEqualTypeOf<Key<Report>>()
    expectTypeOf(keys.payments({ landlordId: 1 })).toEqualTypeOf<string>()
    expectTypeOf(keys.anything({ id: 1 })).toEqualTypeOf<string>()
    expectTypeOf(keys.report({ orgId: 1, date: 'x' })).toExtend<string>()
    expectTypeOf<string>().not.toExtend<Key<Report>>()
    expectTypeOf<Key<number>>().not.toExtend<Key<Report>>()
  })

  test('family_isAFamily', () => {
    expectTypeOf(keys.report).toExtend<KeyFamily<ParametersOf<'report:{orgId}:{date}'>, Key<Report>>>()
    expectTypeOf(keys.report.family).toEqualTypeOf<string>()
    // @ts-expect-error families cannot be changed
    keys.report = keys.payments
  })

  test('definition_whatIsWrong_isRefused', () => {
    // @ts-expect-error no such unit
    defineKeys({ a: { key: 'a:{id}', ttl: '5 parsecs' } })
    // @ts-expect-error neither a type nor a schema
    defineKeys({ a: { key: 'a:{id}', value: Number } })
    // @ts-expect-error no such mode
    defineKeys({ a: { key: 'a:{id}', coherence: 'maybe' } })
    defineKeys({ a: { key: 'a:{date}', ttl: byAge('date', { tiers: { 0: '5s' }, beyond: '1m' }) } })
    // @ts-expect-error no such tier
    defineKeys({ a: { key: 'a:{id}', ttl: ttlTiers({ hot: '5s' }).cold } })
  })
})

test('durations_areWrittenWithAUnit', () => {
  expectTypeOf<'5s'>().toExtend<Duration>()
  expectTypeOf<'1.5h'>().toExtend<Duration>()
  expectTypeOf<250>().toExtend<Duration>()
  expectTypeOf<'5'>().not.toExtend<Duration>()
  expectTypeOf<'5y'>().not.toExtend<Duration>()
})

declare const cache: Cache

describe('the rest of the surface', () => {
  test('on_listener_isTypedByItsEvent', () => {
    cache.on('hit', (event) => expectTypeOf(event).toEqualTypeOf<CacheEvents['hit']>())
    cache.on('refused', ({ reason }) => expectTypeOf(reason).toExtend<string>())
    expectTypeOf(cache.on('miss', () => {})).toEqualTypeOf<() => void>()
    // @ts-expect-error there is no such event
    cache.on('hits', () => {})
  })

  test('peek_mayBeUndefined', () => {
    expectTypeOf(cache.peek(keys.report({ orgId: 1, date: 'x' }))).toEqualTypeOf<Report | undefined>()
  })

  test('markAndSet_areForOneKey', async () => {
    const key = keys.report({ orgId: 1, date: 'x' })
    const mark = await cache.mark(key)
    await cache.set(key, { revenue: 1 }, { mark })
    // @ts-expect-error a value of another type
    await cache.set(key, { revenue: 'much' }, { mark })
    // @ts-expect-error a mark of a key of another type
    await cache.set(key, { revenue: 1 }, { mark: await cache.mark('raw') })
  })

  test('getEntry_tellsWhereFrom', async () => {
    const entry = await cache.getEntry(keys.report({ orgId: 1, date: 'x' }), () => ({ revenue: 1 }))
    expectTypeOf(entry.value).toEqualTypeOf<Report>()
    expectTypeOf(entry.status).toEqualTypeOf<'hit' | 'stale' | 'miss' | 'bypass'>()
  })
})

describe('batchLoader', () => {
  test('ofAFamily_isOfItsParametersAndItsValues', async () => {
    const load = batchLoader(keys.report, async (missing, { signal }) => {
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      return missing.map(({ key, params }) => {
        expectTypeOf(key).toEqualTypeOf<Key<Report>>()
        expectTypeOf(params).toEqualTypeOf<{ readonly orgId: string; readonly date: string }>()
        return { revenue: Number(params.orgId) }
      })
    })
    expectTypeOf(load).toEqualTypeOf<Loader<Report>>()
    expectTypeOf(await cache.get(keys.report({ orgId: 1, date: 'x' }), load)).toEqualTypeOf<Report>()
    batchLoader(keys.report, (missing) => new Map(missing.map((item) => [item, { revenue: 1 }])))
    batchLoader(keys.report, (missing) => new Map(missing.map(({ key }) => [key, { revenue: 1 }])), {
      max: 2,
    })
    // @ts-expect-error there is no such parameter
    batchLoader(keys.report, (missing) => missing.map(({ params }) => ({ revenue: Number(params.id) })))
    // @ts-expect-error values of another type
    batchLoader(keys.report, (missing) => missing.map(() => 7))
    // @ts-expect-error no such option
    batchLoader(keys.report, () => [], { windw: 1 })
    // @ts-expect-error a key whose values are of another type
    await cache.get(keys.counter({ id: 1 }), load)
  })

  test('ofAFamilyWithoutAType_isOfWhatTheLoaderReturns_tailsMayBeMissing', async () => {
    const load = batchLoader(keys.payments, (missing) =>
      missing.map(({ params }) => {
        expectTypeOf(params.from).toEqualTypeOf<string | undefined>()
        return params.landlordId.length
      }),
    )
    expectTypeOf(load).toEqualTypeOf<Loader<number>>()
    expectTypeOf(await cache.get(keys.payments({ landlordId: 1 }), load)).toEqualTypeOf<number>()
  })

  test('ofNoFamily_takesAnyParameters', () => {
    const load = batchLoader(async (missing) => missing.map(({ params }) => params.anything ?? ''))
    expectTypeOf(load).toEqualTypeOf<Loader<string>>()
  })
})
