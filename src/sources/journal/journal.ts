import type { Cache } from '../../core/cache.ts'
import { type Duration, milliseconds } from '../../core/duration.ts'
import { CacheError, show } from '../../core/errors.ts'
import { extensionOf } from '../../core/extension.ts'
import type { JournalHealth } from '../../core/journal.ts'
import { checkChoice, checkCount, checkOptions } from '../../core/options.ts'
import { type DefinedJournal, type JournalOptions, makeJournal } from './define-journal.ts'
import { type JournalClient, reach } from './journal-client.ts'
import type { Reached } from './reached.ts'
import { type JournalStatus, JournalRelay as OpenRelay, type ParkedRecord } from './relay.ts'
import { ADVICE_FOR_RELAYS, explained } from './trouble.ts'

export type { Journal, JournalDialect, JournalHealth } from '../../core/journal.ts'
export type { DefinedJournal, JournalOptions } from './define-journal.ts'
export type { JournalClient, JournalPglite, JournalPool } from './journal-client.ts'
export type { MigrationFile, MigrationTool } from './migrations.ts'
export type { JournalMysqlPool } from './mysql/client.ts'
export type { JournalStatus, ParkedRecord } from './relay.ts'

/**
 * Declares a journal in the database: a table of what transactions have made void and nobody has been told of yet.
 *
 * - A database bound with `{ journal }` writes a record in each transaction that writes, right before its COMMIT, and
 *   settles it once it has told the store. Where it dies in between, a relay finds the record.
 * - With `triggers`, writes of every client are recorded, `psql` and other services included, for a relay to apply.
 *
 * A transaction fails where its record cannot be written: make the journal first, with `ensure` or a migration.
 *
 * @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`
 *
 * @example
 * ```ts
 * import { Pool } from 'pg'
 * import { createCache, defineDependencies } from 'coherent-cache'
 * import { createJournalRelay, defineJournal } from 'coherent-cache/journal'
 * import { bindPg } from 'coherent-cache/pg'
 *
 * const pool = new Pool()
 * const dependencies = defineDependencies({ tables: { payments: ['payment:{landlordId}:*'] } })
 * const cache = createCache({ name: 'payments', dependencies })
 * const journal = defineJournal({ dependencies, triggers: true })
 * await journal.ensure(pool)
 *
 * const db = bindPg(pool, cache, { journal })
 * const relay = createJournalRelay({ journal, cache, client: pool })
 * ```
 */
export function defineJournal(options: JournalOptions): DefinedJournal {
  return makeJournal(options)
}

