import fc from 'fast-check'
import { decodeToken, encodeToken, mergeTokens, type ReadToken } from '../../../src/core/token.ts'
import { damagedText } from '../damage.ts'
import { checked, type FuzzTarget, must } from '../target.ts'

const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{16}$/)
const token = fc
  .tuple(fc.array(fc.tuple(epoch, fc.nat({ max: Number.MAX_SAFE_INTEGER })), { maxLength: 6 }), fc.boolean())
  .map(([positions, queued]) => encodeToken(new Map(positions), queued))

const DICTIONARY = [
  '1~',
  '~q',
  '~',
  '.',
  '0',
  'zzzzzzzzzzz',
  'AAAAAAAAAAAAAAAA',
  '-',
  '2',
  '1',
  '\u0000',
  'é',
].concat(['AAAAAAAAAAAAAAAA.1', '~AAAAAAAAAAAAAAAA.zzzzzzzzzzz', '.1.3'])

/** Whether a read with one token waits for all that one with the other waits for. One that is unreadable loads. */
function asksForAll(one: ReadToken, other: ReadToken): boolean {
  if (!one.readable) return true
  if (!other.readable || (other.queued && !one.queued)) return false
  return [...other.positions].every(([name, sequence]) => (one.positions.get(name) ?? -1) >= sequence)
}

/** Tokens, which come back from clients. */
export const tokens: FuzzTarget = {
  name: 'tokens',
  parses: 'read-after-write tokens',
  wrong:
    'one that asks for less once it is kept in a session or joined with another; a position that is no number',
  property: checked(fc.tuple(damagedText(token, DICTIONARY), token), ([{ valid, damaged }, other]) => {
    must(decodeToken(valid).readable, 'a token cannot be read')
    const read = decodeToken(damaged)
    for (const [name, sequence] of read.positions) {
      must(
        /^[\w-]{16}(\.[1-9a-z][0-9a-z]{0,3})?$/.test(name) && sequence >= 0 && Number.isFinite(sequence),
        `the position ${name} ${sequence}`,
      )
    }
    must(read.readable || (read.positions.size === 0 && !read.queued), 'half of a token was read')
    if (read.readable) {
      const kept = decodeToken(encodeToken(read.positions, read.queued))
      must(asksForAll(kept, read), 'written again, it asks for less')
    }
    const joined = mergeTokens(decodeToken(other), read)
    must(asksForAll(joined, read) && asksForAll(joined, decodeToken(other)), 'joined, it asks for less')
  }),
  hard: {
    parts: (length) => () => decodeToken(`1${'~q'.repeat(length / 2)}`),
    'one part': (length) => () => decodeToken(`1~${'A'.repeat(length)}`),
  },
}
