import { isLogPosition, type LogPosition, laterPosition } from './load-source.ts'
import type { Position } from './store.ts'

/** What a read must not fall behind. */
export interface ReadToken {
  /** The sequence to reach, by place: an epoch, and the partition it is of. See {@link placeOf}. */
  readonly positions: ReadonlyMap<string, number>
  /** The place in the database's log that a replica must have reached, where one is known. */
  readonly position: LogPosition | undefined
  /** Whether some change behind it had not reached the store: nothing but a load is certain to show it. */
  readonly queued: boolean
  /** Whether the text was a token at all. Tokens come back from clients; one that is unreadable asks for certainty. */
  readonly readable: boolean
}

const POSITION = /^([A-Za-z0-9_-]{16})\.([0-9a-z]{1,11})(\.[1-9a-z][0-9a-z]{0,3})?$/
const QUEUED = 'q'
const PLACE = 'p'
const MOST_POSITIONS = 256
/** As many positions as that, at their longest. */
const LONGEST = 34 * MOST_POSITIONS
/** Text that is no token, and so asks for the most. */
const UNREADABLE = 'unreadable'
/** An epoch that no store has: nobody will ever have heard of it. */
const NO_EPOCH = '-'.repeat(16)

/** Where a sequence counts: `EPOCH` in partition 0, `EPOCH.PARTITION` in others. */
export function placeOf({ partition, epoch }: Pick<Position, 'partition' | 'epoch'>): string {
  return partition === 0 ? epoch : `${epoch}.${partition.toString(36)}`
}

/** Reads what {@link placeOf} wrote. */
export function readPlace(place: string): { readonly partition: number; readonly epoch: string } {
  const [epoch = '', partition = '0'] = place.split('.')
  return { epoch, partition: Number.parseInt(partition, 36) }
}

/** A token's text: URL-safe, such as `1~EPOCH.SEQUENCE`, or `1~EPOCH.SEQUENCE.PARTITION` in partitions other than 0. */
export function encodeToken(
  positions: ReadonlyMap<string, number>,
  queued: boolean,
  position?: LogPosition,
): string {
  const parts = [...positions].map(([place, sequence]) => {
    const [epoch, ...partition] = place.split('.')
    return [epoch, sequence.toString(36), ...partition].join('.')
  })
  const place = position === undefined ? [] : [PLACE + position.replaceAll('/', '.')]
  return ['1', ...parts, ...place, ...(queued ? [QUEUED] : [])].join('~')
}

/** Reads a token. Never throws: what cannot be read asks for the most. */
export function decodeToken(text: string): ReadToken {
  const unreadable = { positions: new Map(), position: undefined, queued: false, readable: false }
  if (typeof text !== 'string' || text.length > LONGEST) return unreadable
  const [version, ...parts] = text.split('~')
  if (version !== '1' || parts.length > MOST_POSITIONS) return unreadable
  const positions = new Map<string, number>()
  let queued = false
  let position: LogPosition | undefined
  for (const part of parts) {
    const match = POSITION.exec(part)
    const sequence = Number.parseInt(match?.[2] ?? '', 36)
    // A number that is too large to be exact would be another one once it is written again.
    if (match && Number.isSafeInteger(sequence)) raise(positions, `${match[1]}${match[3] ?? ''}`, sequence)
    else if (part === QUEUED) queued = true
    else if (part.startsWith(PLACE) && isLogPosition(placeIn(part)))
      position = laterPosition(position, placeIn(part))
    else return unreadable
  }
  return { positions, position, queued, readable: true }
}

function placeIn(part: string): string {
  return part.slice(1).replaceAll('.', '/')
}

/** A token that is behind neither of the two. */
export function mergeTokens(one: ReadToken, other: ReadToken): ReadToken {
  const positions = new Map(one.positions)
  for (const [epoch, sequence] of other.positions) raise(positions, epoch, sequence)
  return {
    positions,
    position: laterPosition(one.position, other.position) || undefined,
    queued: one.queued || other.queued,
    readable: one.readable && other.readable,
  }
}

/** The text of a token that may have been no token: it asks for the most again. */
export function textOfToken({ positions, position, queued, readable }: ReadToken): string {
  // Behind a change that no store was told of, nothing but a load will do: that is the most that can be asked for.
  return readable || queued ? encodeToken(positions, queued, position) : UNREADABLE
}

/** The text of a token that is behind none of them. */
export function joinTokens(texts: readonly string[]): string {
  return textOfToken(texts.map(decodeToken).reduce(mergeTokens))
}

/**
 * The token of a reader that has been answered by the store since it had this one: whatever the token stands for had
 * happened before, so that in the partitions that answered it is enough to hear as far as they were then. What could
 * never be reached any more (another epoch, a number that the store has not come to, text that was no token) is let go;
 * what may yet be reached stays as it is, and so do a change that no store was told of and a place in the database's log.
 *
 * @param partitions how many there are: those that have not answered are still to be asked.
 */
export function healedToken(token: ReadToken, answered: readonly Position[], partitions: number): ReadToken {
  if (!token.readable && partitions > MOST_POSITIONS) return token
  const positions = new Map(token.positions)
  if (!token.readable)
    for (let partition = 0; partition < partitions; partition++)
      positions.set(placeOf({ partition, epoch: NO_EPOCH }), 0)
  for (const now of answered) {
    const place = placeOf(now)
    const outlived = [...positions].filter(
      ([one, sequence]) =>
        readPlace(one).partition === now.partition && (one !== place || sequence > now.sequence),
    )
    if (outlived.length === 0) continue
    for (const [one] of outlived) positions.delete(one)
    positions.set(place, now.sequence)
  }
  return { ...token, positions, readable: true }
}

function raise(positions: Map<string, number>, place: string, sequence: number): void {
  positions.set(place, Math.max(sequence, positions.get(place) ?? 0))
}
