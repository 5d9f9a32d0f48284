import { defineKeys, ttlTiers } from 'coherent-cache'
import { expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

test('ttlTiers_names_arePolicies', async () => {
  const tier = ttlTiers({ realtime: 0, hot: '5s', dashboard: '5m' })
  const keys = defineKeys({
    dashboard: { key: 'dashboard:{id}', ttl: tier.dashboard },
    live: { key: 'live:{id}', ttl: tier.realtime },
  })
  const { cache, clock } = openCache({ keys, ttl: tier.hot })
  const expiresIn = async (key: string) => {
    const { expiresAt } = await cache.getEntry(key, () => 1)
    return expiresAt === undefined ? undefined : expiresAt - clock.now()
  }
  expect(await expiresIn('dashboard:1')).toBe(300_000)
  expect(await expiresIn('live:1')).toBeUndefined()
  expect(await expiresIn('raw')).toBe(5_000)
  expect((await cache.explain('dashboard:1')).ttl).toBe('dashboard (5m)')
  expect(Object.isFrozen(tier)).toBe(true)
})

test.each([
  ['nothing', undefined, 'INVALID_OPTION'],
  ['null', null, 'INVALID_OPTION'],
  ['no tiers', {}, 'INVALID_OPTION'],
  ['bad duration', { hot: 'warm' }, 'INVALID_DURATION'],
  ['negative', { hot: -5 }, 'INVALID_DURATION'],
] as const)('ttlTiers_%s_refused', (_, tiers, code) => {
  expect(() => ttlTiers(tiers as never)).toThrow(errorOf(code, /ttlTiers/) as Error)
})
