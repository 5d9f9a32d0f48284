import { describe, expect, test } from 'vitest'
import { fuzz } from './run-target.ts'
import { targets } from './targets.ts'

/** `npm run fuzz` runs fifty times as many, and looks at how the time of hard inputs grows. */
const CASES = 2_000
const SEED = Number(process.env.FAST_CHECK_SEED ?? 20_261_120)

describe('whatever comes from outside', () => {
  test.each(targets)('$name: $parses', { timeout: 60_000 }, async (target) => {
    const { cases, failure } = await fuzz(target, CASES, SEED)
    expect(failure).toBeUndefined()
    expect(cases).toBe(CASES)
  })
})
