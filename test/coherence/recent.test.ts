import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recent } from '../../src/coherence/recent.ts'

const MOST = 8
const name = fc.integer({ min: 0, max: 30 }).map((at) => `n${at}`)
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('set' as const, 'get' as const), name }),
  fc.record({ kind: fc.constantFrom('delete' as const), name }),
)

test('recent_anyUse_remembersWhatWasUsedLast_andNoMoreThanItMay', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const recent = new Recent<number>(MOST)
      const values = new Map<string, number>()
      // Names in the order of their last use, newest last.
      let order: string[] = []
      const use = (used: string) => {
        order = [...order.filter((one) => one !== used), used]
      }
      for (const [at, { kind, name: used }] of steps.entries()) {
        if (kind === 'set') {
          recent.set(used, at)
          values.set(used, at)
          use(used)
        } else if (kind === 'delete') {
          recent.delete(used)
          values.delete(used)
          order = order.filter((one) => one !== used)
        } else {
          const got = recent.get(used)
          const last = order.slice(-MOST / 2).includes(used)
          if (last) expect(got).toBe(values.get(used))
          else expect([undefined, values.get(used)]).toContain(got)
          if (got !== undefined) use(used)
        }
      }
      // Taken apart from the oldest on, so that looking changes nothing for those still to be looked at.
      const left = order.filter((one) => recent.get(one) !== undefined)
      expect(left.length).toBeLessThanOrEqual(MOST)
    }),
    { numRuns: 1_000 },
  )
})

test('clear_forgetsEverything', () => {
  const recent = new Recent<number>(2)
  recent.set('a', 1)
  recent.set('b', 2)
  recent.clear()
  expect([recent.get('a'), recent.get('b')]).toEqual([undefined, undefined])
})
