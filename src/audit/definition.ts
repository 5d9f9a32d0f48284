import { checkOptions } from '../core/options.ts'
import {
  type AuditableDatabase,
  type AuditedCache,
  type AuditLoader,
  type AuditOptions,
  checkAudit,
  type TransactionOf,
} from './run-audit.ts'

/** What `npx coherent-cache audit` audits: the default export of a module. */
export interface AuditDefinition<Db extends AuditableDatabase = AuditableDatabase> extends AuditOptions<Db> {
  readonly cache: AuditedCache
  /** By name. */
  readonly loaders: Readonly<Record<string, AuditLoader<TransactionOf<Db>>>>
  /** Called when the audit has ended, whatever it came to: for what keeps the process alive. @default nothing */
  readonly close?: (() => unknown) | undefined
}

/**
 * What `npx coherent-cache audit FILE` audits. Let it be the default export of that file, or let that be a function,
 * asynchronous if need be, which returns it.
 *
 * @throws CacheError as `auditDependencies` does
 *
 * @example
 * ```ts
 * // prelude: audit
 * import { defineAudit } from 'coherent-cache/audit'
 *
 * export default defineAudit({
 *   cache,
 *   database: db,
 *   keys,
 *   loaders: {
 *     'daily report': {
 *       key: keys.dailyReport({ orgId: 7, day: '2026-11-20' }),
 *       load: () => reports.daily(7, '2026-11-20'),
 *     },
 *   },
 *   close: () => pool.end(),
 * })
 * ```
 */
export function defineAudit<Db extends AuditableDatabase>(
  definition: AuditDefinition<Db>,
): AuditDefinition<Db> {
  checkOptions(definition, ['cache', 'database', 'loaders', 'keys', 'close'], 'defineAudit')
  const { cache, database, loaders, keys } = definition
  checkAudit(cache, loaders, { database, keys })
  return definition
}
