import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

// A unit is being prepared: its stamps are blocked in its process, its locks are on their way. A read that begins now
// overtakes them, and the store answers the old value as valid. If memory took that, it would answer it after COMMIT.
const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })

test.each([
  ['a row', { table: 't', operation: 'insert', rows: [{ id: 1 }] }],
  ['a key', { keys: ['row:1'] }],
] as const)('read_ofWhatItsOwnProcessIsLocking_by_%s_isNotRemembered', async (_, change) => {
  const network = heldNetwork()
  const { fleet, clock } = await openFleet(1, {
    dependencies,
    consistency: 'strict',
    schedule: network.schedule,
  })
  const [cache] = fleet as [Cache]
  await cache.ready()
  await clock.advance(5_000)
  const db = { committed: 'old' }
  const read = (freshness: 'bounded' | 'committed' = 'bounded') =>
    cache.get<string, string>('row:1', () => db.committed, { freshness })
  await read()
  expect(await read()).toBe('old')
  network.hold('reply')
  const unit = cache.unitOfWork()
  unit.invalidate(change as never)
  const preparing = unit.prepare()
  await settle()
  const beside = read('committed')
  await settle()
  expect(network.waiting).toBe(2)
  // The store carries the read out, then the lock; the answers follow.
  await network.run(1)
  await network.run(0)
  network.deliver()
  await preparing
  expect(await beside).toBe('old')
  // Committed in the database, not yet rotated.
  db.committed = 'new'
  expect(await read()).toBe('new')
  await unit.commit()
  expect(await read()).toBe('new')
})
