import { expect, test } from 'vitest'
import { spend, ways } from '../../examples/rental-reports/ways.ts'
import { runExample, sceneOf } from './run-example.ts'

test('examples/rental-reports: no part of a dashboard predates a payment', { timeout: 120_000 }, async () => {
  const told = await runExample('rental-reports')
  expect(told).toMatch(/\d{2} answers were judged: none was older than promised\./)

  expect(told).toContain('the replica says: paid 11000; the primary: paid 12000')
  const [, first, second] = sceneOf(told, 'Renter 1 pays')
  expect(first?.[1]).toMatch(/^metrics paid 12000, due 3000, .*income 12000/)
  expect(second?.[1]).toBe(first?.[1])
  expect(told).toContain('void: rental:metrics:{landlordId}*, ')
  expect(told).toContain('Of 5 loaders, 3 read what is not declared.')
})

test('examples/rental-reports: what each way to keep a report fresh costs', { timeout: 60_000 }, async () => {
  const outcomes = []
  for (const way of ways) outcomes.push(await spend(way))
  for (const { reads } of outcomes) expect(reads).toBe(120)
  const [lifetime, hourly, keptWarm, voided, long] = outcomes
  const some = expect.toSatisfy((old) => old > 0)
  expect(lifetime).toMatchObject({ waited: 20, old: some })
  // An hourly refresh of what lives five minutes leaves it cold for most of the hour.
  expect(hourly).toMatchObject({ waited: 20, old: some })
  expect(keptWarm).toMatchObject({ waited: 0, old: some })
  expect(voided?.old).toBe(0)
  expect(long).toEqual({ reads: 120, waited: 6, old: 0, computed: 7 })
})
