import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { heldLoader, openFleet } from '../support/caches.ts'

// Loads under a soft lock take turns, one running and one next; and the loader of one may read what another one loads.
const dependencies = defineDependencies({ tables: { t: ['row:{id}', 'both:*'] } })

/** A cache with a soft lock on the composite and on row 2; row 1 is free. */
async function locked(): Promise<Cache> {
  const { fleet, clock } = await openFleet(1, { dependencies, consistency: 'committed' })
  const [cache] = fleet as [Cache]
  await clock.advance(5_000)
  const unit = cache.unitOfWork()
  unit.write('t', { operation: 'insert', rows: [{ id: 2 }] })
  await unit.prepare()
  return cache
}

test('batch_thatWaitsForItsTurn_isNotWaitedFor_byTheLoadWhoseTurnItIs', async () => {
  const cache = await locked()
  const slow = heldLoader<number>()
  const composite = cache.get('both:x', async () => {
    await slow.load()
    return cache.get<string, number>('row:1', () => 1)
  })
  const running = await slow.call()
  // It leads row 1, and has the composite's turn to wait for.
  const batch = cache.getMany(['row:1', 'both:x'], (missing: readonly string[]) => missing.map(() => 2))
  await settle()
  running.resolve(0)
  expect(await composite).toBe(1)
  expect(await batch).toEqual([2, 2])
})

test('batch_thatTheRunningLoadWaitsFor_doesNotWaitForItsTurn', async () => {
  const cache = await locked()
  const first = heldLoader<number>()
  const composite = cache.get('both:x', async () => {
    await first.load()
    return cache.get<string, number>('row:1', () => 1)
  })
  const row = heldLoader<readonly number[]>()
  await first.call()
  const batch = cache.getMany(['row:1'], row.load)
  const loading = await row.call()
  ;(await first.call()).resolve(0)
  await settle()
  const another = cache.getMany(['both:x', 'row:1'], (missing: readonly string[]) => missing.map(() => 3))
  await settle()
  loading.resolve([2])
  expect(await batch).toEqual([2])
  expect(await composite).toBe(2)
  expect(await another).toEqual([3, 2])
})
