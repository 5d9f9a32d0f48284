import { CacheError } from '../../../core/errors.ts'
import type { JournalSend } from '../../../core/journal.ts'
import type { JournalPlace } from '../place.ts'
import { EVENTS, quotedName, triggerBody, triggerName } from './statements.ts'

/**
 * Makes the triggers of one table, as far as they are not there: one each for the rows that are inserted, updated and
 * deleted. Of the columns those are recorded whose text is the same in a key, whoever wrote it.
 *
 * @param look The statement that tells of the table.
 */
export async function watchTable(
  send: JournalSend,
  look: string,
  place: JournalPlace,
  table: string,
  wanted: readonly string[],
): Promise<void> {
  const known = await send(look, [...partsOf(table)])
  const columns = known.flatMap(({ kind, name }) =>
    kind === 'column' && wanted.includes(String(name)) ? [String(name)] : [],
  )
  const made = new Map(
    known.flatMap(({ kind, name, body }) =>
      kind === 'trigger' ? [[String(name), String(body)] as const] : [],
    ),
  )
  for (const event of EVENTS) {
    const trigger = triggerName(place, table, event)
    const body = triggerBody(place, table, event, columns.sort())
    const present = made.get(trigger.slice(trigger.indexOf('.') + 1))
    if (present === body) continue
    if (present !== undefined) await send(`DROP TRIGGER IF EXISTS ${quotedName(trigger)}`, [])
    try {
      await send(
        `CREATE TRIGGER ${quotedName(trigger)} AFTER ${event.toUpperCase()} ON ${quotedName(table)} FOR EACH ROW ${body}`,
        [],
      )
    } catch (error) {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `journal: the table ${table} could not be given its triggers. Is it a table, and there? Choose tables by the option triggers.`,
        { cause: error },
      )
    }
  }
}

/** The database of a table's name, empty for the current one, and the table. */
export function partsOf(table: string): readonly [database: string, table: string] {
  const dot = table.indexOf('.')
  return [dot < 0 ? '' : table.slice(0, dot), table.slice(dot + 1)]
}
