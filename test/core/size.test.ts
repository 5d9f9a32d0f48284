import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { sizeOf } from '../../src/core/size.ts'

test('theEstimate_isNearWhatEntriesTake', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    '--import',
    './scripts/text-loader.mjs',
    'test/support/children/measure-entries.ts',
  ])
  const ratios = JSON.parse(stdout) as Record<string, number>
  expect(Object.keys(ratios)).toHaveLength(10)
  // Tables grow in jumps, so that a single shape is off by more than all of them together.
  for (const [shape, ratio] of Object.entries(ratios)) {
    expect(ratio, `${shape}, of what is estimated`).toBeGreaterThan(0.6)
    expect(ratio, `${shape}, of what is estimated`).toBeLessThan(1.5)
  }
  const all = Object.values(ratios)
  const mean = all.reduce((sum, ratio) => sum + ratio, 0) / all.length
  expect(mean).toBeGreaterThan(0.8)
  expect(mean).toBeLessThan(1.2)
})

test('sizeOf_partsThatAreShared_countOnce_andCirclesEnd', () => {
  const shared = { text: 'a'.repeat(10_000) }
  expect(sizeOf([shared, shared, shared])).toBeLessThan(12_000)
  const circle: unknown[] = []
  circle.push(circle)
  expect(sizeOf(circle)).toBeLessThan(100)
})

test('sizeOf_aVeryDeepValue_needsNoStack', () => {
  let deep: unknown = 1
  for (let depth = 0; depth < 200_000; depth++) deep = [deep]
  expect(sizeOf(deep)).toBeGreaterThan(200_000)
})
