import type { Cache } from 'coherent-cache'
import { expect, test } from 'vitest'
import { heldLoader, openFleet } from '../support/caches.ts'

// What another process has loaded anew is in the store: a read that this process's memory no longer answers is answered
// from there, and does not wait for a reload that runs here.
test('get_whileAReloadRuns_ofAValueThatAnotherProcessHasReplaced_doesNotWait', async () => {
  const { fleet } = await openFleet(2)
  const [here, there] = fleet as [Cache, Cache]
  await here.get('a', () => 'old')
  await there.get<string, string>('a', () => 'new', { freshness: 'reload' })
  const { load, call } = heldLoader<string>()
  const reload = here.get('a', load, { freshness: 'reload' })
  const held = await call()
  expect(await here.get<string, string>('a', () => 'loaded again')).toBe('new')
  held.resolve('newest')
  expect(await reload).toBe('newest')
})
