import { CacheError, show } from '../../core/errors.ts'

/** What the options of a journal say there is in the database, by table: its columns, or none. */
export type Expected = ReadonlyMap<string, readonly string[]>

/**
 * @param look Lists the columns of a table: none where there is no such table.
 * @throws CacheError `INVALID_OPTION` for a table or a column that is not there
 */
export async function checkExpected(
  expected: Expected,
  look: (table: string) => Promise<readonly string[]>,
): Promise<void> {
  for (const [table, columns] of expected) {
    const there = await look(table)
    if (there.length === 0) {
      throw new CacheError(
        'INVALID_OPTION',
        `journal.ensure: there is no table ${show(table)}. Make it first, or leave it out of triggers and columns.`,
      )
    }
    const missing = columns.filter((name) => !there.includes(name))
    if (missing.length === 0) continue
    throw new CacheError(
      'INVALID_OPTION',
      `journal.ensure: columns: the table ${show(table)} has no ${missing.map(show).join(', ')}. It has ${there.join(', ')}.`,
    )
  }
}
