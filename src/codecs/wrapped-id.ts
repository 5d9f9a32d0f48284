import { type Codec, checkCodec } from '../core/codec.ts'
import { CacheError } from '../core/errors.ts'

/** What a wrapper adds to the id of the codec inside: entries say how they are wrapped. */
export const COMPRESSED = 32
export const ENCRYPTED = 64
const LAST_BARE = 31

/**
 * The id of a wrapped codec.
 *
 * @throws CacheError `INVALID_OPTION` for anything that is no codec, has an id that leaves no room, or is wrapped
 *   already in one of the ways that `not` names.
 */
export function wrappedId(codec: Codec, adds: number, not: number, what: string): number {
  const { id, name } = checkCodec(codec, what)
  if ((id & not) !== 0 && id < 128) {
    const ways = [(id & COMPRESSED & not) !== 0 && 'compressed', (id & ENCRYPTED & not) !== 0 && 'encrypted']
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${name} is ${ways.filter(Boolean).join(' and ')} already. Wrap once, encryption outermost: encrypted(compressed(jsonCodec), …).`,
    )
  }
  if ((id & ~(COMPRESSED | ENCRYPTED)) > LAST_BARE) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: the id ${id} of ${name} leaves no room; give it one from 16 to 31.`,
    )
  }
  return id | adds
}
