import { AsyncResource } from 'node:async_hooks'
import type { Change } from '../../core/change.ts'
import type { Clock } from '../../core/clock.ts'
import { CacheError } from '../../core/errors.ts'
import type { JournalSend, OpenJournal } from '../../core/journal.ts'

/** What a writer works with. */
export interface WriterRoom {
  readonly clock: Clock
  /** Has the triggers leave a transaction alone. */
  readonly mark: string | undefined
  /** The text of a record; undefined for a change of nothing. */
  readonly textOf: (change: Change) => string | undefined
  /** Sends a record in its transaction, and gives its id. */
  readonly record: (send: JournalSend, text: string) => Promise<string>
  /** The statement that settles records of these ids. */
  readonly settle: (ids: readonly string[]) => string
  readonly ask: (text: string) => Promise<unknown>
}

const PAUSE_MS = 20
const MOST_AT_ONCE = 500

/**
 * Writes the records of one bound client, and settles those that were applied: many at a time, past their transactions.
 * One that cannot be settled stays, and a relay applies it once more, which is harmless.
 */
export class JournalWriter implements OpenJournal {
  readonly mark: string | undefined
  readonly #room: WriterRoom
  /** In the context that the client was bound in, and in nobody's transaction. */
  readonly #settle: () => void
  #ids: string[] = []
  #timed = false
  #settling: Promise<void> = Promise.resolve()

  constructor(room: WriterRoom) {
    this.#room = room
    this.mark = room.mark
    this.#settle = AsyncResource.bind(() => this.#settleNow())
  }

  async write(send: JournalSend, change: Change): Promise<(() => void) | undefined> {
    const text = this.#room.textOf(change)
    if (text === undefined) return undefined
    let id: string
    try {
      id = await this.#room.record(send, text)
    } catch (error) {
      throw new CacheError(
        'SEAL_FAILED',
        'The journal could not be written, and the transaction is rolled back with it. Has journal.ensure(), or its migration, been run, and may this user INSERT into its table?',
        { cause: error },
      )
    }
    return () => this.#applied(id)
  }

  /** Settles what is left. */
  async flush(): Promise<void> {
    this.#settle()
    await this.#settling
  }

  #applied(id: string): void {
    this.#ids.push(id)
    if (this.#ids.length >= MOST_AT_ONCE) this.#settle()
    if (this.#timed) return
    this.#timed = true
    this.#room.clock.after(PAUSE_MS, () => {
      this.#timed = false
      this.#settle()
    })
  }

  #settleNow(): void {
    // One statement at a time: what comes meanwhile goes with the next one.
    this.#settling = this.#settling.then(async () => {
      const ids = this.#ids
      this.#ids = []
      if (ids.length === 0) return
      await this.#room.ask(this.#room.settle(ids)).catch(() => undefined)
    })
  }
}
