import { isLogPosition, type LogPosition, laterPosition } from './load-source.ts'

/** What a read must not fall behind. */
export interface ReadToken {
  /** The sequence to reach, by epoch. */
  readonly positions: ReadonlyMap<string, number>
  /** The place in the database's log that a replica must have reached, where one is known. */
  readonly position: LogPosition | undefined
  /** Whether some change behind it had not reached the store: nothing but a load is certain to show it. */
  readonly queued: boolean
  /** Whether the text was a token at all. Tokens come back from clients; one that is unreadable asks for certainty. */
  readonly readable: boolean
}

const POSITION = /^([A-Za-z0-9_-]{16})\.([0-9a-z]{1,11})$/
const QUEUED = 'q'
const PLACE = 'p'
const MOST_POSITIONS = 64

/** A token's text: URL-safe, such as `1~EPOCH.SEQUENCE`. */
export function encodeToken(
  positions: ReadonlyMap<string, number>,
  queued: boolean,
  position?: LogPosition,
): string {
  const parts = [...positions].map(([epoch, sequence]) => `${epoch}.${sequence.toString(36)}`)
  const place = position === undefined ? [] : [PLACE + position.replaceAll('/', '.')]
  return ['1', ...parts, ...place, ...(queued ? [QUEUED] : [])].join('~')
}

/** Reads a token. Never throws: what cannot be read asks for the most. */
export function decodeToken(text: string): ReadToken {
  const unreadable = { positions: new Map(), position: undefined, queued: false, readable: false }
  if (typeof text !== 'string' || text.length > 4_096) return unreadable
  const [version, ...parts] = text.split('~')
  if (version !== '1' || parts.length > MOST_POSITIONS) return unreadable
  const positions = new Map<string, number>()
  let queued = false
  let position: LogPosition | undefined
  for (const part of parts) {
    const match = POSITION.exec(part)
    const sequence = Number.parseInt(match?.[2] ?? '', 36)
    // A number that is too large to be exact would be another one once it is written again.
    if (match && Number.isSafeInteger(sequence)) raise(positions, match[1] as string, sequence)
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

function raise(positions: Map<string, number>, epoch: string, sequence: number): void {
  positions.set(epoch, Math.max(sequence, positions.get(epoch) ?? 0))
}
