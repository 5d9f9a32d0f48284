import { isMove, snakeCase } from '../../core/binding.ts'
import type { Change, InvalidateRequest, Operation, Row, RowChange, TableChange } from '../../core/change.ts'
import type { Dependencies } from '../../core/dependencies.ts'
import { LONGEST_PARAMETER, parameterText } from '../../core/encoding.ts'
import { CacheError, show } from '../../core/errors.ts'

/** Of one table; where more rows were written, the whole table counts as changed. */
export const MOST_ROWS = 100
/** In characters. Beyond, tables are recorded whole. */
const LONGEST_RECORD = 65_536

const OPERATIONS: readonly unknown[] = ['insert', 'update', 'upsert', 'delete', 'truncate']

/** What a record says of one table. */
interface RecordedTable {
  readonly table: string
  readonly operation?: Operation | undefined
  /** As they were declared, by the columns that captures are bound by. */
  readonly rows?: readonly RowChange[] | undefined
  /** From a trigger: every state that a row had or has, whatever the operation. */
  readonly images?: readonly Row[] | undefined
  /** Whether the images have values of any type, for a `bind` function that was written for them. */
  readonly typed?: boolean | undefined
}

interface Recorded {
  readonly v: 1
  readonly tables?: readonly RecordedTable[]
  readonly keys?: readonly string[]
  readonly patterns?: readonly string[]
  readonly scopes?: readonly (readonly [string, string])[]
  readonly everything?: true
}

/** What a record makes void: everything, or what the requests name. */
export type Void = 'everything' | readonly InvalidateRequest[]

/**
 * The columns by which a table's rows bind captures without a `bind` function; none where there is one, because nobody
 * knows what it looks at.
 */
export function bindingColumns(dependencies: Dependencies, table: string): readonly string[] {
  const declared = dependencies.tables.get(table)
  if (declared === undefined || typeof declared.bind === 'function') return []
  const { bind } = declared
  const captures = declared.patterns.flatMap((pattern) => pattern.captures)
  const columns = captures.flatMap((capture) => {
    const column = bind !== undefined && Object.hasOwn(bind, capture) ? bind[capture] : undefined
    return column === undefined ? [capture, snakeCase(capture)] : [column]
  })
  return [...new Set(columns)].sort()
}

/**
 * A change as it is written down: tables and what their rows bind, not stamps, so that the maps of others are consulted by
 * whoever applies it. Rows are kept by the columns given, and by those of their values alone that mean the same wherever
 * they are read; the rest counts as unbound. Undefined for a change of nothing.
 */
export function writeRecord(
  change: Change,
  columnsOf: (table: string) => readonly string[],
): string | undefined {
  if (change.everything) return JSON.stringify({ v: 1, everything: true } satisfies Recorded)
  const tables = mergeTables(change.tables, columnsOf)
  const { keys, patterns, scopes } = change
  if (tables.length + keys.length + patterns.length + scopes.length === 0) return undefined
  const record: Recorded = {
    v: 1,
    ...(tables.length > 0 ? { tables } : {}),
    ...(keys.length > 0 ? { keys } : {}),
    ...(patterns.length > 0 ? { patterns } : {}),
    ...(scopes.length > 0
      ? { scopes: scopes.map(([scope, value]) => [scope, parameterText(value) ?? ''] as const) }
      : {}),
  }
  const text = JSON.stringify(record)
  if (text.length <= LONGEST_RECORD) return text
  return JSON.stringify({ ...record, tables: tables.map(({ table }) => ({ table })) })
}

/**
 * Reads a record as this process's map would have it: where that has a `bind` function which the rows were not made for,
 * the whole table counts as changed.
 *
 * @throws CacheError `INVALID_ARGUMENT` for anything that is no record
 */
export function readRecord(text: string, dependencies: Dependencies): Void {
  const record = parse(text)
  if (record.everything === true) return 'everything'
  const { tables = [], keys = [], patterns = [], scopes = [] } = record
  const lists: readonly unknown[] = [tables, keys, patterns, scopes]
  if (!lists.every(Array.isArray) || lists.every((one) => (one as unknown[]).length === 0)) refuse(text)
  return [
    ...tables.map((one) => readTable(one, dependencies, text)),
    ...(keys.length > 0 ? [{ keys }] : []),
    ...patterns.map((pattern) => ({ pattern })),
    ...scopes.map((one) => ({ scope: { [one[0]]: one[1] } as never })),
  ]
}

function parse(text: string): Recorded {
  let read: Partial<Recorded> | null | undefined
  try {
    read = JSON.parse(text)
  } catch {
    refuse(text)
  }
  if (typeof read !== 'object' || read?.v !== 1) return refuse(text)
  return read as Recorded
}

function readTable(given: RecordedTable, dependencies: Dependencies, text: string): TableChange {
  const { table, operation, rows, images, typed = false } = given ?? {}
  if (typeof table !== 'string' || table === '') refuse(text)
  if (operation !== undefined && !OPERATIONS.includes(operation)) refuse(text)
  const isFunction = typeof dependencies.tables.get(table)?.bind === 'function'
  // Neither are rows of some columns for a function that may look at all, nor values of any type for columns.
  if (isFunction !== typed) return { table }
  // Each is all that a row was or became, which is what an insert says.
  if (images !== undefined) return { table, operation: 'insert', rows: images }
  if (rows === undefined || operation === undefined) return rows === undefined ? { table } : { table, rows }
  return { table, operation, rows }
}

function mergeTables(
  changes: readonly TableChange[],
  columnsOf: (table: string) => readonly string[],
): readonly RecordedTable[] {
  const merged = new Map<string, { table: string; operation: Operation | undefined; rows: RowChange[] }>()
  const whole = new Set<string>()
  for (const { table, operation, rows } of changes) {
    const columns = columnsOf(table)
    if (rows === undefined || operation === 'truncate' || (rows.length > 0 && columns.length === 0)) {
      whole.add(table)
      continue
    }
    const name = `${operation} ${table}`
    const found = merged.get(name) ?? { table, operation, rows: [] }
    merged.set(name, found)
    for (const row of rows.slice(0, MOST_ROWS + 1)) found.rows.push(narrowed(row, columns))
    if (found.rows.length > MOST_ROWS) whole.add(table)
  }
  return [
    ...[...whole].map((table) => ({ table })),
    ...[...merged.values()].filter(({ table, rows }) => !whole.has(table) && rows.length > 0),
  ]
}

/** A row by some of its columns. */
function narrowed(row: RowChange, columns: readonly string[]): RowChange {
  if (!isMove(row)) return imageOf(row as Row, columns)
  const { before, after } = row as { readonly before?: Row | null; readonly after?: Row | null }
  return {
    ...(before ? { before: imageOf(before, columns) } : {}),
    ...(after ? { after: imageOf(after, columns) } : {}),
  }
}

function imageOf(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(
    columns.flatMap((column) => {
      const value: unknown = Object.hasOwn(row, column) ? row[column] : undefined
      if (typeof value === 'bigint') return [[column, String(value)]]
      const plain =
        typeof value === 'boolean' ||
        (typeof value === 'number' && Number.isSafeInteger(value)) ||
        (typeof value === 'string' && value.length <= LONGEST_PARAMETER)
      return plain ? [[column, value]] : []
    }),
  )
}

function refuse(text: string): never {
  throw new CacheError(
    'INVALID_ARGUMENT',
    `journal: ${show(text)} is no record that this version can read. Apply it with a newer one, or drop it.`,
  )
}
