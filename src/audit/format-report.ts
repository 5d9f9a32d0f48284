import { isCacheError } from '../core/errors.ts'
import type { AuditedLoader, AuditedTable, AuditReport, AuditStatus } from './report.ts'

/** How a report is written. */
export interface FormatOptions {
  /** Colours for a terminal. @default false */
  readonly color?: boolean | undefined
}

type Paint = (text: string, style: keyof typeof STYLES) => string

const STYLES = { good: 32, bad: 31, doubt: 33, quiet: 2, strong: 1 } as const
const MARKS: Readonly<Record<AuditStatus, readonly [string, 'good' | 'bad']>> = {
  declared: ['✓', 'good'],
  undeclared: ['✗', 'bad'],
  unseen: ['?', 'bad'],
  failed: ['!', 'bad'],
}
const UNSEEN = [
  'No read was seen, so nothing is known of it. Read through the bound database',
  '(db.query, the handle that the loader is given), not through a pool of its own.',
]

/**
 * A report as text for people: each loader with what it read, what is missing in the map, and the line that adds it.
 *
 * @example
 * ```ts
 * // prelude: audit
 * import { auditDependencies, formatAudit } from 'coherent-cache/audit'
 *
 * const report = await auditDependencies(cache, loaders, { database: db })
 * console.log(formatAudit(report, { color: process.stdout.isTTY }))
 * ```
 */
export function formatAudit(report: AuditReport, { color = false }: FormatOptions = {}): string {
  const paint: Paint = (text, style) => (color ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text)
  const width = Math.max(...report.loaders.map(({ name }) => name.length))
  const lines = [
    paint(`Dependency audit of ${report.cache}, on ${report.database}`, 'strong'),
    '',
    ...report.loaders.flatMap((loader) => [...describe(loader, width, paint), '']),
    ...warnings(report, paint),
    paint(summary(report), report.ok ? 'good' : 'bad'),
  ]
  return `${lines.join('\n')}\n`
}

function describe(loader: AuditedLoader, width: number, paint: Paint): readonly string[] {
  const [mark, style] = MARKS[loader.status]
  const head = `  ${paint(mark, style)} ${paint(loader.name.padEnd(width), 'strong')}  ${paint(loader.key, 'quiet')}`
  if (loader.status === 'failed') return [head, ...errorLines(loader.error).map((line) => `      ${line}`)]
  if (loader.status === 'unseen') return [head, ...UNSEEN.map((line) => `      ${line}`)]
  const texts = loader.tables.map(describeTable)
  const column = Math.max(...texts.map((text) => text.length)) + 2
  const tables = loader.tables.map(({ declared }, at) => {
    const text = texts[at] as string
    return declared ? `      ${text}` : `      ${text.padEnd(column)}${paint('undeclared', 'bad')}`
  })
  if (loader.missing.length === 0) return [head, ...tables]
  const missed = loader.tables.filter(({ declared }) => !declared).map(({ table }) => table)
  return [
    head,
    ...tables,
    `      A write of ${list(missed)} leaves ${loader.key} as it was. Add to the map:`,
    ...loader.missing.map((line) => `        ${paint(line, 'doubt')}`),
  ]
}

function describeTable({ table, through }: AuditedTable): string {
  const ways = through.map((way) => `view ${way.join(' → ')}`)
  return ways.length === 0 ? table : `${table}, through ${ways.join(' and ')}`
}

function errorLines(error: unknown): readonly string[] {
  if (isCacheError(error)) return `${error.code}: ${error.message}`.split('\n')
  if (error instanceof Error) return `It threw ${error.name}: ${error.message}`.split('\n')
  return [`It threw ${String(error)}`]
}

function warnings({ unread, unaudited }: AuditReport, paint: Paint): readonly string[] {
  const groups = new Map<string, string[]>()
  for (const { of, table } of unread) groups.set(of, [...(groups.get(of) ?? []), table])
  const lines = [...groups].map(
    ([of, tables]) => `${of}: no loader here read ${list(tables)}, declared for it`,
  )
  if (unaudited.length > 0) lines.push(`not audited: ${unaudited.join(', ')}`)
  return lines.length === 0 ? [] : [...lines.map((line) => `  ${paint('·', 'doubt')} ${line}`), '']
}

function summary({ loaders, ok }: AuditReport): string {
  const count = loaders.length
  if (ok)
    return count === 1
      ? 'The loader reads declared tables only.'
      : `All ${count} loaders read declared tables only.`
  const of = (status: AuditStatus) => loaders.filter((loader) => loader.status === status).length
  const parts = [
    [of('undeclared'), 'read what is not declared', 'reads what is not declared'],
    [of('unseen'), 'could not be seen', 'could not be seen'],
    [of('failed'), 'failed', 'failed'],
  ] as const
  const told = parts.flatMap(([n, many, one]) => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`]))
  return `Of ${count} ${count === 1 ? 'loader' : 'loaders'}, ${told.join(', ')}.`
}

function list(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