/** What a relay is made of. An option that is `undefined` is not given. */
export interface JournalRelayOptions {
  /** The journal, with the options that its writers have. */
  readonly journal: DefinedJournal
  /** Of the journal's namespace, with the map that the journal was given. */
  readonly cache: Cache
  /** A pool of `pg`, a PGlite, or a pool of `mysql2/promise`, that reaches the primary. */
  readonly client: JournalClient
  /** How often it looks; `'never'`: only when `run` is called, by a scheduler. @default '100ms' */
  readonly interval?: Duration | 'never' | undefined
  /**
   * Looks when it is notified too, on a connection of its own: for journals with `notify`, on PostgreSQL. Refused where
   * nothing would ever be heard. @default false
   */
  readonly listen?: boolean | undefined
  /** How many records are applied in one step. @default 500 */
  readonly batch?: number | undefined
  /** How often a record may be refused before it is parked. @default 5 */
  readonly attempts?: number | undefined
  /** The pause after a failure; it doubles up to 5 s, and up to half of it is left out at random. @default '200ms' */
  readonly backoff?: Duration | undefined
  /**
   * How long a batch may take to be applied. Where it takes longer, because this process is stopped for example, the
   * database ends its transaction and gives the records to others; on PostgreSQL alone. @default '10s'
   */
  readonly batchTimeout?: Duration | undefined
  /** Told of each record that this relay parks. */
  readonly onParked?:
    | ((parked: { readonly id: string; readonly change: string; readonly error: unknown }) => void)
    | undefined
  /** Told of each attempt that failed: the database or the store is away, and it is tried again. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Sees to what a journal's records make void. */
export interface JournalRelay {
  /** As `cache.health().parts.journal` has it. */
  readonly health: JournalHealth
  /**
   * Applies all that is due now. Resolves with how many records that were; rejects with `JOURNAL_FAILED`, whose `cause` is
   * what the database said, or with `STORE_UNAVAILABLE`, after which the records are there still.
   */
  run(): Promise<number>
  /** Has it look at once. */
  wake(): void
  /** How the journal is doing, asked of the database: it counts its records. */
  status(): Promise<JournalStatus>
  /** Records that could not be applied, oldest first. */
  parked(options?: { readonly limit?: number | undefined }): Promise<readonly ParkedRecord[]>
  /** Has parked records tried anew: the one named, or all. @returns how many there were */
  replay(id?: string): Promise<number>
  /** Forgets a parked record. @returns whether there was one */
  drop(id: string): Promise<boolean>
  /** Ends it, after the batch that is under way; so does the end of its cache. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const OPTIONS = [
  'journal',
  'cache',
  'client',
  'interval',
  'listen',
  'batch',
  'attempts',
  'backoff',
  'batchTimeout',
  'onParked',
  'onError',
]

/**
 * Applies the records of a journal: those of processes that died between COMMIT and invalidation, and those of triggers.
 *
 * - **At least once.** A batch is claimed, applied and settled in one transaction; a record is gone only when the store has
 *   carried out what it says. Twice, or late, costs a load.
 * - **None is passed over.** It asks for what is not settled, never for what comes after a number: transactions commit in
 *   another order than they number their records.
 * - **Run it in every process** if you like: several share the work, and none waits for another.
 * - **Trouble is tried again**, with pauses that double. A record that the cache refuses is put off, parked after
 *   `attempts`, visible in `parked()`, and does not hold up others. `replay` tries it anew.
 *
 * With memory alone, without a store, it tells this process and no other.
 *
 * @throws CacheError `INVALID_OPTION`, `INVALID_DURATION` or `INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * // prelude: journal
 * import { createJournalRelay } from 'coherent-cache/journal'
 *
 * const relay = createJournalRelay({ journal, cache, client: pool, onError: console.error })
 * cache.health().parts.journal // { status: 'ok', lagMs: 0, … }
 * for (const { id, change, error } of await relay.parked()) console.warn(id, change, error)
 * await relay.close()
 * ```
 */
export function createJournalRelay(options: JournalRelayOptions): JournalRelay {
  const what = 'createJournalRelay'
  checkOptions(options, OPTIONS, what)
  const { journal, cache, client, interval = '100ms' } = options
  if (typeof journal?.inside?.read !== 'function')
    throw new CacheError('INVALID_OPTION', `${what}: journal: pass what defineJournal gave.`)
  const reached = reach(client, journal.dialect, what)
  const listen = checkChoice(options.listen ?? false, [true, false], `${what}: listen`)
  if (listen) checkListening(options, reached, what)
  const { clock, randomness, addHealth, onClose } = extensionOf(cache, what)
  const relay = new OpenRelay({
    journal: journal.inside,
    cache,
    client: explained(reached, 'journal relay', journal.inside, ADVICE_FOR_RELAYS),
    clock,
    randomness,
    intervalMs: interval === 'never' ? undefined : milliseconds(interval, `${what}: interval`),
    listen,
    batch: checkCount(options.batch ?? 500, 1, `${what}: batch`),
    attempts: checkCount(options.attempts ?? 5, 1, `${what}: attempts`),
    backoffMs: milliseconds(options.backoff ?? '200ms', `${what}: backoff`),
    batchTimeoutMs: milliseconds(options.batchTimeout ?? '10s', `${what}: batchTimeout`),
    onParked: options.onParked ?? (() => {}),
    onError: options.onError ?? (() => {}),
  })
  const detach = [addHealth('journal', () => relay.health), onClose(() => relay.close())]
  const close = async () => {
    await relay.close()
    for (const one of detach) one()
  }
  return {
    get health() {
      return relay.health
    },
    run: () => relay.run(),
    wake: () => relay.wake(),
    status: () => relay.status(),
    parked: ({ limit = 1_000 } = {}) => relay.parked(checkCount(limit, 1, 'parked: limit')),
    replay: async (id) => relay.replay(id === undefined ? [] : [checkId(id)]),
    drop: async (id) => (await relay.drop([checkId(id)])) > 0,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** @throws CacheError `INVALID_OPTION` where nothing would ever be heard, or by nobody. */
function checkListening({ journal, interval }: JournalRelayOptions, client: Reached, what: string): void {
  const why =
    client.listen === undefined
      ? 'this client has no notifications'
      : !journal.inside.notify
        ? 'the journal does not notify; give defineJournal { notify: true }, and have ensure or a migration run again'
        : interval === 'never'
          ? "with interval 'never' nobody listens; have it poll too, rarely if you like"
          : undefined
  if (why !== undefined) throw new CacheError('INVALID_OPTION', `${what}: listen: ${why}.`)
}

function checkId(id: unknown): string {
  if (typeof id === 'string' && /^\d{1,18}$/.test(id)) return id
  throw new CacheError('INVALID_ARGUMENT', `journal: ${show(id)} is no record's id.`)
}
