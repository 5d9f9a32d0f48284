import { type CacheOptions, type Dependencies, defineDependencies, defineKeys } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'

const keys = defineKeys({
  booking: 'booking:{orgId}:{day}',
  report: 'report:daily:{orgId}:{propertyId}[:{date}]',
  file: 'file:v{version}.json:{name}',
})

function warningsOf(dependencies: Dependencies, options: Pick<CacheOptions, 'keys'> = {}): readonly string[] {
  return openCache({ keys, dependencies, ...options }).cache.health().warnings
}

const misses = (pattern: string) => warningsOf(defineDependencies({ tables: { bookings: [pattern] } }))

test.each([
  ['bookings:{orgId}:{day}', /"booking:\{orgId\}:\{day\}"/],
  ['bookings:{orgId}:*', /"booking:\{orgId\}:\{day\}"/],
  ['booking:{orgId}', /"booking:\{orgId\}:\{day\}"/],
  ['booking:{orgId}:{day}:{hour}', /"booking:\{orgId\}:\{day\}"/],
  ['report:dialy:{orgId}:*', /"report:daily:\{orgId\}:\{propertyId\}\*"/],
  ['*report:dayly:*:*', /"report:daily:\{orgId\}:\{propertyId\}\*"/],
  ['report:daily:{orgId}', /"report:daily:\{orgId\}:\{propertyId\}\*"/],
  ['report:daily:{orgId}:{propertyId}:{date}:total', undefined],
  ['file:v{version}.xml:{name}', undefined],
  ['capacity:{entityId}:*', undefined],
])('pattern_%s_ofNoFamily_isWarnedOf', (pattern, near) => {
  const found = misses(pattern)
  expect(found).toEqual([expect.stringContaining(`"${pattern}" (bookings)`)])
  if (near === undefined) expect(found[0]).not.toMatch(/Did you mean/)
  else expect(found[0]).toMatch(new RegExp(`Did you mean ${near.source}\\?`))
})

test.each([
  'booking:{orgId}:{day}',
  'booking:7:*',
  'booking:{orgId}*',
  '*booking*',
  // A parameter's value may hold it.
  '*bookings*',
  '*',
  '{first}*',
  '{kind}:{orgId}:2026-11-20',
  '*:{day}',
  'report:daily:{orgId}:{propertyId}',
  'report:daily:{orgId}:{propertyId}*',
  'report:daily:{orgId}:{propertyId}:{date}',
  'report:*:2026',
  'file:v{version}.json:{name}',
  'file:v1{rest}:readme',
])('pattern_%s_ofAFamily_isNot', (pattern) => {
  expect(misses(pattern)).toEqual([])
})

test('pattern_ofSeveralTables_isWarnedOfOnce_withTheTables', () => {
  const tables = { bookings: ['bookings:{orgId}:*'], rooms: ['bookings:{orgId}:*', keys.booking] }
  expect(warningsOf(defineDependencies({ tables }))).toEqual([expect.stringContaining('(bookings, rooms)')])
})

test('map_withoutFamilies_isNotJudged', () => {
  const dependencies = defineDependencies({ scopes: ['area'], tables: { bookings: ['bookings:{orgId}:*'] } })
  expect(warningsOf(dependencies, { keys: undefined })).toEqual([])
  expect(warningsOf(dependencies, { keys: defineKeys({}) })).toEqual([])
})

test('scope_thatNoFamilyHas_isWarnedOf', () => {
  const found = warningsOf(
    defineDependencies({ scopes: ['orgId', 'day', 'org', 'kind', 'colour'], tables: { all: ['{kind}:*'] } }),
  )
  expect(found).toHaveLength(2)
  expect(found[0]).toMatch(/scope "org" .*Did you mean "orgId"\?/)
  expect(found[1]).toMatch(/scope "colour" /)
  expect(found[1]).not.toMatch(/Did you mean/)
})

test('stable_whatBindsNoCapture_isWarnedOf', () => {
  const found = warningsOf(
    defineDependencies({
      tables: {
        bookings: { invalidates: [keys.booking], stable: ['org_id', 'orgId', 'day', 'orgid', 'colour'] },
        rows: { invalidates: [keys.booking], bind: { orgId: 'owner' }, stable: ['owner'] },
        calls: {
          invalidates: [keys.booking],
          bind: (row) => ({ orgId: row.owner as number }),
          stable: ['owner'],
        },
      },
    }),
  )
  expect(found).toHaveLength(3)
  expect(found[0]).toMatch(/bookings: stable: "orgid" .*Did you mean "orgId"\?/)
  expect(found[1]).toMatch(/bookings: stable: "colour" /)
  expect(found[2]).toMatch(/calls: stable: "owner" /)
})

test('warnings_areTold_toListenersAndTheLogger', async () => {
  const lines: string[] = []
  const log = () => {}
  const { cache } = openCache({
    keys,
    dependencies: defineDependencies({ tables: { bookings: ['bookings:{orgId}:{day}'] } }),
    logger: { debug: log, info: log, warn: (_, message) => lines.push(message), error: log },
  })
  const told: string[] = []
  cache.on('warning', ({ message }) => told.push(message))
  await settle()
  expect(told).toEqual(cache.health().warnings)
  expect(told).toHaveLength(1)
  expect(lines).toEqual([`cache: ${told[0]}`])
})

test('misspeltMap_voidsNothing_asItSays', async () => {
  const { cache } = openCache({
    keys,
    dependencies: defineDependencies({ tables: { bookings: ['bookings:{orgId}:{day}'] } }),
  })
  const key = keys.booking({ orgId: 1, day: '2026-11-20' })
  await cache.get(key, () => 1)
  await cache.invalidate({ table: 'bookings' })
  expect(await cache.get(key, () => 2)).toBe(1)
  expect(cache.health().warnings[0]).toMatch(/makes nothing of them void/)
})
