import type { Cache } from 'coherent-cache'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { heldLoader, openCache } from '../support/caches.ts'

test('staleIfError_afterALongLoad_whoseProcessHasMissedTheInvalidation_hasNothingToAnswer', async () => {
  const clock = manualClock()
  let deaf = false
  const store = memoryStore({
    clock,
    schedule: (step, what, process) => {
      if (!deaf || what !== 'message' || !process.includes('#i1')) queueMicrotask(step)
    },
  })
  const [one, other] = ['i0', 'i1'].map((instance) => {
    const shared = { name: 'stale-fleet', instance, store, clock }
    return openCache({ ...shared, ttl: '10s', staleIfError: '1h' }).cache
  }) as unknown as [Cache, Cache]
  await one.ready()
  await other.ready()
  await one.get('a', async () => 'old')
  await clock.advance(10_000)
  const { load, call } = heldLoader<string>()
  const read = other.get('a', load)
  await call()
  deaf = true
  await clock.advance(100)
  await one.invalidate({ keys: ['a'] })
  await clock.advance(30_000)
  ;(await call()).reject(new Error('broken'))
  expect(await read.catch((error: Error) => error.message)).toBe('broken')
})
