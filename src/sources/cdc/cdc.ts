import type { Cache } from '../../core/cache.ts'
import type { CancelTimer } from '../../core/clock.ts'
import { type Duration, milliseconds } from '../../core/duration.ts'
import { CacheError, show } from '../../core/errors.ts'
import { extensionOf } from '../../core/extension.ts'
import { checkOptions } from '../../core/options.ts'
import type { ReplicationClient } from './replication-client.ts'
import { type CdcHealth, CdcSource as OpenSource } from './source.ts'

export { type CdcMigrationOptions, cdcMigration } from './migration.ts'
export type { ReplicationClient } from './replication-client.ts'
export type { CdcHealth } from './source.ts'

/** What a source is made of. An option that is `undefined` is not given. */
export interface CdcSourceOptions {
  readonly cache: Cache
  /**
   * Makes a client of `pg`, not yet connected, with `replication: 'database'`, to the primary and past any pooler. Called
   * for each attempt; the source connects and ends it. Its user needs the attribute REPLICATION.
   */
  readonly connect: () => ReplicationClient
  /**
   * The replication slot, made where it is missing. One for each namespace of caches: lower-case letters, digits and
   * underscores. @default 'coherent_cache'
   */
  readonly slot?: string | undefined
  /** The publication, made by a migration: see `cdcMigration`. @default 'coherent_cache' */
  readonly publication?: string | undefined
  /**
   * The names that the map knows a table by. @default its own in the schema `public`, else with its schema and without
   */
  readonly names?: ((schema: string, table: string) => readonly string[]) | undefined
  /** The pause after a failure; it doubles up to 5 s, and up to half of it is left out at random. @default '200ms' */
  readonly backoff?: Duration | undefined
  /** Told of each attempt that failed: it is tried again. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Hears of every change of the published tables. */
export interface CdcSource {
  /** As `cache.health().parts.cdc` has it. */
  readonly health: CdcHealth
  /**
   * Resolves once changes are heard, by this process or by the one that has the slot. Rejects with `TIMEOUT` after
   * `timeout`; attempts go on. Rejects with `CACHE_CLOSED` once it is closed.
   */
  ready(options?: { readonly timeout?: Duration | undefined }): Promise<void>
  /** Ends it; so does the end of its cache. The slot stays, and keeps the log for whoever goes on. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const OPTIONS = ['cache', 'connect', 'slot', 'publication', 'names', 'backoff', 'onError']
const SLOT = /^[a-z0-9_]{1,63}$/

/**
 * Change data capture: what any client has committed is read from PostgreSQL's own log (logical replication, `pgoutput`) and
 * invalidated. No trigger, no journal, nothing in the writers; typically within milliseconds of the commit.
 *
 * - **At least once.** The server is told that it may forget a transaction only when the store has carried out what it
 *   makes void. Twice, or late, costs a load.
 * - **Nothing is passed over.** Where the slot is missing or has lost its place, nobody knows what was written meanwhile:
 *   everything is made void, and only then does a new slot get its name.
 * - **Run it in every process** if you like: one of them has the slot, the others wait to take it over.
 * - **Trouble is tried again**, with pauses that double.
 *
 * A slot keeps the log until it is read. One that nobody reads fills the disk: watch `health.lagBytes`, set
 * `max_slot_wal_keep_size`, and drop the slot of a service that has gone.
 *
 * @throws CacheError `INVALID_OPTION`, `INVALID_DURATION` or `INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * import { Client } from 'pg'
 * import { createCache, defineDependencies } from 'coherent-cache'
 * import { createCdcSource } from 'coherent-cache/cdc'
 *
 * const dependencies = defineDependencies({ tables: { payments: ['payment:{landlordId}:*'] } })
 * const cache = createCache({ name: 'payments', dependencies })
 * const replication = { connectionString: process.env.DATABASE_URL, replication: 'database' }
 * const cdc = createCdcSource({ cache, connect: () => new Client(replication), onError: console.error })
 * await cdc.ready({ timeout: '5s' })
 * cache.health().parts.cdc // { status: 'ok', state: 'streaming', lagMs: 0, … }
 * ```
 */
export function createCdcSource(options: CdcSourceOptions): CdcSource {
  const what = 'createCdcSource'
  checkOptions(options, OPTIONS, what)
  const { cache, connect, slot = 'coherent_cache', publication = 'coherent_cache', names = namesOf } = options
  for (const [name, given] of Object.entries({ connect, names })) {
    if (typeof given !== 'function')
      throw new CacheError('INVALID_OPTION', `${what}: ${name}: ${show(given)} is no function.`)
  }
  if (typeof slot !== 'string' || !SLOT.test(slot)) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: slot: ${show(slot)} is no name of a slot: up to 63 lower-case letters, digits and underscores.`,
    )
  }
  if (typeof publication !== 'string' || publication === '')
    throw new CacheError('INVALID_OPTION', `${what}: publication: ${show(publication)} is no name.`)
  const { clock, randomness, addHealth, onClose } = extensionOf(cache, what)
  const source = new OpenSource({
    cache,
    connect,
    slot,
    publication,
    names,
    clock,
    randomness,
    backoffMs: milliseconds(options.backoff ?? '200ms', `${what}: backoff`),
    onError: options.onError ?? (() => {}),
  })
  const detach = [addHealth('cdc', () => source.health), onClose(() => source.close())]
  const close = async () => {
    await source.close()
    for (const one of detach) one()
  }
  return {
    get health() {
      return source.health
    },
    async ready({ timeout } = {}) {
      if (timeout === undefined) return source.ready()
      const ms = milliseconds(timeout, `${what}: ready: timeout`)
      let cancel: CancelTimer = () => {}
      const late = new Promise<never>((_, reject) => {
        cancel = clock.after(ms, () => reject(notReady(ms, source.health.error)))
      })
      await Promise.race([source.ready(), late]).finally(() => cancel())
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function notReady(ms: number, cause: unknown): CacheError {
  return new CacheError(
    'TIMEOUT',
    `createCdcSource: no changes are heard after ${ms} ms. The cause says why; attempts go on.`,
    { cause },
  )
}

function namesOf(schema: string, table: string): readonly string[] {
  return schema === 'public' ? [table] : [`${schema}.${table}`, table]
}
