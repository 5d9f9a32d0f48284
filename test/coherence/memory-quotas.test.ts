import { createCache, defineDependencies, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

const keys = defineKeys({
  daily: { key: 'daily:{orgId}:{day}', maxEntries: 20 },
  monthly: { key: 'monthly:{orgId}:{month}', maxEntries: 5 },
  user: 'user:{orgId}:{id}',
  country: 'country:{code}',
})
const dependencies = defineDependencies({
  tables: { revenues: ['daily:{orgId}:{day}', 'monthly:{orgId}:*'] },
})
const load = async () => 'loaded'

function open(perTenant?: number) {
  const { cache, clock } = openCache({
    keys,
    dependencies,
    partitionBy: 'orgId',
    memory: { maxEntries: 10, ...(perTenant === undefined ? {} : { perTenant }) },
  })
  const evicted: string[] = []
  cache.on('evicted', ({ key }) => evicted.push(key))
  const fill = async (all: readonly string[]) => {
    for (const key of all) await cache.get(key, load)
  }
  return { cache, clock, evicted, fill, has: (key: string) => cache.peek(key) !== undefined }
}
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

describe('memory', () => {
  test('dailyReports_doNotEvictMonthlyOnes_norTheOtherWayRound', async () => {
    const { evicted, fill, has } = open()
    await fill(numbers(5).map((month) => keys.monthly({ orgId: 7, month })))
    await fill(numbers(30).map((day) => keys.daily({ orgId: 7, day })))
    expect(evicted).toEqual(numbers(10).map((day) => keys.daily({ orgId: 7, day })))
    expect(numbers(5).every((month) => has(keys.monthly({ orgId: 7, month })))).toBe(true)
    await fill(numbers(30).map((id) => keys.user({ orgId: 7, id })))
    expect(numbers(20).every((at) => has(keys.daily({ orgId: 7, day: 10 + at })))).toBe(true)
  })

  test('aNoisyTenant_evictsItsOwnEntries', async () => {
    const { evicted, fill, has } = open(4)
    await fill(numbers(3).map((id) => keys.user({ orgId: 'quiet', id })))
    await fill([keys.country({ code: 'IN' })])
    await fill(numbers(100).map((id) => keys.user({ orgId: 'noisy', id })))
    expect(evicted).toHaveLength(96)
    expect(evicted.every((key) => key.startsWith('user:noisy'))).toBe(true)
    expect(numbers(3).every((id) => has(keys.user({ orgId: 'quiet', id })))).toBe(true)
    expect(has(keys.country({ code: 'IN' }))).toBe(true)
  })

  test('moreTenantsThanThereIsRoomFor_thoseInUseHaveIt', async () => {
    const { cache, clock, fill, has } = open(4)
    for (const orgId of numbers(30)) await fill([keys.user({ orgId, id: 0 })])
    await clock.advance(61_000)
    await fill(numbers(3).map((id) => keys.user({ orgId: 29, id })))
    expect(cache.stats().entries).toBe(10)
    expect(numbers(3).every((id) => has(keys.user({ orgId: 29, id })))).toBe(true)
  })

  test('invalidation_eviction_andClear_workAsEver', async () => {
    const { cache, fill, has } = open(4)
    await fill([
      keys.daily({ orgId: 7, day: 1 }),
      keys.daily({ orgId: 8, day: 1 }),
      keys.user({ orgId: 7, id: 1 }),
    ])
    await cache.invalidate({ table: 'revenues', operation: 'insert', rows: [{ orgId: 7, day: 1 }] })
    expect(has(keys.daily({ orgId: 7, day: 1 }))).toBe(false)
    expect(has(keys.daily({ orgId: 8, day: 1 }))).toBe(true)
    await cache.invalidate({ pattern: 'user:*' })
    expect(has(keys.user({ orgId: 7, id: 1 }))).toBe(false)
    await cache.clear()
    expect(cache.stats().entries).toBe(0)
    await fill([keys.daily({ orgId: 7, day: 1 })])
    expect(has(keys.daily({ orgId: 7, day: 1 }))).toBe(true)
  })

  test('badQuotas_areRefused', () => {
    const refused = errorOf('INVALID_OPTION') as never
    expect(() => createCache({ name: 'never', keys, memory: { perTenant: 5 } })).toThrow(/partitionBy/)
    expect(() =>
      createCache({ name: 'never', keys, partitionBy: 'orgId', memory: { perTenant: 0 } }),
    ).toThrow(refused)
    expect(() => defineKeys({ a: { key: 'a:{id}', maxEntries: 0.5 } })).toThrow(refused)
  })
})
