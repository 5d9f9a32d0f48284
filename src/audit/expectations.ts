import { CacheError, show } from '../core/errors.ts'
import { formatAudit } from './format-report.ts'
import type { AuditReport } from './report.ts'
import {
  type AuditableDatabase,
  type AuditedCache,
  type AuditLoader,
  type AuditOptions,
  auditDependencies,
  checkAudit,
  type TransactionOf,
} from './run-audit.ts'

/** One loader's audit, for a test runner. */
export interface AuditCase {
  /** The loader's name. */
  readonly name: string
  /** Resolves where the loader reads what is declared; rejects as {@link expectDeclared} does. */
  run(): Promise<void>
}

/**
 * One test for each loader, for any test runner: a query that starts to read a table that nobody declared fails the test
 * of its loader. Arguments are those of `auditDependencies`.
 *
 * @throws CacheError as `auditDependencies` does, at once
 *
 * @example
 * ```ts
 * // prelude: audit
 * import { describe, test } from 'vitest'
 * import { auditCases } from 'coherent-cache/audit'
 *
 * describe('reads what is declared', () => {
 *   for (const { name, run } of auditCases(cache, loaders, { database: db })) test(name, run)
 * })
 * ```
 */
export function auditCases<Db extends AuditableDatabase>(
  cache: AuditedCache,
  loaders: Readonly<Record<string, AuditLoader<TransactionOf<Db>>>>,
  options: AuditOptions<Db>,
): readonly AuditCase[] {
  checkAudit(cache, loaders, options)
  return Object.entries(loaders).map(([name, loader]) => ({
    name,
    run: async () => expectDeclared(await auditDependencies(cache, { [name]: loader }, options)),
  }))
}

/**
 * Throws unless the report is ok. The message is the report as text.
 *
 * @throws CacheError `UNDECLARED_TABLE` where a loader reads what is not declared, could not be seen, or failed
 */
export function expectDeclared(report: AuditReport): void {
  checkReport(report, 'expectDeclared')
  if (report.ok) return
  const [cause] = report.loaders.flatMap(({ error }) => (error === undefined ? [] : [error]))
  throw new CacheError('UNDECLARED_TABLE', formatAudit(report).trimEnd(), { cause })
}

/**
 * Matchers for `expect.extend` of Vitest or Jest: `toBeDeclared()` of a report.
 *
 * @example
 * ```ts
 * // prelude: audit
 * import { expect, test } from 'vitest'
 * import { auditDependencies, auditMatchers } from 'coherent-cache/audit'
 *
 * declare module 'vitest' {
 *   interface Matchers<T> {
 *     toBeDeclared(): T
 *   }
 * }
 * expect.extend(auditMatchers)
 *
 * test('loaders read what is declared', async () => {
 *   expect(await auditDependencies(cache, loaders, { database: db })).toBeDeclared()
 * })
 * ```
 */
export const auditMatchers = {
  /** Passes where the report is ok; else the message is the report as text. */
  toBeDeclared(report: unknown): { readonly pass: boolean; message(): string } {
    checkReport(report, 'toBeDeclared')
    return { pass: report.ok, message: () => formatAudit(report).trimEnd() }
  },
}

function checkReport(report: unknown, what: string): asserts report is AuditReport {
  const { ok, loaders } = (report ?? {}) as Partial<AuditReport>
  if (typeof ok === 'boolean' && Array.isArray(loaders)) return
  throw new CacheError(
    'INVALID_ARGUMENT',
    `${what}: ${show(report)} is no report. Pass what auditDependencies resolved to: await it first.`,
  )
}
