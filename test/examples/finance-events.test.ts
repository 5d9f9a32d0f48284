import { expect, test } from 'vitest'
import { runExample, sceneOf } from './run-example.ts'

test('examples/finance-events: an event that one replica handles is heard by all', {
  timeout: 120_000,
}, async () => {
  const told = await runExample('finance-events')
  expect(told).toMatch(/\d{2} answers were judged: none was older than promised\./)

  const [daily, monthly, yearly, ...others] = sceneOf(told, 'She adds 500')
  expect([daily, monthly, yearly].map((line) => line?.[1])).toEqual([
    'revenue 600, expenses 0',
    'revenue 650, expenses 0',
    'revenue 650, expenses 0',
  ])
  expect(others.map(([, , tier]) => tier)).not.toContain('loader')

  const everywhere = (scene: string) => sceneOf(told, scene).filter(([who]) => who?.startsWith('replica-'))
  expect(everywhere('The queue hands').map(([, seen]) => seen?.slice(0, 11))).toEqual([
    ...['revenue 600', 'revenue 600', 'revenue 600'],
    ...['revenue 650', 'revenue 650', 'revenue 650'],
    ...['revenue 650', 'revenue 650', 'revenue 650'],
  ])
  // One load for the fleet.
  expect(everywhere('The queue hands').filter(([, , tier]) => tier === 'loader')).toHaveLength(3)
  expect(told).toContain('replica-2 alerts: parked: revenue.updated, schema version 2 is not known')
  expect(told).toContain('replica-1 alerts: no event: revenues')
  // It was old, and is found.
  expect(told).toContain('until the relay has looked, replica-1 answers revenue 1820')
  expect(everywhere('Somebody corrects').map(([, seen]) => seen?.slice(0, 13))).toContain('revenue 16820')
})
