import type { Change, Row } from './change.ts'
import type { HealthPart } from './health.ts'

/** Sends a statement through the connection of the transaction that a record belongs to, and gives its rows. */
export type JournalSend = (text: string, parameters: readonly string[]) => Promise<readonly Row[]>

/** Databases that a journal can lie in. */
export type JournalDialect = 'postgresql' | 'mysql'

/**
 * Where a bound database records what a transaction makes void, in that transaction: so that somebody else can see to it
 * if this process dies before it has. Made by `defineJournal` of `coherent-cache/journal`.
 */
export interface Journal {
  readonly dialect: JournalDialect
  /**
   * Opens the journal for one bound client.
   *
   * @param ask Sends a statement without parameters through another connection, outside any transaction.
   */
  open(ask: (text: string) => Promise<unknown>): OpenJournal
}

/** A journal, as one bound client writes it. */
export interface OpenJournal {
  /** Has the journal's triggers leave a transaction alone, whose record says it all. Sent before anything is written. */
  readonly mark: string | undefined
  /**
   * Records a change, in the transaction that makes it. Rejects where that is not possible: nothing would be recorded.
   *
   * @returns what is called once the change has been applied: the record is then settled, in its own time. Undefined where
   *   there was nothing to record.
   */
  write(send: JournalSend, change: Change): Promise<(() => void) | undefined>
}

/** How a journal's relay is doing, in this process. */
export interface JournalHealth extends HealthPart {
  /** `'degraded'`: the last attempt failed, or what is due has been waiting for more than a second. `'stopped'`: closed. */
  readonly status: HealthPart['status']
  /** For how long the oldest record that is due has been waiting; 0 where none is. */
  readonly lagMs: number
  /** Records that this relay has applied since it was made. */
  readonly applied: number
  /** Records that cannot be applied and wait for a person, as far as this relay knows. */
  readonly parked: number
  /** What the last attempt failed with, until one succeeds. */
  readonly error: unknown
}
