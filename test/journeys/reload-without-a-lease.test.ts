import type { Cache } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'

// A value lies in memory, still under current stamps, while the lease has lapsed. A reload replaces it in the store;
// without a lease memory may not take what it brings. Once there is a lease again, memory must not answer the old value:
// of the message about its own reload this process hears nothing.
test('reload_withoutALease_theReplacedValueIsNotAnsweredUnderTheNextLease', async () => {
  const { fleet, clock } = await openFleet(1)
  const [cache] = fleet as [Cache]
  const reads = async (value: string) => {
    for (let read = 0; read < 3; read++) {
      expect(await cache.get<string, string>('a', () => 'loaded')).toBe(value)
      await settle()
    }
    expect(cache.peek('a')).toBe(value)
  }
  await cache.get('a', () => 'old')
  await reads('old')
  await clock.advance(10_000)
  expect(cache.peek('a')).toBeUndefined()
  expect(await cache.get('a', () => 'new', { freshness: 'reload' })).toBe('new')
  await reads('new')
})
