import { defineDependencies } from 'coherent-cache'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'

// A unit has locked what hangs on its row under the maps there were. A process with a newer map begins: of its pattern the
// unit learns with the next renewal at the earliest. What is loaded there meanwhile must not be kept.
test('process_withANewMap_keepsNothing_asLongAsUnitsMayNotKnowOfIt', async () => {
  const clock = manualClock()
  const shared = { name: 'rollout', store: memoryStore({ clock }), clock, consistency: 'committed' } as const
  const older = defineDependencies({ tables: { t: ['row:{id}'] } })
  const newer = defineDependencies({ tables: { t: ['row:{id}', 'sum:*'] } })
  const { cache: writer } = openCache({ ...shared, instance: 'old', dependencies: older })
  await writer.ready()
  await clock.advance(10_000)
  const unit = writer.unitOfWork()
  unit.write('t', { operation: 'insert', rows: [{ id: 1 }] })
  await unit.prepare()

  const { cache: reader } = openCache({ ...shared, instance: 'new', dependencies: newer })
  await reader.ready()
  const db = { sum: 1 }
  const read = () => reader.get<string, number>('sum:all', () => db.sum, { freshness: 'committed' })
  expect(await read()).toBe(1)
  db.sum = 2
  // Committed in the database, and nobody has been told yet.
  expect(await read()).toBe(2)
  await unit.commit()
  expect(await read()).toBe(2)

  await clock.advance(5_000)
  expect(await read()).toBe(2)
  db.sum = 3
  expect(await read()).toBe(2)
})
