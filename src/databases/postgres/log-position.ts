import type { LogPosition } from '../../core/load-source.ts'

/**
 * COMMIT, and where the log ends then: behind the record of the commit, which has been inserted by that time even where
 * `synchronous_commit` is off and nothing has been written yet. One message, so that it costs no trip of its own.
 */
export const COMMIT_AND_TELL = 'COMMIT; SELECT pg_current_wal_insert_lsn()::text AS lsn'

/** How far a replica has come. Null on a server that never was one. */
export const REPLAYED = 'SELECT pg_last_wal_replay_lsn()::text AS lsn'

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i

/** An LSN as positions are compared: of one length, in one case. PostgreSQL reads it as it is. */
export function positionOf(lsn: unknown): LogPosition | undefined {
  const [, high, low] = (typeof lsn === 'string' ? LSN.exec(lsn) : null) ?? []
  if (high === undefined || low === undefined) return undefined
  return `${high.padStart(8, '0')}/${low.padStart(8, '0')}`.toUpperCase()
}
