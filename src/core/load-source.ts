/**
 * A place in a database's log, such as an LSN, as text of one length: of two places the later one is greater in ASCII
 * order.
 */
export type LogPosition = string

/** From where a load may read, so that it brings nothing older than what was invalidated. */
export interface LoadSource {
  /** `'primary'`: a replica may lag behind what was invalidated lately. */
  readonly source: 'primary' | 'any'
  /** Where a replica is new enough that has reached it, though `source` says `'primary'`. */
  readonly position: LogPosition | undefined
}

export const ANY_SOURCE: LoadSource = Object.freeze({ source: 'any', position: undefined })
export const PRIMARY_SOURCE: LoadSource = Object.freeze({ source: 'primary', position: undefined })

const POSITION = /^[0-9A-Za-z/:_-]{1,64}$/

export function isLogPosition(text: unknown): text is LogPosition {
  return typeof text === 'string' && POSITION.test(text)
}

/** The later of two places; one that is missing is before all others. */
export function laterPosition(one: LogPosition = '', other: LogPosition = ''): LogPosition {
  if (one.length !== other.length) return one.length > other.length ? one : other
  return one > other ? one : other
}

/** A source that is new enough where each of these is. */
export function newestSource(sources: readonly LoadSource[]): LoadSource {
  let position = ''
  for (const one of sources) {
    if (one.source === 'any') continue
    if (one.position === undefined) return PRIMARY_SOURCE
    position = laterPosition(position, one.position)
  }
  return position === '' ? ANY_SOURCE : { source: 'primary', position }
}
