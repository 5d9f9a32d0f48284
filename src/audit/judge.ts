import type { Explanation } from '../core/explanation.ts'
import type { Reads, TableRead } from '../core/reads.ts'
import type { AuditedLoader, AuditedTable, UnreadTable } from './report.ts'

/** What the map says of a key. */
export type Declared = Pick<Explanation, 'key' | 'family' | 'dependsOn'>

/** A loader that ran: what the map declares for its key, and what it read. */
export interface Ran {
  readonly name: string
  readonly declared: Declared
  readonly reads: Reads
}

/** Compares what a loader read with what the map declares for its key. */
export function judge({ name, declared, reads }: Ran): AuditedLoader {
  const names = declaredNames(declared)
  const covered = ({ table, parents }: TableRead) => [table, ...parents].some((one) => names.has(one))
  const missed = reads.tables.filter((read) => !covered(read))
  // What a parent that is missed itself leads to needs no word of its own.
  const own = missed.filter(
    ({ parents }) => !parents.some((one) => missed.some(({ table }) => table === one)),
  )
  const tables: AuditedTable[] = reads.tables
    .filter((read) => covered(read) || own.includes(read))
    .map((read) => ({ table: read.table, declared: covered(read), through: read.through }))
  const seen = tables.length > 0
  return {
    name,
    key: declared.key,
    family: declared.family,
    status: own.length > 0 ? 'undeclared' : seen ? 'declared' : 'unseen',
    tables,
    missing: missing(own, declared, reads, names),
    error: undefined,
  }
}

/** What the map declares and none of a family's loaders read. Their branches may each read another part of it. */
export function unreadOf(all: readonly Ran[]): readonly UnreadTable[] {
  const groups = new Map<string, Ran[]>()
  for (const ran of all) {
    if (ran.reads.tables.length === 0) continue
    const of = ran.declared.family ?? ran.declared.key
    groups.set(of, [...(groups.get(of) ?? []), ran])
  }
  return [...groups].flatMap(([of, group]) => {
    const read = new Set(
      group.flatMap(({ reads }) => [
        ...reads.views,
        ...reads.tables.flatMap(({ table, parents }) => [table, ...parents]),
      ]),
    )
    const tables = new Set(group.flatMap(({ declared }) => declared.dependsOn.flatMap((one) => one.tables)))
    return [...tables]
      .filter((table) => !read.has(table))
      .sort()
      .map((table) => ({ table, of }))
  })
}

function declaredNames({ dependsOn }: Declared): ReadonlySet<string> {
  return new Set(dependsOn.flatMap(({ tables, views }) => [...tables, ...views]))
}

/** Lines for the map: under `views` where the key hangs on a view that leads there, else under `tables`. */
function missing(
  missed: readonly TableRead[],
  { key, family }: Declared,
  reads: Reads,
  names: ReadonlySet<string>,
): readonly string[] {
  const views = new Set<string>()
  const lines: string[] = []
  for (const { table, through } of missed) {
    const view = through.map(([outermost]) => outermost).find((one) => one !== undefined && names.has(one))
    if (view === undefined) {
      lines.push(`tables: { ${named(table)}: [${family === undefined ? quoted(key) : `keys.${family}`}] }`)
    } else views.add(view)
  }
  for (const view of views) {
    const bases = reads.tables
      .filter(({ through }) => through.some(([outermost]) => outermost === view))
      .map(({ table }) => quoted(table))
    lines.push(`views: { ${named(view)}: [${bases.join(', ')}] }`)
  }
  return lines
}

function named(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
