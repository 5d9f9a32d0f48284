import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

// A store that was away answers a probe. What it has missed is on its way to it, when the process that owes it reads:
// the read could overtake the change, and the store still has the old value, under stamps that nobody has rotated.
const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })

test('read_onceTheStoreAnswersAgain_doesNotOvertakeWhatItsProcessOwes', async () => {
  const network = heldNetwork()
  const { fleet, clock } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [cache, other] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((one) => one.ready()))
  await settle()
  await cache.get('row:1', () => 'old')
  network.hold('reply')
  const invalidating = cache.invalidate({ table: 't', operation: 'insert', rows: [{ id: 1 }] })
  await clock.advance(200)
  expect((await invalidating).status).toBe('queued')
  network.lose()
  // The first probe: carried out, and answered.
  await clock.advance(50)
  expect(network.waiting).toBe(1)
  await network.run(0)
  await network.run(0)
  // The change, among what else there may be.
  expect(network.waiting).toBeGreaterThan(0)
  const read = cache.get<string, string>('row:1', () => 'new')
  await settle()
  network.deliver((steps) => steps.reverse())
  expect(await read).toBe('new')
  await clock.advance(1_000)
  expect(cache.health()).toMatchObject({ status: 'ok', queue: { length: 0 } })
  expect(await other.get<string, string>('row:1', () => 'new')).toBe('new')
})
