import { describe, expect, test } from 'vitest'
import { judgeStaleness, type ReadLog } from '../../bench/support/staleness.ts'

const log = (reads: ReadLog['reads'], writes: ReadLog['writes'] = [], end: ReadLog['end'] = []): ReadLog => {
  return { reads, writes, end }
}

describe('the judge of the bench', () => {
  test('read_begunBeforeTheAcknowledgement_isNotStale', () => {
    const reader = log([[99, 0, 1]])
    expect(judgeStaleness([reader, log([], [[100, 0, 2]])], 0)).toMatchObject({ reads: 1, stale: 0 })
  })

  test('olderAnswer_afterTheGrace_isStale', () => {
    const reader = log([
      [250, 0, 1],
      [350, 0, 1],
    ])
    expect(judgeStaleness([reader, log([], [[200, 0, 2]])], 100)).toMatchObject({ stale: 1, oldestMs: 150 })
  })

  test('answer_severalVersionsBehind_isAsOldAsTheFirstItMissed', () => {
    const writes: ReadLog['writes'] = [
      [100, 0, 2],
      [200, 0, 3],
    ]
    expect(judgeStaleness([log([[300, 0, 1]], writes)], 0).oldestMs).toBe(200)
    expect(judgeStaleness([log([[300, 0, 2]], writes)], 0).oldestMs).toBe(100)
  })

  test('acknowledgements_outOfOrder_areOrderedByVersion', () => {
    const writes: ReadLog['writes'] = [
      [200, 0, 3],
      [210, 0, 2],
    ]
    expect(judgeStaleness([log([[300, 0, 3]], writes, [3])], 0)).toMatchObject({ stale: 0, staleAtEnd: 0 })
  })

  test('otherKey_doesNotMatter', () => {
    expect(judgeStaleness([log([[300, 1, 0]], [[100, 0, 2]], [2, 0])], 0)).toMatchObject({
      stale: 0,
      staleAtEnd: 0,
    })
  })

  test('keyThatOneProcessStillAnswersOld_isStaleAtTheEnd_andCountsOnce', () => {
    const writes: ReadLog['writes'] = [[100, 0, 2]]
    expect(judgeStaleness([log([], writes, [1]), log([], [], [1])], 0).staleAtEnd).toBe(1)
    expect(judgeStaleness([log([], writes, [2]), log([], [], [1])], 0).staleAtEnd).toBe(1)
  })
})
