import type { Operation, Row } from '../core/change.ts'
import type { StatementNote } from './postgres/observe.ts'
import type { WatchedTransaction } from './postgres/watched-transaction.ts'

/** What is used of a change set. */
interface ChangeSet {
  readonly collection: string
  readonly schema?: string
  readonly type: string
  readonly payload: Row
  readonly meta: {
    readonly primaryKeys: readonly string[]
    readonly properties: Readonly<Record<string, { readonly fieldNames?: readonly string[] }>>
  }
  getPrimaryKey(object: true): Row | null
}

interface Flush {
  readonly uow: { getChangeSets(): readonly ChangeSet[]; getExtraUpdates(): ReadonlySet<unknown> }
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  create: 'insert',
  update: 'update',
  delete: 'delete',
}

/**
 * A subscriber that says of the statements of each flush which rows they wrote: inserted rows whole, others by their
 * primary keys, since what they held otherwise was read before and may have changed meanwhile.
 */
export function flushedRows(transaction: WatchedTransaction<unknown>): object {
  let before = 0
  /** More than one statement for a row: what it comes to is not in the change sets. */
  let unclear = false
  return {
    onFlush({ uow }: Flush) {
      before = transaction.work?.notes.length ?? 0
      unclear = uow.getExtraUpdates().size > 0
    },
    afterFlush({ uow }: Flush) {
      const notes = transaction.work?.notes.slice(before) ?? []
      if (unclear) return
      for (const [type, operation] of Object.entries(OPERATIONS)) {
        const sets = uow.getChangeSets().filter((set) => set.type === type)
        for (const table of new Set(sets.map(({ collection }) => collection))) {
          tell(
            notes.filter(({ write }) => write?.table.name === table && write.operation === operation),
            sets.filter(({ collection }) => collection === table),
          )
        }
      }
    },
  }
}

/** All rows are told with the first statement: which one wrote which does not matter. */
function tell(notes: readonly StatementNote[], sets: readonly ChangeSet[]): void {
  const rows = sets.map(rowOf)
  const schemas = new Set(sets.map(({ schema }) => schema))
  if (schemas.size > 1 || rows.some((row) => row === undefined)) return
  for (const [at, note] of notes.entries()) note.told = at === 0 ? (rows as readonly Row[]) : []
}

/** A row by its columns; undefined where they are not certain. */
function rowOf(set: ChangeSet): Row | undefined {
  const { type, payload, meta } = set
  const keys = set.getPrimaryKey(true)
  if (keys === null || (type === 'update' && meta.primaryKeys.some((key) => key in payload))) return undefined
  const row: Record<string, unknown> = {}
  for (const [property, value] of Object.entries(type === 'create' ? { ...payload, ...keys } : keys)) {
    const [column, ...more] = meta.properties[property]?.fieldNames ?? []
    if (column === undefined || more.length > 0) return undefined
    row[column] = value
  }
  return row
}
