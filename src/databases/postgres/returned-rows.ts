import { MOST_SCOPES } from '../../core/binding.ts'
import type { Operation, Row, RowChange } from '../../core/change.ts'
import { CacheError, show } from '../../core/errors.ts'
import type { PlainWrite } from './plain-write.ts'
import type { Table } from './tables.ts'

/**
 * What the rows that a RETURNING clause gave say of the write: undefined where they do not say it for certain, and the
 * whole table has to count as changed.
 *
 * An INSERT or DELETE gives its rows whole. After an UPDATE, or an upsert, a column that was not assigned is what it
 * was before, so it stands in both images; one that was assigned is left out, because what it was is not known.
 * A `bind` function that asks for a column which the rows lack is told so by an error: it must not take it for empty.
 */
export function returnedRows(
  { operation, set, returning }: PlainWrite,
  rows: readonly unknown[] | undefined,
  { columns, generated, stored }: Pick<Table, 'columns' | 'generated' | 'stored'>,
): readonly RowChange[] | undefined {
  if (rows === undefined || returning === undefined || operation === undefined) return undefined
  if (!stored || rows.length > MOST_SCOPES) return undefined
  const named = returning === 'all' ? columns : returning
  if (named.some((column) => !columns.includes(column))) return undefined
  const whole = operation === 'insert' || operation === 'delete'
  const told = whole ? named : named.filter((column) => !set.includes(column) && !generated.includes(column))
  const withheld = withholding(columns.filter((column) => !told.includes(column)))
  const changes: RowChange[] = []
  for (const row of rows) {
    if (!isRow(row, returning === 'all' ? columns.length : new Set(named).size)) return undefined
    const image: Record<string, unknown> = Object.create(withheld)
    for (const column of told) {
      if (!Object.hasOwn(row, column)) return undefined
      image[column] = row[column]
    }
    changes.push(imageOf(operation, image))
  }
  return changes
}

/** The same for rows that the client tells: each has those columns alone that are certain, before and after. */
export function toldRows(
  { operation }: PlainWrite,
  rows: readonly Row[],
  { columns, stored }: Pick<Table, 'columns' | 'stored'>,
): readonly RowChange[] | undefined {
  if (operation === undefined || !stored || rows.length > MOST_SCOPES) return undefined
  const changes: RowChange[] = []
  for (const row of rows) {
    const told = Object.keys(row)
    if (told.some((column) => !columns.includes(column))) return undefined
    const withheld = withholding(columns.filter((column) => !told.includes(column)))
    changes.push(imageOf(operation, Object.assign(Object.create(withheld), row)))
  }
  return changes
}

function imageOf(operation: Operation, image: Row): RowChange {
  if (operation === 'insert') return { after: image }
  return operation === 'delete' ? { before: image } : { before: image, after: image }
}

function isRow(row: unknown, width: number): row is Row {
  return typeof row === 'object' && row !== null && !Array.isArray(row) && Object.keys(row).length === width
}

/** What stands behind a row for the columns it lacks. */
function withholding(columns: readonly string[]): object {
  const properties = columns.map((column) => [
    column,
    {
      get(): never {
        throw new CacheError(
          'INVALID_ARGUMENT',
          `The column ${show(column)} is asked for, but what the statement returned does not tell it for certain. The whole table counts as changed; to be narrower, return every column, or declare the rows with write().`,
        )
      },
    },
  ])
  return Object.create(Object.prototype, Object.fromEntries(properties))
}
