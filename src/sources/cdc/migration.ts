import { CacheError, show } from '../../core/errors.ts'
import { checkChoice, checkOptions } from '../../core/options.ts'
import { identifier } from './replication-client.ts'

/** What a source needs of the database. */
export interface CdcMigrationOptions {
  /** Tables of the map, with a schema where they need one: `'payments'`, `'sales.orders'`. No views. */
  readonly tables: readonly string[]
  /** @default 'coherent_cache' */
  readonly publication?: string | undefined
  /**
   * What an UPDATE or DELETE tells of the row as it was. `'full'`: everything, so that rows bind whatever captures they
   * have; costs room in the log. `'key'`: the primary key, so that captures of other columns stay open, and more is made
   * void. Tables without a primary key need `'full'`: PostgreSQL refuses their updates otherwise. @default 'full'
   */
  readonly rows?: 'full' | 'key' | undefined
}

/**
 * The SQL that a source needs, for a migration tool: a publication of the tables, and their replica identity. The slot is
 * made by the source. `wal_level` must be `logical`, which a restart of the server sets.
 *
 * @throws CacheError `INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { cdcMigration } from 'coherent-cache/cdc'
 *
 * const { up, down } = cdcMigration({ tables: ['payments', 'sales.orders'] })
 * ```
 */
export function cdcMigration(options: CdcMigrationOptions): { readonly up: string; readonly down: string } {
  const what = 'cdcMigration'
  checkOptions(options, ['tables', 'publication', 'rows'], what)
  const { tables, publication = 'coherent_cache' } = options
  if (!Array.isArray(tables) || tables.length === 0 || !tables.every((one) => typeof one === 'string'))
    throw new CacheError('INVALID_OPTION', `${what}: tables: ${show(tables)} names no tables.`)
  const full = checkChoice(options.rows ?? 'full', ['full', 'key'], `${what}: rows`) === 'full'
  const names = tables.map((table) => table.split('.').map(identifier).join('.'))
  const identities = (kind: string) =>
    names.map((name) => `ALTER TABLE ${name} REPLICA IDENTITY ${kind};\n`).join('')
  const kinds = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
  return {
    up: `CREATE PUBLICATION ${identifier(publication)} FOR TABLE ${names.join(', ')}\n  WITH (${kinds});\n${full ? identities('FULL') : ''}`,
    down: `DROP PUBLICATION IF EXISTS ${identifier(publication)};\n${full ? identities('DEFAULT') : ''}`,
  }
}
