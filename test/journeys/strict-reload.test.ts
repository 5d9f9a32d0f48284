import { type ManualClock, manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'

test('strict: a reload that replaces a value is answered once the others have heard of it', async () => {
  const held: (() => void)[] = []
  let holding = false
  const clock: ManualClock = manualClock()
  const store = memoryStore({
    clock,
    schedule(step, what) {
      if (holding && what === 'message') held.push(step)
      else queueMicrotask(step)
    },
  })
  const open = (instance: string) =>
    openCache({ name: 'strict-reload', instance, consistency: 'strict', store, clock }).cache
  const [cache, other] = [open('a'), open('b')]
  await Promise.all([cache.ready(), other.ready()])
  // A cache in the locking modes keeps nothing at first.
  await clock.advance(6_000)
  for (let turn = 0; turn < 5 && other.peek('a') === undefined; turn++) {
    await cache.get('a', () => 'old')
    await other.get('a', () => 'old')
    await settle()
  }
  expect(other.peek('a')).toBe('old')

  holding = true
  let answered = false
  const reload = cache
    .get('a', () => 'new', { freshness: 'reload' })
    .finally(() => {
      answered = true
    })
  for (let turn = 0; turn < 5; turn++) await settle()
  expect(held.length).toBeGreaterThan(0)
  expect([answered, other.peek('a')]).toEqual([false, 'old'])
  holding = false
  for (const step of held) step()
  expect(await reload).toBe('new')
  expect(other.peek('a')).toBeUndefined()
  expect(await other.get('a', () => 'newer')).toBe('new')
})
