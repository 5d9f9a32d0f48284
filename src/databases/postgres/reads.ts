import type { Row } from '../../core/change.ts'
import type { Reads, TableRead } from '../../core/reads.ts'
import readTables from './read-tables.sql'
import { isAborted, type SendSql, swallowed, withoutHeader } from './session.ts'
import { unquoted } from './tables.ts'

const READ_TABLES = withoutHeader(readTables)

/** A table or view, as the catalogue shows it. */
interface Relation {
  readonly oid: string
  readonly name: string
  readonly kind: string
  readonly partition: boolean
  readonly temporary: boolean
  readonly ancestors: readonly string[]
  readonly bases: readonly string[]
}

/**
 * What the transaction has read: PostgreSQL locks every table, materialised view and foreign table that a statement
 * reads, whoever sends it and however it gets there, and keeps the lock until the end.
 *
 * Rejects with `SEAL_FAILED` where a statement failed and its error was swallowed.
 */
export async function readsOfPostgres(send: SendSql): Promise<Reads> {
  const relations = (await ask(send)).map(relationOf)
  const known = new Map(relations.map((relation) => [relation.oid, relation]))
  const views = relations.filter(({ kind }) => kind === 'v')
  const ways = waysThrough(views, known)
  const tables = new Map<string, TableRead>()
  for (const relation of relations) {
    if (relation.kind === 'v' || relation.temporary) continue
    const { partition, ancestors, name } = relation
    const [table = name, ...others] = partition ? ancestors : [name, ...ancestors]
    const before = tables.get(table)
    tables.set(table, {
      table,
      parents: before?.parents ?? others,
      through: distinct([...(before?.through ?? []), ...(ways.get(relation.oid) ?? [])]),
    })
  }
  return {
    tables: [...tables.values()].sort((one, other) => (one.table < other.table ? -1 : 1)),
    views: views.map(({ name }) => name).sort(),
  }
}

async function ask(send: SendSql): Promise<readonly Row[]> {
  try {
    return await send(READ_TABLES)
  } catch (error) {
    throw isAborted(error) ? swallowed(error) : error
  }
}

function relationOf(row: Row): Relation {
  return {
    oid: row.oid,
    name: unquoted(row.shown),
    kind: row.kind,
    partition: row.partition === true,
    temporary: row.temporary === true,
    ancestors: JSON.parse(row.ancestors).map(unquoted),
    bases: row.bases === '{}' ? [] : row.bases.slice(1, -1).split(','),
  }
}

/** For each relation that a view leads to, the ways there, from views that no other one among them reads. */
function waysThrough(
  views: readonly Relation[],
  known: ReadonlyMap<string, Relation>,
): ReadonlyMap<string, readonly (readonly string[])[]> {
  const inner = new Set(views.flatMap(({ bases }) => bases))
  const ways = new Map<string, string[][]>()
  const visit = (view: Relation, above: readonly string[]): void => {
    const path = [...above, view.name]
    for (const oid of view.bases) {
      ways.set(oid, [...(ways.get(oid) ?? []), path])
      const base = known.get(oid)
      if (base?.kind === 'v') visit(base, path)
    }
  }
  for (const view of views) if (!inner.has(view.oid)) visit(view, [])
  return ways
}

function distinct(ways: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(ways.map((way) => [way.join('\u0000'), way])).values()]
}
