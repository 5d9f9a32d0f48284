import { defineDependencies } from 'coherent-cache'
import { expect, test } from 'vitest'
import { decodeToken } from '../../src/core/token.ts'
import { countingLoader, openCache, openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

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

test('receiptOfAUnit_coversWhatWasInvalidatedInsideIt_afterPrepare', async () => {
  // A session that observes it must not fall behind the second rotation, which came after the unit's own.
  const dependencies = defineDependencies({ tables: { t: ['row:*'], u: ['other:*'] } })
  const { fleet } = await openFleet(2, { dependencies })
  const [one] = fleet as [(typeof fleet)[0]]
  const unit = one.unitOfWork()
  unit.write('t')
  const heard: unknown[] = []
  unit.onCommitted((receipt) => heard.push(receipt))
  await unit.run(async () => {
    await unit.prepare()
    await one.invalidate([{ table: 'u' }, { table: 't' }, { keys: ['row:1'] }, { table: 'elsewhere' as 't' }])
  })
  const before = await one.invalidate({ table: 't' })
  const receipt = await unit.commit()
  expect(receipt).toMatchObject({ status: 'applied', keys: ['row:1'], unknownTables: ['elsewhere'] })
  expect([...receipt.stamps].sort()).toEqual(['other:*', 'row:*'])
  // Two rotations after the one before: its own, and the one repeated.
  const sequence = (token: string) => [...decodeToken(token).positions.values()][0] as number
  expect(sequence(receipt.token)).toBe(sequence(before.token) + 2)
  expect(heard).toEqual([receipt])
})

test('receiptOfAUnit_lateChangeQueued_saysSo', async () => {
  const network = heldNetwork()
  const { fleet, clock } = await openFleet(1, { dependencies, schedule: network.schedule })
  const [one] = fleet as [(typeof fleet)[0]]
  await one.ready()
  const unit = one.unitOfWork()
  await unit.run(async () => {
    await unit.prepare()
    await one.invalidate({ table: 't' })
  })
  network.hold('reply')
  const committing = unit.commit()
  await clock.advance(250)
  const receipt = await committing
  expect(receipt).toMatchObject({ status: 'queued', stamps: ['row:*'] })
  expect(decodeToken(receipt.token).queued).toBe(true)
})
