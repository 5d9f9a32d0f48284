import { defineDependencies, defineKeys } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({ report: { key: 'report:{orgId}:{date}', ttl: '30s' } })
const dependencies = defineDependencies({
  scopes: ['orgId'],
  tables: { revenues: ['report:{orgId}:*'], taxes: ['report:*'], v_totals: ['report:{orgId}:*'] },
  views: { v_totals: ['revenues'] },
})
const key = 'report:7:2026-11-20'

test('explain_absent_tellsWhatItWouldHangOn', async () => {
  const { cache } = openCache({ keys, dependencies })
  expect(await cache.explain(key)).toEqual({
    key,
    family: 'report',
    params: { orgId: '7', date: '2026-11-20' },
    tier: undefined,
    age: undefined,
    expiresAt: undefined,
    ttl: '30s',
    policy: {
      ttl: '30s',
      negativeTtl: '30s',
      memoryTtl: undefined,
      idleTtl: undefined,
      jitter: 0,
      staleWhileRevalidate: 0,
      staleIfError: 0,
      timeout: { soft: undefined, hard: undefined },
      refreshAhead: false,
    },
    vector: ['everything', 'report:{orgId}:*', 'report:{orgId}:* at 7', 'report:*', 'scope orgId=7'],
    dependsOn: [
      { pattern: 'report:{orgId}:*', captures: { orgId: '7' }, tables: ['revenues'], views: ['v_totals'] },
      { pattern: 'report:*', captures: {}, tables: ['taxes'], views: [] },
    ],
    invalidatedBy: undefined,
  })
})

test('explain_inMemory_tellsAgeAndEnd_withoutCountingAsAUse', async () => {
  const { cache, clock } = openCache({ keys, dependencies, memory: { maxEntries: 2 } })
  await cache.get(key, () => 1)
  await cache.get('b', () => 1)
  await clock.advance(10_000)
  expect(await cache.explain(key)).toMatchObject({
    tier: 'memory',
    age: 10_000,
    expiresAt: clock.now() + 20_000,
  })
  await cache.get('c', () => 1)
  expect((await cache.explain(key)).tier).toBeUndefined()
  await clock.advance(20_000)
  expect((await cache.explain('b')).tier).toBe('memory')
  expect(cache.stats().hits.memory).toBe(0)
})

test('explain_expired_isNowhere', async () => {
  const { cache, clock } = openCache({ keys, dependencies })
  await cache.get(key, () => 1)
  await clock.advance(30_000)
  expect(await cache.explain(key)).toMatchObject({ tier: undefined, age: undefined, expiresAt: undefined })
})

test('explain_invalidated_tellsByWhat', async () => {
  const { cache, clock } = openCache({ keys, dependencies })
  await cache.get(key, () => 1)
  const unit = cache.unitOfWork({ name: 'booking', trace: 'trace-1' })
  unit.write('revenues', { operation: 'insert', rows: [{ org_id: 7 }] })
  await unit.commit()
  const at = clock.now()
  await clock.advance(1_000)
  await cache.invalidate({ keys: ['other'] })
  expect((await cache.explain(key)).invalidatedBy).toEqual({
    at,
    // A view over the table has the pattern too, and the table's rows say nothing of the view's.
    stamps: ['report:{orgId}:*'],
    cause: {
      id: expect.stringMatching(/^[\w-]{16}$/),
      process: expect.stringContaining(cache.name),
      tables: ['revenues'],
      unit: unit.id,
      trace: 'trace-1',
    },
  })
})

test.each([
  ['its key', { keys: [key] }, []],
  ['an ad-hoc pattern', { pattern: 'report:7*' }, []],
  ['a scope', { scope: { orgId: 7 } }, ['scope orgId=7']],
] as const)('explain_invalidatedBy_%s', async (_, request, stamps) => {
  const { cache } = openCache({ keys, dependencies })
  await cache.invalidate(request as never)
  expect((await cache.explain(key)).invalidatedBy).toMatchObject({ stamps })
  expect((await cache.explain('report:8:x')).invalidatedBy?.stamps).toEqual(
    'pattern' in request ? [] : undefined,
  )
})

test('explain_cleared_concernsEveryKey', async () => {
  const { cache } = openCache({ keys, dependencies })
  await cache.clear()
  expect((await cache.explain('anything')).invalidatedBy?.stamps).toEqual(['everything'])
})

test('explain_manyInvalidationsLater_forgetsTheOldest', async () => {
  const { cache } = openCache({ keys, dependencies })
  await cache.invalidate({ keys: [key] })
  for (let at = 0; at < 511; at++) await cache.invalidate({ keys: [`other${at}`] })
  expect((await cache.explain(key)).invalidatedBy).toBeDefined()
  await cache.invalidate({ keys: ['other'] })
  expect((await cache.explain(key)).invalidatedBy).toBeUndefined()
  expect((await cache.explain('other510')).invalidatedBy).toBeDefined()
})

test('explain_invalidatedElsewhere_tellsWhoDidIt', async () => {
  const { fleet } = await openFleet(2, { keys, dependencies })
  const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
  await one.invalidate({ table: 'taxes' })
  await settle()
  const told = (await other.explain(key)).invalidatedBy
  expect(told).toMatchObject({ stamps: ['report:*'], cause: { tables: ['taxes'] } })
  expect(told?.cause?.process).toContain('#i0@')
})
