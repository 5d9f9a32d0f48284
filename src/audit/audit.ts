export { type AuditDefinition, defineAudit } from './definition.ts'
export { type AuditCase, auditCases, auditMatchers, expectDeclared } from './expectations.ts'
export { type FormatOptions, formatAudit } from './format-report.ts'
export type { AuditedLoader, AuditedTable, AuditReport, AuditStatus, UnreadTable } from './report.ts'
export {
  type AuditableDatabase,
  type AuditedCache,
  type AuditLoader,
  type AuditOptions,
  auditDependencies,
  type TransactionOf,
} from './run-audit.ts'
