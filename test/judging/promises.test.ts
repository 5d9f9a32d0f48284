import { expect, test } from 'vitest'
import { type JudgedRead, type JudgedWrite, promiseBroken, type Rules } from './promises.ts'

const T = 1_000
const at = (time: number) => ({ step: time, time })

/** Process 1 committed at 100, locked where the mode has locks, and was told `applied` at 110. */
const write = (more: Partial<JudgedWrite> = {}): JudgedWrite => ({
  ...{
    process: 1,
    guarded: true,
    committed: at(100),
    acknowledged: at(110),
    status: 'applied',
    replayed: undefined,
  },
  ...more,
})
const rules = (more: Partial<Rules> = {}): Rules => ({
  ...{ mode: 'bounded', maxStaleness: T, covered: true, composite: false },
  ...more,
})

/** Judges a read of process 2 that did not see the write. */
function judged(
  begin: number,
  read: Partial<JudgedRead> = {},
  given: JudgedWrite = write(),
  by: Rules = rules(),
): string | undefined {
  return promiseBroken({ process: 2, freshness: 'bounded', begin: at(begin), behind: [], ...read }, given, by)
}

const SAME = 'after its acknowledgement: same process'
const OTHERS = 'after its acknowledgement: other processes, T'
const ASKED = 'after its acknowledgement: other processes, committed read'
const committed = rules({ mode: 'committed' })
const strict = rules({ mode: 'strict' })
const ask = { freshness: 'committed' } as const
const queued = write({ status: 'queued' })
const replayed = write({ status: 'queued', replayed: at(500) })
const died = write({ acknowledged: undefined, status: undefined })

test.each<[string, string | undefined, string | undefined]>([
  // After `invalidate()` resolved `applied`.
  ['the same process, at once', judged(111, { process: 1 }), SAME],
  ['the same process, before it was told', judged(109, { process: 1 }), undefined],
  ['another one, within T', judged(1_109), undefined],
  ['another one, after T', judged(1_110), OTHERS],
  ["'committed', at once", judged(111, ask), ASKED],
  ["'committed', before it was told", judged(109, ask), undefined],
  ["'reload', after COMMIT", judged(101, { freshness: 'reload' }), 'a reload loads anew'],
  ["'reload', before COMMIT", judged(99, { freshness: 'reload' }), undefined],
  [
    "'reload' of a composite, before it was told",
    judged(105, { freshness: 'reload' }, write(), rules({ composite: true })),
    undefined,
  ],
  // After it resolved `queued`.
  ['queued: the same process', judged(111, { process: 1 }, queued), SAME],
  ['queued: another one, at any time', judged(1e6, {}, queued), undefined],
  ["queued: another one, 'committed'", judged(1e6, ask, queued), undefined],
  ['replayed: another one, within T of it', judged(1_499, {}, replayed), undefined],
  ['replayed: another one, after T', judged(1_500, {}, replayed), OTHERS],
  ["replayed: another one, 'committed'", judged(501, ask, replayed), ASKED],
  // Tokens.
  ...[write(), queued].flatMap((given): [string, string | undefined, string | undefined][] => [
    [`a token of one ${given.status}`, judged(111, { behind: [given] }, given), 'a read with its token'],
    [`a token of another one, ${given.status}`, judged(111, { behind: [write()] }, given), undefined],
  ]),
  // Between COMMIT and rotation.
  ['bounded, between the two', judged(105, ask), undefined],
  [
    "committed, between the two, 'committed'",
    judged(105, ask, write(), committed),
    'between COMMIT and rotation: committed',
  ],
  ['committed, between the two, a plain read', judged(105, {}, write(), committed), undefined],
  [
    'strict, between the two, a plain read',
    judged(105, {}, write(), strict),
    'between COMMIT and rotation: strict',
  ],
  ['strict, before COMMIT', judged(99, {}, write(), strict), undefined],
  ['strict, between the two, without a lock', judged(105, {}, write({ guarded: false }), strict), undefined],
  [
    'strict, without a lock, once it was told',
    judged(111, {}, write({ guarded: false }), strict),
    'after its acknowledgement: other processes, strict',
  ],
  // A crash between COMMIT and rotation.
  ['bounded, of a writer that died', judged(1e6, {}, died), undefined],
  [
    'bounded, of a writer that died, after the end of the lifetime',
    judged(5_100, {}, died, rules({ lifetime: 5_000 })),
    'whatever went wrong: the end of its lifetime',
  ],
  [
    'bounded, of a writer that died, before it',
    judged(5_099, {}, died, rules({ lifetime: 5_000 })),
    undefined,
  ],
  [
    "committed, of a writer that died, 'committed'",
    judged(101, ask, died, committed),
    'between COMMIT and rotation: committed',
  ],
  // What the cache was not told of.
  ['of a key that it was not told of', judged(1e6, ask, write(), rules({ covered: false })), undefined],
  // While nothing is bounded.
  [
    'while nothing is bounded, another one',
    judged(1e6, {}, write(), rules({ maxStaleness: undefined })),
    undefined,
  ],
  [
    "while nothing is bounded, 'committed'",
    judged(111, ask, write(), rules({ maxStaleness: undefined })),
    ASKED,
  ],
  // Without locks the receipt tells nothing of the rotation.
  ['unprotected: another one', judged(1e6, {}, write({ status: 'unprotected' })), undefined],
])('%s', (_, promise, expected) => {
  expect(promise).toBe(expected)
})
