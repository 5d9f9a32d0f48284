import { expect, test } from 'vitest'
import { Layout } from '../../src/stores/redis/layout.ts'
import { heldLoader } from '../support/caches.ts'
import { openRedisCache, uniqueName } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

/** Two processes of one application on a real Redis, under real time. */
async function pair(options: Parameters<typeof openRedisCache>[0]) {
  const name = uniqueName()
  const [one, other] = [openRedisCache({ name, ...options }), openRedisCache({ name, ...options })]
  await Promise.all([one.cache.ready(), other.cache.ready()])
  const value = (key: string) => new Layout('', name, name, 0).value(key)
  const left = async (stored: string) => Number(await one.client.call('PTTL', stored))
  return { one: one.cache, other: other.cache, left, value }
}

/** Waits until the value that `cache` has filled is past its lifetime. */
async function ended(expiresAt: number | undefined) {
  await until(() => Date.now() > (expiresAt ?? Number.POSITIVE_INFINITY), 'the end of the lifetime')
}

const swr = { staleWhileRevalidate: '1h', ttl: '150ms' } as const

test('a value past its lifetime is served by a process that never read it, and replaced in the background', async () => {
  const { one, other } = await pair(swr)
  const { expiresAt } = await one.getEntry('a', () => 'old')
  await ended(expiresAt)
  const { load, calls, call } = heldLoader<string>()
  expect(await other.getEntry('a', load)).toMatchObject({ value: 'old', status: 'stale', tier: 'store' })
  await until(() => calls.length > 0, 'the load in the background')
  expect(await one.getEntry('a', load)).toMatchObject({ value: 'old', status: 'stale' })
  ;(await call()).resolve('new')
  const fresh = await until(async () => {
    const entry = await one.getEntry('a', load, { ttl: '1h' })
    return entry.value === 'new' && entry
  }, 'the new value')
  expect(fresh.value).toBe('new')
})

test('what was invalidated is not served past its lifetime, by whichever process', async () => {
  const { one, other } = await pair({ ...swr, staleIfError: '1h' })
  const { expiresAt } = await one.getEntry('a', () => 'old')
  await ended(expiresAt)
  await one.invalidate({ keys: ['a'] })
  const broken = () => Promise.reject(new Error('broken'))
  await expect(other.get('a', broken, { freshness: 'committed' })).rejects.toThrow('broken')
  await expect(one.get('a', broken)).rejects.toThrow('broken')
})

test('a sliding lifetime: Redis keeps what is being read, and no more', async () => {
  const { one, other, left, value } = await pair({ ttl: '1h', idleTtl: '2s' })
  await one.get('a', () => 1)
  expect(await left(value('a'))).toBeLessThanOrEqual(2_000)
  await until(async () => (await left(value('a'))) < 1_400, 'more than a quarter of it')
  expect(await one.get('a', () => 2)).toBe(1)
  await until(async () => (await left(value('a'))) > 1_500, 'the store to be told')
  expect(await other.getEntry('a', () => 2)).toMatchObject({ value: 1, tier: 'store' })
  // Nobody reads it any more.
  await until(async () => (await left(value('a'))) < 0, 'its end')
  expect(await other.get('a', () => 2)).toBe(2)
})
