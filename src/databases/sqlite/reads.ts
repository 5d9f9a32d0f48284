import type { Reads } from '../../core/reads.ts'
import { mentions, type SqliteConnection, type SqliteView } from './connection.ts'
import type { KnownEffects } from './noticed.ts'

/**
 * What the statements of a transaction have read, by SQLite's own listing of each. The listing says which tables; which
 * views led there follows from the names in the text. A virtual table counts where the text names it.
 */
export function readsOfSqlite(connection: SqliteConnection, known: KnownEffects): Reads {
  const all = connection.views()
  const ways = new Map<string, Map<string, readonly string[]>>()
  const used = new Set<string>()
  for (const [sql, effects] of known) {
    const views = all.filter(({ name }) => mentions(sql, name))
    for (const table of connection.tablesRead(sql, effects)) {
      const through = ways.get(table) ?? new Map<string, readonly string[]>()
      ways.set(table, through)
      for (const view of views) {
        if (!view.tables.includes(table)) continue
        const way = wayTo(table, view, all)
        for (const name of way) used.add(name)
        through.set(way.join('\u0000'), way)
      }
    }
  }
  return {
    tables: [...ways]
      .map(([table, through]) => ({ table, parents: [], through: [...through.values()] }))
      .sort((one, other) => (one.table < other.table ? -1 : 1)),
    views: [...used].sort(),
  }
}

/** From a view to a table that it reads, through those views that its own text names. */
function wayTo(table: string, view: SqliteView, all: readonly SqliteView[]): readonly string[] {
  const way = [view.name]
  for (let at: SqliteView | undefined = view; at !== undefined; ) {
    const { sql }: SqliteView = at
    at = all.find((one) => !way.includes(one.name) && one.tables.includes(table) && mentions(sql, one.name))
    if (at !== undefined) way.push(at.name)
  }
  return way
}
