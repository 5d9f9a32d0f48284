import { type Dependencies, defineDependencies, defineKeys } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adhocTarget } from '../../src/core/adhoc-pattern.ts'
import { NO_CHANGE } from '../../src/core/change.ts'
import { DependencyMap } from '../../src/core/dependency-map.ts'
import { encodeText } from '../../src/core/encoding.ts'
import { FamilyIndex } from '../../src/core/family-index.ts'
import { compiledFamily } from '../../src/core/key.ts'
import { Pattern } from '../../src/core/pattern.ts'
import type { Template } from '../../src/core/template.ts'
import { countingLoader, errorOf, openCache } from '../support/caches.ts'

const keys = defineKeys({
  report: 'report:daily:{orgId}:{propertyId}:{date}',
  metrics: 'payment:metrics:{landlordId}[:{from}[:{to}]]',
  file: 'file:v{version}.json',
  settings: 'settings',
  notes: 'notes[:{page}]',
  // Beside `report:daily:…`, a value 'daily' of this one is escaped.
  any: 'report:{kind}:{id}:{a}:{b}',
})

const rows = (...given: Record<string, unknown>[]) => ({ operation: 'insert' as const, rows: given })
const stampsOf = async (dependencies: Dependencies, table: string, change: object = {}) => {
  const map = new DependencyMap(dependencies, new FamilyIndex(keys))
  return (await map.targets({ ...NO_CHANGE, tables: [{ table, ...change }] })).stamps
}

describe('families in the map', () => {
  test.each([
    ['report', 'report:daily:{orgId}:{propertyId}:{date}'],
    ['metrics', 'payment:metrics:{landlordId}*'],
    ['file', 'file:v{version}.json'],
    ['settings', 'settings'],
    ['notes', 'notes*'],
  ] as const)('invalidates_family_%s_isThePattern_%s', async (name, pattern) => {
    expect(await stampsOf(defineDependencies({ tables: { t: [keys[name]] } }), 't')).toEqual([pattern])
    expect(
      await stampsOf(defineDependencies({ tables: { t: { invalidates: [keys[name], 'x:*'] } } }), 't'),
    ).toEqual([pattern, 'x:*'])
  })

  test('invalidates_familyAndItsText_areOnePattern', async () => {
    expect(
      await stampsOf(
        defineDependencies({ tables: { t: [keys.metrics, 'payment:metrics:{landlordId}**'] } }),
        't',
      ),
    ).toEqual(['payment:metrics:{landlordId}*'])
  })

  test('rows_ofAFamilysTable_bindItsRequiredParameters', async () => {
    const map = defineDependencies({
      tables: { automatic: [keys.metrics], reports: { invalidates: [keys.report], bind: { date: 'day' } } },
    })
    expect(await stampsOf(map, 'automatic', rows({ landlord_id: 3 }, { landlordId: 4 }))).toEqual([
      'payment:metrics:{landlordId}*|3',
      'payment:metrics:{landlordId}*|4',
    ])
    expect(await stampsOf(map, 'reports', rows({ org_id: 7, property_id: 12, day: '2026-11-20' }))).toEqual([
      'report:daily:{orgId}:{propertyId}:{date}|7:12:2026-11-20',
    ])
  })

  test('write_toAFamilysTable_voidsItsKeysInAllTheirLengths', async () => {
    const { cache } = openCache({
      keys,
      dependencies: defineDependencies({ tables: { payments: [keys.metrics] } }),
    })
    const { load } = countingLoader()
    const mine = [
      keys.metrics({ landlordId: 1 }),
      keys.metrics({ landlordId: 1, from: '2025' }),
      keys.metrics({ landlordId: 1, from: '2025', to: '2026' }),
    ]
    const others = [keys.metrics({ landlordId: 10 }), keys.settings()]
    for (const key of [...mine, ...others]) await cache.get(key, load)
    await cache.invalidate({ table: 'payments', ...rows({ landlord_id: 1 }) })
    expect(mine.map((key) => cache.peek(key))).toEqual([undefined, undefined, undefined])
    expect(others.map((key) => cache.peek(key))).toEqual([4, 5])
  })

  test('definition_functionThatIsNoFamily_isRefusedNamingTheTable', () => {
    expect(() => defineDependencies({ tables: { payments: [(() => 'x') as never] } })).toThrow(
      errorOf('INVALID_PATTERN', /payments: a function that is no key family/) as Error,
    )
    expect(() =>
      defineDependencies({
        tables: { payments: { invalidates: [keys.metrics], bind: { from: 'from' } as never } },
      }),
    ).toThrow(errorOf('INVALID_MAP', /payments: binds \{from\}, which none/) as Error)
  })
})

