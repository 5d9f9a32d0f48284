import { expect, test } from 'vitest'
import { olderThanPromised } from '../../examples/hedge-positions/judge.ts'
import { runExample, sceneOf } from './run-example.ts'

/** From memory, or from Redis where the process has been idle for longer than its memory may answer. */
const HIT = expect.stringMatching(/memory|store/)

test('examples/hedge-positions: no desk shows what is gone', { timeout: 120_000 }, async () => {
  const told = await runExample('hedge-positions')
  expect(told).toMatch(/\d{2,} answers were judged: none was older than promised\./)

  const [london, mumbai, delhi, ...euros] = sceneOf(told, 'Everybody has 100')
  for (const [, seen] of [london, mumbai, delhi] as string[][]) expect(seen).toBe('hedged 50, available 50')
  expect(euros.slice(0, 3).map(([, , tier]) => tier)).toEqual([HIT, HIT, HIT])
  expect(told).toContain('applied: hedge_instructions, deal_bookings, gl_entries')
  expect(sceneOf(told, 'Mumbai books 30').map(([, , tier]) => tier)).toEqual([HIT, HIT, HIT])
  expect(sceneOf(told, 'Delhi makes void').map(([place, , tier]) => [place, tier])).toEqual([
    ...['London, 1 USD', 'Mumbai, 1 USD', 'Delhi, 1 USD'].map((place) => [place, HIT]),
    ...['London, 1 EUR', 'Mumbai, 1 EUR', 'Delhi, 1 EUR'].map((place) => [place, expect.any(String)]),
    ...['London, 1 USD', 'Mumbai, 1 USD', 'Delhi, 1 USD'].map((place) => [place, HIT]),
  ])
  const euroTiers = sceneOf(told, 'Delhi makes void')
    .slice(3, 6)
    .map(([, , tier]) => tier)
  expect(euroTiers.filter((tier) => tier === 'loader')).toHaveLength(1)
  const tiers = sceneOf(told, 'Then all that is of entity 2').map(([, , tier]) => tier)
  expect(tiers.slice(0, 3)).toEqual([HIT, HIT, HIT])
  expect(tiers.slice(3, 6).filter((tier) => tier === 'loader')).toHaveLength(1)
  expect(tiers.slice(6)).toEqual([HIT, HIT, HIT])
  expect(told).toContain('unprotected: hedge_instructions, deal_bookings, gl_entries')
  expect(sceneOf(told, 'A desk without').map(([, seen, tier]) => [seen, tier])).toEqual([
    ['hedged 40, available 60', 'loader'],
    ['hedged 50, available 50', 'loader'],
    ['hedged 50, available 50', 'memory'],
  ])
})

test('olderThanPromised_findsReads_thatShowWhatWasThereBeforeABooking', () => {
  const read = (beganAt: bigint, hedged: number) => ({ place: 'a', beganAt, hedged, tier: 'memory' })
  const booked = [
    { place: 'a', committedAt: 10n, hedged: 50, status: 'applied' as const },
    { place: 'b', committedAt: 10n, hedged: 90, status: 'applied' as const },
    { place: 'a', committedAt: 10n, hedged: 70, status: 'unprotected' as const },
  ]
  const old = read(11n, 0)
  expect(olderThanPromised([old, read(10n, 0), read(11n, 50)], booked)).toEqual([old])
})
