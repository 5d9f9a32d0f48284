import type { createCache } from 'coherent-cache'
import { createJournalRelay, type DefinedJournal, type JournalRelay } from 'coherent-cache/journal'
import { PgRoom } from '../databases-room/pg-room.ts'

/** A {@link PgRoom} with a journal in its schema. */
export class JournalRoom extends PgRoom {
  readonly #relays: JournalRelay[] = []

  /** A relay over the cache that runs when it is told to, closed after the test. */
  relay(
    journal: DefinedJournal,
    options: Partial<Parameters<typeof createJournalRelay>[0]> = {},
  ): JournalRelay {
    const { cache = this.cache() } = options
    const relay = createJournalRelay({
      interval: 'never',
      client: this.admin,
      journal,
      ...options,
      cache: cache as ReturnType<typeof createCache>,
    })
    this.#relays.push(relay)
    return relay
  }

  /** What the journal holds, oldest first, as JSON. */
  async records(): Promise<{ readonly source: string; readonly change: Record<string, unknown> }[]> {
    const { rows } = await this.admin.query(
      'SELECT source, change FROM coherent_cache_journal WHERE settled_at IS NULL ORDER BY id',
    )
    return rows
  }

  /** What of tables the journal holds. */
  async tables(): Promise<unknown[]> {
    return (await this.records()).flatMap(({ change }) => change.tables as unknown[])
  }

  override async close(): Promise<void> {
    await Promise.all(this.#relays.splice(0).map((relay) => relay.close()))
    await super.close()
  }
}