describe('an empty answer of bind', () => {
  const bound = (bind: () => unknown) =>
    stampsOf(
      defineDependencies({ tables: { t: { invalidates: [keys.report, 'x:*'], bind: bind as never } } }),
      't',
      rows({ id: 1 }),
    )
  const whole = ['report:daily:{orgId}:{propertyId}:{date}', 'x:*']

  test.each([
    ['an empty list', []],
    ['null', null],
    ['undefined', undefined],
    ['an empty object', {}],
    ['a list of nothing', [null]],
    ['open captures', [{ orgId: null, propertyId: 12 }]],
  ])('bind_%s_voidsTheWholePatterns', async (_, answer) => {
    expect(await bound(() => answer)).toEqual(whole)
    expect(await bound(async () => answer)).toEqual(whole)
  })

  test('bind_oneRowOfManyAnswersNothing_voidsTheWholePatterns', async () => {
    const answers = [[{ orgId: 7 }], [], [{ orgId: 8 }]]
    const map = defineDependencies({
      tables: { t: { invalidates: [keys.report], bind: () => answers.shift() ?? [] } },
    })
    expect(await stampsOf(map, 't', rows({ id: 1 }, { id: 2 }, { id: 3 }))).toEqual(whole.slice(0, 1))
  })

  test('bind_noRowAtAll_voidsNothing', async () => {
    expect(
      await stampsOf(
        defineDependencies({ tables: { t: { invalidates: [keys.report], bind: () => [] } } }),
        't',
        rows(),
      ),
    ).toEqual([])
  })
})

describe('KeyFamily.pattern', () => {
  test('pattern_givenParameters_standInTheTemplate', () => {
    expect(keys.report.pattern()).toBe('report:daily:{orgId}:{propertyId}:{date}')
    expect(keys.report.pattern({ orgId: 7 })).toBe('report:daily:7:{propertyId}:{date}')
    expect(keys.report.pattern({ date: '2026-11-20', orgId: undefined })).toBe(
      'report:daily:{orgId}:{propertyId}:2026-11-20',
    )
    expect(keys.metrics.pattern({ landlordId: 1 })).toBe('payment:metrics:1[:{from}[:{to}]]')
    expect(keys.metrics.pattern({ landlordId: 1, from: 'a' })).toBe('payment:metrics:1:a[:{to}]')
    expect(keys.metrics.pattern({ from: 'a', to: 'b' })).toBe('payment:metrics:{landlordId}:a:b')
    expect(keys.metrics.pattern({ landlordId: 1, to: 'b' })).toBe('payment:metrics:1:{from}:b')
    expect(keys.metrics.pattern({ to: 'b' })).toBe('payment:metrics:{landlordId}:{from}:b')
    expect(keys.file.pattern({ version: 3 })).toBe('file:v3.json')
    expect(keys.settings.pattern()).toBe('settings')
    expect(keys.notes.pattern({})).toBe('notes[:{page}]')
  })

  test('pattern_values_areEscapedAsInKeys', () => {
    expect(keys.report.pattern({ orgId: '*' })).toBe('report:daily:%2A:{propertyId}:{date}')
    expect(keys.report.pattern({ orgId: 'a:{b}[c] d' })).toBe(
      'report:daily:a%3A%7Bb%7D%5Bc%5D%20d:{propertyId}:{date}',
    )
    expect(keys.any.pattern({ kind: 'daily' })).toBe('report:%64aily:{id}:{a}:{b}')
    expect(keys.metrics.pattern({ landlordId: '' })).toBe('payment:metrics:%_[:{from}[:{to}]]')
  })

  test.each([
    ['a name that is none', { landlord: 1 }, /metrics: there is no parameter "landlord"/],
    ['null', { landlordId: null }, /metrics: parameter landlordId: null cannot stand/],
    ['NaN', { from: Number.NaN }, /metrics: parameter from/],
    ['an object', { landlordId: {} }, /metrics: parameter landlordId/],
    ['no object', 5, /metrics: 5 is not an object/],
    ['null for all', null, /metrics: null is not an object/],
  ])('pattern_%s_isRefused', (_, given, message) => {
    expect(() => keys.metrics.pattern(given as never)).toThrow(errorOf('INVALID_PARAMETER', message) as Error)
  })

  test('pattern_valueThatIsTooLong_isRefused', () => {
    expect(() => keys.metrics.pattern({ landlordId: 'x'.repeat(513) })).toThrow(
      errorOf('KEY_TOO_LONG') as Error,
    )
  })

  test('pattern_ofAnotherCachesFamily_isRefused', async () => {
    const { cache } = openCache({ keys: { settings: keys.settings } })
    await expect(cache.invalidate({ pattern: keys.metrics.pattern() })).rejects.toEqual(
      errorOf('INVALID_PATTERN'),
    )
    await expect(cache.invalidate({ pattern: keys.report.pattern() })).rejects.toEqual(
      errorOf('INVALID_PATTERN', /nor is it the pattern of a key family of this cache/),
    )
  })
})

