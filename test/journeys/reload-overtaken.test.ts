import { memoryStore } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'

test('a plain read that is still on its way when a reload replaces the value does not put the old one back', async () => {
  const held: (() => void)[] = []
  let holding = false
  const store = memoryStore({
    schedule(step, what) {
      if (holding && what === 'reply') held.push(step)
      else queueMicrotask(step)
    },
  })
  const { cache } = openCache({ store, memory: { maxEntries: 1 } })
  await cache.ready()
  await cache.get('a', () => 'old')
  await cache.get('b', () => 'b')
  expect(cache.peek('a')).toBeUndefined()

  // The store carries the plain read out, and its answer takes its time.
  holding = true
  const late = cache.get('a', () => 'loaded')
  await new Promise((resolve) => process.nextTick(resolve))
  await Promise.resolve()
  const [carryOut] = held.splice(0)
  carryOut?.()
  holding = false
  expect(held).toHaveLength(1)

  expect(await cache.get('a', () => 'new', { freshness: 'reload' })).toBe('new')
  for (const answer of held) answer()
  expect(await late).toBe('old')
  expect(await cache.get('a', () => 'loaded')).toBe('new')
})
