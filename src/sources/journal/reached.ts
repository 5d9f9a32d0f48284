import type { JournalDialect, JournalSend } from '../../core/journal.ts'

/** A client that reaches the journal's database, whichever it is. */
export interface Reached {
  readonly dialect: JournalDialect
  /** Sends one statement. */
  readonly send: JournalSend
  /** Sends several, without parameters, in one transaction. */
  run(text: string): Promise<void>
  /** @param idleMs after which the server ends one that nobody goes on with, and gives what it held to others */
  transaction<T>(body: (send: JournalSend) => Promise<T>, idleMs: number): Promise<T>
  /**
   * Calls `heard` for each notification, and `lost` once where the connection is lost. Undefined where the client has no
   * notifications.
   *
   * @returns what ends it
   */
  listen?(channel: string, heard: () => void, lost: (error: unknown) => void): Promise<() => Promise<void>>
}
