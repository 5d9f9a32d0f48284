import { defineDependencies } from 'coherent-cache'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'

// A unit names a pattern or a scope that its own map has and the map of a reader has not: the stamp for it lies on none
// of the reader's values. The reader must not answer from before the COMMIT all the same.
const writers = defineDependencies({ tables: { t: ['row:*'] }, scopes: ['id'] })
const readers = defineDependencies({ tables: { t: ['row:{id}'] } })

test.each([
  ['a pattern', { pattern: 'row:*' }],
  ['a scope', { scope: { id: 1 } }],
])('unit_thatNames_%s_ofItsOwnMapAlone_locksForReadersOfAnotherToo', async (_, change) => {
  const clock = manualClock()
  const shared = { name: 'two-maps', store: memoryStore({ clock }), clock, consistency: 'committed' } as const
  const { cache: writer } = openCache({ ...shared, instance: 'writer', dependencies: writers })
  const { cache: reader } = openCache({ ...shared, instance: 'reader', dependencies: readers })
  await Promise.all([writer.ready(), reader.ready()])
  await clock.advance(10_000)
  const db = { committed: 1 }
  const read = () => reader.get<string, number>('row:1', () => db.committed, { freshness: 'committed' })
  expect(await read()).toBe(1)
  const unit = writer.unitOfWork()
  unit.invalidate(change as never)
  await unit.prepare()
  db.committed = 2
  // Committed in the database, not yet rotated.
  expect(await read()).toBe(2)
  await unit.commit()
  expect(await read()).toBe(2)
})
