import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeToken,
  encodeToken,
  healedToken,
  joinTokens,
  mergeTokens,
  placeOf,
  readPlace,
} from '../../src/core/token.ts'

const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{16}$/)
const place = fc
  .tuple(epoch, fc.nat({ max: 99 }))
  .map(([name, partition]) => placeOf({ epoch: name, partition }))
const positions = fc
  .array(fc.tuple(place, fc.nat({ max: Number.MAX_SAFE_INTEGER })), { maxLength: 5 })
  .map((pairs) => new Map(pairs))

test('token_writtenAndRead_isTheSame_andUrlSafe', () => {
  fc.assert(
    fc.property(positions, fc.boolean(), (at, queued) => {
      const text = encodeToken(at, queued)
      expect(text).toMatch(/^[A-Za-z0-9_.~-]+$/)
      expect(encodeURIComponent(text)).toBe(text)
      expect(decodeToken(text)).toEqual({ positions: at, queued, readable: true })
    }),
  )
})

test('token_merged_isBehindNeither', () => {
  fc.assert(
    fc.property(positions, positions, fc.boolean(), fc.boolean(), (one, other, queued, alsoQueued) => {
      const merged = mergeTokens(
        decodeToken(encodeToken(one, queued)),
        decodeToken(encodeToken(other, alsoQueued)),
      )
      expect(merged.queued).toBe(queued || alsoQueued)
      for (const [name, sequence] of [...one, ...other])
        expect(merged.positions.get(name)).toBeGreaterThanOrEqual(sequence)
      expect(merged.positions.size).toBe(new Set([...one.keys(), ...other.keys()]).size)
    }),
  )
})

test('token_anything_neverThrows_andWhatIsNoneAsksForCertainty', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' })), (given) => {
      const token = decodeToken(given as string)
      if (token.readable) expect(given).toMatch(/^1(~|$)/)
    }),
  )
})

test.each([
  '',
  '2',
  '1~',
  '1~~q',
  '1~x',
  '1~abc.1',
  '1~aaaaaaaaaaaaaaaa',
  '1~aaaaaaaaaaaaaaaa.',
  '1~aaaaaaaaaaaaaaaa.-1',
  '1~aaaaaaaaaaaaaaaa.1.0',
  '1~aaaaaaaaaaaaaaaa.1.01',
  '1~aaaaaaaaaaaaaaaa.1.1.1',
  '1~aaaaaaaaaaaaaaaa.A',
  '1~aaaaaaaaaaaaaaaa.zzzzzzzzzzzz',
  // Beyond what a number holds exactly.
  '1~aaaaaaaaaaaaaaaa.2gosa7pa2gw',
  '1~aaaaaaaaaaaaaaaa.zzzzzzzzzzz',
  '1~q ',
  ` 1~q`,
  '1~__proto__.1',
  `1${'~q'.repeat(257)}`,
  '1~aaaaaaaaaaaaaaaa.1'.padEnd(9_000, '~q'),
])('token_%s_isUnreadable', (text) => {
  expect(decodeToken(text)).toEqual({ positions: new Map(), queued: false, readable: false })
})

test('token_mergedWithAnUnreadableOne_isUnreadable', () => {
  expect(mergeTokens(decodeToken('1'), decodeToken('?')).readable).toBe(false)
})

test('place_written_isReadAgain', () => {
  fc.assert(
    fc.property(epoch, fc.nat({ max: 4_000 }), (name, partition) => {
      expect(readPlace(placeOf({ epoch: name, partition }))).toEqual({ epoch: name, partition })
    }),
  )
})

const A = 'a'.repeat(16)
const B = 'b'.repeat(16)

test('token_healed_keepsWhatMayYetBeReached_andWhatOtherPartitionsHaveNotAnswered', () => {
  const token = decodeToken(`1~${A}.5~${A}.7.1~${B}.3.2`)
  const healed = healedToken(
    token,
    [
      { partition: 0, epoch: A, sequence: 9 },
      { partition: 1, epoch: B, sequence: 2 },
    ],
    4,
  )
  expect(encodeToken(healed.positions, false).split('~').toSorted()).toEqual(
    ['1', `${A}.5`, `${B}.2.1`, `${B}.3.2`].toSorted(),
  )
})

test('token_healed_inMorePartitionsThanATokenCanName_staysUnreadable', () => {
  expect(healedToken(decodeToken('?'), [{ partition: 0, epoch: A, sequence: 1 }], 257).readable).toBe(false)
})

test('joinTokens_isBehindNone_andOneThatIsNoTokenAsksForTheMost', () => {
  const one = encodeToken(new Map([['a'.repeat(16), 7]]), false, '0/16' as never)
  const other = encodeToken(new Map([['a'.repeat(16), 9]]), true)
  expect(decodeToken(joinTokens([one, other, '1']))).toEqual({
    positions: new Map([['a'.repeat(16), 9]]),
    position: '0/16',
    queued: true,
    readable: true,
  })
  expect(joinTokens([one])).toBe(one)
  // A receipt of more partitions than a token can name.
  const crowded = encodeToken(
    new Map(Array.from({ length: 300 }, (_, at) => [`${'a'.repeat(16)}.${at + 1}`, 1])),
    false,
  )
  expect(decodeToken(joinTokens([one, crowded])).readable).toBe(false)
})
