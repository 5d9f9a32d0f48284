import type { Cache } from '../core/cache.ts'
import { CacheError, show } from '../core/errors.ts'
import { compiledFamily } from '../core/key.ts'
import type { LoaderContext } from '../core/loader.ts'
import { checkOptions } from '../core/options.ts'
import { READING, type Reads, type RunReading } from '../core/reads.ts'
import { judge, type Ran, unreadOf } from './judge.ts'
import type { AuditedLoader, AuditReport } from './report.ts'

/** A database that `bindPg` or another adapter has bound to the cache. */
export interface AuditableDatabase {
  readonly name: string
  /** Runs `body` in a transaction. */
  // biome-ignore lint/suspicious/noExplicitAny: a body of the adapter's own handle
  transaction(body: (tx: any) => any): Promise<any>
}

/** What the bodies of a database's transactions are given. */
export type TransactionOf<Db extends AuditableDatabase> = Parameters<Parameters<Db['transaction']>[0]>[0]

/** A loader to be audited: a key, and what loads its value. */
export interface AuditLoader<Tx = unknown> {
  /** A key of those that it loads, its data in the database: branches that find nothing read less. */
  readonly key: string
  /**
   * Loads the value: the loader as the cache is given it, or a call of the code that reads through the cache, which
   * answers nothing here. Reads are seen that go through the bound database (`db.query`, `db.knex`, …) or through `tx`.
   */
  readonly load: (context: LoaderContext, tx: Tx) => unknown
}

/** Options of an audit. */
export interface AuditOptions<Db extends AuditableDatabase = AuditableDatabase> {
  /** The bound database that the loaders read, with some data in it. */
  readonly database: Db
  /** What `defineKeys` returned: families that no loader has a key of are named in the report. @default none are */
  readonly keys?: object | undefined
}

/** The part of a cache that an audit uses. */
export type AuditedCache = Pick<Cache, 'name' | 'explain' | 'currentUnit'>

/**
 * Runs loaders against a database and compares the tables that they really read with those whose writes make their keys
 * void, by the cache's map. One after another, each in a read-only transaction of its own that is rolled back; nothing is
 * cached, and nothing invalidated.
 *
 * On PostgreSQL the locks of the transaction say what was read, through views, functions and any ORM; on SQLite the
 * listing of each statement's program does. Only what a loader read **this time** is known: give it data, and a loader
 * with several branches a name and a key for each. What it reads past the bound database is not seen; a loader of which
 * nothing is seen is `'unseen'`, and the report is not ok.
 *
 * Resolves to a report whatever the loaders do: one that throws is `'failed'`.
 *
 * @throws CacheError `INVALID_ARGUMENT` or `INVALID_OPTION` for bad input, a database bound to another cache among it;
 *   `UNSUPPORTED` for a database that does not say what was read (MySQL, those of `defineDatabase` without `reads`);
 *   `INSIDE_UNIT` inside a transaction of the database.
 *
 * @example
 * ```ts
 * // prelude: audit
 * import { auditDependencies, formatAudit } from 'coherent-cache/audit'
 *
 * const report = await auditDependencies(
 *   cache,
 *   {
 *     'daily report': {
 *       key: keys.dailyReport({ orgId: 7, day: '2026-11-20' }),
 *       load: () => reports.daily(7, '2026-11-20'),
 *     },
 *     capacity: {
 *       key: keys.capacity({ entityId: 5 }),
 *       load: (_, tx) => tx.query('SELECT * FROM v_available WHERE entity_id = 5'),
 *     },
 *   },
 *   { database: db, keys },
 * )
 * if (!report.ok) throw new Error(formatAudit(report))
 * ```
 */
export async function auditDependencies<Db extends AuditableDatabase>(
  cache: AuditedCache,
  loaders: Readonly<Record<string, AuditLoader<TransactionOf<Db>>>>,
  options: AuditOptions<Db>,
): Promise<AuditReport> {
  const read = checkAudit(cache, loaders, options)
  if (cache.currentUnit() !== undefined) {
    throw new CacheError(
      'INSIDE_UNIT',
      'auditDependencies: inside a transaction, what that has read would count for every loader. Run it outside.',
    )
  }
  const found: AuditedLoader[] = []
  const ran: Ran[] = []
  const families = new Set<string | undefined>()
  for (const [name, loader] of Object.entries(loaders)) {
    try {
      const declared = await cache.explain(loader.key)
      families.add(declared.family)
      const one = { name, declared, reads: await readsOf(cache, read, loader, declared.params) }
      ran.push(one)
      found.push(judge(one))
    } catch (error) {
      if (error instanceof Misuse) throw error.cause
      found.push({ name, key: String(loader.key), family: undefined, ...FAILED, error })
    }
  }
  return {
    ok: found.every(({ status }) => status === 'declared'),
    cache: cache.name,
    database: options.database.name,
    loaders: found,
    unread: unreadOf(ran),
    unaudited: familiesOf(options.keys).filter((family) => !families.has(family)),
  }
}

const FAILED = { status: 'failed', tables: [], missing: [] } as const

/** What is wrong with the audit, not with a loader. */
class Misuse extends Error {}

async function readsOf(
  cache: AuditedCache,
  read: RunReading,
  { key, load }: AuditLoader<never>,
  params: Readonly<Record<string, string>>,
): Promise<Reads> {
  const { signal } = new AbortController()
  const context: LoaderContext = { key, params, signal, source: 'primary', setTtl() {}, skip() {} }
  const { reads } = await read(async (tx) => {
    if (cache.currentUnit() === undefined) {
      throw new Misuse('', {
        cause: new CacheError(
          'INVALID_ARGUMENT',
          `auditDependencies: the database is bound to another cache than ${show(cache.name)}, which would answer from what it holds. Pass the one that was bound to it.`,
        ),
      })
    }
    await load(context, tx as never)
  })
  return reads
}

/** @returns how loaders are run */
export function checkAudit(cache: AuditedCache, loaders: unknown, options: AuditOptions): RunReading {
  const what = 'auditDependencies'
  if (typeof cache?.explain !== 'function' || typeof cache.currentUnit !== 'function') {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `${what}: ${show(cache)} is no cache. Pass what createCache returned.`,
    )
  }
  checkOptions(options, ['database', 'keys'], what)
  const entries = typeof loaders === 'object' && loaders !== null ? Object.entries(loaders) : []
  if (entries.length === 0) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `${what}: there is nothing to audit. Pass loaders by name: { 'daily report': { key: keys.dailyReport({ … }), load: () => … } }.`,
    )
  }
  for (const [name, loader] of entries) {
    if (typeof loader?.load === 'function' && typeof loader.key === 'string') continue
    throw new CacheError(
      'INVALID_ARGUMENT',
      `${what}: ${show(name)} is no loader. Write { key: keys.dailyReport({ … }), load: () => … }.`,
    )
  }
  const { database } = options ?? {}
  if (typeof database?.transaction !== 'function') {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `${what}: ${show(database)} is no bound database. Pass as { database } what bindPg(…) or another adapter returned.`,
    )
  }
  const read = (database as { [READING]?: RunReading })[READING]
  if (read !== undefined) return read
  throw new CacheError(
    'UNSUPPORTED',
    `${what}: ${database.name} does not say which tables were read. PostgreSQL does, by any adapter, and SQLite; an adapter of your own has to have reads().`,
  )
}

function familiesOf(keys: object | undefined): readonly string[] {
  return Object.values(keys ?? {}).flatMap((family) => compiledFamily(family)?.name ?? [])
}