describe('any template', () => {
  const value = fc.oneof(
    fc.constantFrom('', 'a', '1', '10', 'daily', '*', '{a}', '[', ':', '%', '%31', 'v', '\ud800'),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  const long = defineKeys({ long: 'long:{a}[:{b}[:{c}[:{d}]]]' })
  const families = Object.values({ ...keys, ...long }).flatMap((family) => compiledFamily(family) ?? [])
  const some = fc.tuple(
    fc.constantFrom(...families),
    fc.array(fc.option(value, { nil: undefined }), { maxLength: 4 }),
  )
  const parameters = ({ template }: { template: Template }, values: readonly (string | undefined)[]) =>
    Object.fromEntries(template.parameters.map((name, at) => [name, values[at]]))

  test('pattern_ofAnyKeyOfTheFamily_capturesItsParameters', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...families),
        fc.array(value, { minLength: 4, maxLength: 4 }),
        (family, values) => {
          const { template, name } = family
          const pattern = new Pattern(template.pattern, name)
          for (let length = 0; length <= template.parameters.length; length++) {
            const given = parameters(family, values.slice(0, length))
            if (pattern.captures.some((capture) => given[capture] === undefined)) continue
            const captured = pattern.captures.map((capture) => encodeText(given[capture] as string))
            expect(pattern.match(template.build(given, name))).toContainEqual(captured)
          }
        },
      ),
    )
  })

  test('fill_ofAnyParameters_isKnownAsFilled', () => {
    fc.assert(
      fc.property(some, ([family, values]) => {
        const given = parameters(family, values)
        let text: string
        try {
          text = family.template.fill(given, family.name)
        } catch (error) {
          expect(error).toEqual(errorOf('INVALID_PARAMETER'))
          return
        }
        expect(family.template.filled(text)).toBeDefined()
      }),
    )
  })

  test('pattern_sweptFor_findsTheKeysWithTheseParametersAndNoOtherOfTheFamily', () => {
    fc.assert(
      fc.property(
        some,
        fc.array(value, { minLength: 4, maxLength: 4 }),
        fc.nat(4),
        ([family, asked], held, length) => {
          const { template, name } = family
          const given = parameters(family, asked)
          const actual = parameters(family, held.slice(0, Math.max(length, template.required)))
          let text: string
          let key: string
          try {
            text = template.fill(given, name)
            key = template.build(actual, name)
          } catch {
            return
          }
          const target = adhocTarget(text, [], families)
          const found = target.stamp === undefined && target.sweep.some((pattern) => pattern.test(key))
          const meant = Object.entries(given).every(
            ([name, one]) => one === undefined || one === actual[name],
          )
          expect(found).toBe(meant)
        },
      ),
      { numRuns: 500 },
    )
  })
})
