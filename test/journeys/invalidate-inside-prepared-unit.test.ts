import { defineDependencies } from 'coherent-cache'
import { expect, test } from 'vitest'
import { countingLoader, openCache } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { t: ['row:*'] } })

test('clear_insideAUnit_holdsAtOnce_andAgainAtTheCommit', async () => {
  const { cache } = openCache({ dependencies })
  const { load } = countingLoader()
  const unit = cache.unitOfWork()
  await unit.run(() => cache.clear())
  // Somebody else reads what is not committed yet, and keeps it, as after any other invalidation.
  expect(await cache.get('row:1', load)).toBe(1)
  await unit.commit()
  expect(await cache.get('row:1', load)).toBe(2)
})

test('invalidate_insideAPreparedUnit_isApplied_ratherThanRefused', async () => {
  // It rejects only on bad input. Too late for the unit's own change, it holds at once and again after the commit.
  const { cache } = openCache({ dependencies })
  const { load } = countingLoader()
  const unit = cache.unitOfWork()
  await unit.run(async () => {
    await unit.prepare()
    expect(await cache.invalidate({ table: 't' })).toMatchObject({ status: 'applied' })
  })
  expect(await cache.get('row:1', load)).toBe(1)
  await unit.commit()
  expect(await cache.get('row:1', load)).toBe(2)
})
