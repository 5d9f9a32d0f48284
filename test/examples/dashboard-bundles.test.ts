import { expect, test } from 'vitest'
import { runExample, sceneOf } from './run-example.ts'

test('examples/dashboard-bundles: nobody waits in the morning', { timeout: 120_000 }, async () => {
  const told = await runExample('dashboard-bundles')
  expect(told).toMatch(/\d{2} answers were judged: none was older than promised\./)

  expect(told).toContain('done: 12 warmed, 2 failed, ')
  const morning = sceneOf(told, 'Eight in the morning').filter(([who]) => who?.startsWith('process '))
  expect(morning.map((line) => line.at(-1))).toEqual([
    ...Array.from({ length: 11 }, () => 'store, 0 ms'),
    ...['loader, 800 ms', 'loader, 800 ms'], // the seats of tenant 5 are known now
  ])
  const order = sceneOf(told, 'Tenant 3 places').filter(([who]) => who?.startsWith('process '))
  expect(order.map((line) => line.at(-1))).toEqual([
    'loader, 800 ms',
    'loader, 800 ms',
    'store, 0 ms',
    'store, 0 ms',
  ])
  expect(told).toContain('warming stopped: Every schedule is switched off.')
  expect(told).toContain('2026-11-21T00:00:00.000Z was missed, and run at 2026-11-21T03:')

  const [, short, keptWarm, long] = sceneOf(told, "The team's way")
  expect(short?.slice(1, 3)).toEqual(['23', '4 of 5'])
  expect(keptWarm?.slice(1, 3)).toEqual(['1', '4 of 5'])
  expect(long?.slice(1)).toEqual(['2', '0 of 5', '16'])
})
