import type { Parameter } from './encoding.ts'
import { LONGEST_KEY } from './encoding.ts'
import { CacheError, show } from './errors.ts'
import { checkChoice } from './options.ts'

/** A table's row, as a driver returns it. */
// biome-ignore lint/suspicious/noExplicitAny: rows of undeclared schemas have columns of any type
export type Row = Readonly<Record<string, any>>

/** What a write did. `'upsert'` may have changed a row that existed, so it needs what an update needs. */
export type Operation = 'insert' | 'update' | 'upsert' | 'delete' | 'truncate'

const OPERATIONS: readonly Operation[] = ['insert', 'update', 'upsert', 'delete', 'truncate']

/** A row that was written: itself, or what it was and what it became. */
export type RowChange<R = Row> =
  | R
  | { readonly before?: R | null | undefined; readonly after?: R | null | undefined }

/**
 * What a write did to a table.
 *
 * Rows make an invalidation narrower, never less complete: with `insert` or `delete` they bind the captures of the
 * table's patterns; an update's new rows alone bind only what the map declares `stable`, because a row may have
 * moved, so give `{ before, after }`. Without rows the whole table counts as changed; an empty list says that no row
 * was.
 */
export interface WrittenRows<R = Row> {
  /** @default unknown, which counts as an update */
  readonly operation?: Operation | undefined
  readonly rows?: readonly RowChange<R>[] | undefined
}

/** One write to one table. */
export interface TableChange<Table extends string = string, R = Row> extends WrittenRows<R> {
  readonly table: Table
}

/** A tenant, by the capture that names it, in the encoding of keys. */
export interface Within {
  readonly capture: string
  readonly value: string
}

/** A write that may have been made through a tenant's scope: then its rows are that tenant's alone. */
export interface ConfinedTable extends TableChange {
  readonly within?: Within | undefined
}

/** The names a map declares, with `string` kept open: a table may be written that no map names. */
export type Open<Name extends string> = Name | (string & Record<never, never>)

/**
 * One thing that `cache.invalidate` makes void, in one of these forms: what a write concerns, by its table and rows;
 * tables in whole; keys; what a pattern matches; what hangs on a scope's value, where the map declares scopes.
 *
 * A pattern that the map has, or that is one of the map's with its first captures filled in, costs what a write does,
 * however many keys are cached. Any other is swept for, key by key. The pattern of a key family,
 * `keys.report.pattern({ orgId: 7 })`, is the exact one for that family.
 */
export type InvalidateRequest<Tables extends string = string, Scopes extends string = string> =
  | TableChange<Open<Tables>>
  | { readonly tables: readonly Open<Tables>[] }
  | { readonly keys: readonly string[] }
  | { readonly pattern: string }
  | { readonly scope: [Scopes] extends [never] ? never : { readonly [Name in Scopes]?: Parameter } }

/** One request, or several to be applied in one step. */
export type InvalidateRequests<Tables extends string = string, Scopes extends string = string> =
  | InvalidateRequest<Tables, Scopes>
  | readonly InvalidateRequest<Tables, Scopes>[]

/** A request, read and checked. */
export interface Change {
  readonly tables: readonly ConfinedTable[]
  readonly keys: readonly string[]
  readonly patterns: readonly string[]
  readonly scopes: readonly (readonly [scope: string, value: Parameter])[]
  /** Everything: `clear()`. */
  readonly everything: boolean
}

/** A change of nothing, to be spread. */
export const NO_CHANGE: Change = Object.freeze({
  tables: [],
  keys: [],
  patterns: [],
  scopes: [],
  everything: false,
})

const FORMS: Readonly<Record<string, readonly string[]>> = {
  table: ['table', 'operation', 'rows'],
  tables: ['tables'],
  keys: ['keys'],
  pattern: ['pattern'],
  scope: ['scope'],
}

/** All changes as one. */
export function mergeChanges(changes: readonly Change[]): Change {
  return {
    tables: changes.flatMap(({ tables }) => tables),
    keys: changes.flatMap(({ keys }) => keys),
    patterns: changes.flatMap(({ patterns }) => patterns),
    scopes: changes.flatMap(({ scopes }) => scopes),
    everything: changes.some(({ everything }) => everything),
  }
}

/**
 * Reads an invalidation request, or several as one change.
 *
 * @throws CacheError `INVALID_ARGUMENT` for anything that is not exactly one of the forms, wherever it stands among
 *   several, and for an empty list. Nothing is applied then.
 */
export function readRequest(request: InvalidateRequests): Change {
  if (!Array.isArray(request)) return readOne(request as InvalidateRequest)
  if (request.length === 0) refuse('an empty list names nothing; clear() voids everything')
  return mergeChanges(request.map(readOne))
}

function readOne(request: InvalidateRequest): Change {
  const given: Readonly<Record<string, unknown>> =
    typeof request === 'object' && request !== null ? { ...request } : {}
  const form = Object.keys(FORMS).find((name) => given[name] !== undefined)
  if (form === undefined) {
    return refuse(
      `${show(request)} names nothing. Pass { table, rows? }, { tables }, { keys }, { pattern } or { scope }; clear() voids everything`,
    )
  }
  const stray = Object.keys(given).find((name) => given[name] !== undefined && !FORMS[form]?.includes(name))
  if (stray !== undefined) {
    refuse(
      `${show(stray)} does not go with ${show(form)}. Use one form per request, and a list of requests for more`,
    )
  }
  switch (form) {
    case 'table':
      return { ...NO_CHANGE, tables: [readTableChange(given as unknown as TableChange)] }
    case 'tables':
      return { ...NO_CHANGE, tables: list(given.tables, 'tables').map((table) => readTableChange({ table })) }
    case 'keys':
      return { ...NO_CHANGE, keys: list(given.keys, 'keys').map(readKey) }
    case 'pattern':
      if (typeof given.pattern !== 'string') refuse(`pattern: ${show(given.pattern)} is not text`)
      return { ...NO_CHANGE, patterns: [given.pattern as string] }
    default:
      return { ...NO_CHANGE, scopes: readScopes(given.scope) }
  }
}

/** Reads one write, as it is now: rows that are changed afterwards bind as they were. @throws CacheError `INVALID_ARGUMENT` */
export function readTableChange(change: TableChange): TableChange {
  const { table, operation, rows } = change
  if (typeof table !== 'string' || table === '') refuse(`table: ${show(table)} is not a table's name`)
  if (operation !== undefined) checkChoice(operation, OPERATIONS, `operation on ${table}`)
  if (rows === undefined) return operation === undefined ? { table } : { table, operation }
  if (!Array.isArray(rows)) refuse(`rows of ${table}: ${show(rows)} is not an array of rows`)
  for (const row of rows) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      refuse(
        `rows of ${table}: ${show(row)} is not a row; pass objects keyed by column, or { before, after }`,
      )
    }
  }
  const copied = rows.map(copyOf)
  return operation === undefined ? { table, rows: copied } : { table, operation, rows: copied }
}

/** A plain row, and its images, copied; an instance of a class stays itself, whose accessors a copy would lose. */
function copyOf(row: Row): Row {
  if (!isPlain(row)) return row
  const { before, after } = row
  return {
    ...row,
    ...(isPlain(before) ? { before: { ...before } } : {}),
    ...(isPlain(after) ? { after: { ...after } } : {}),
  }
}

function isPlain(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** @throws CacheError `INVALID_KEY` for anything that is no key. */
export function readKey(key: unknown): string {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY && key.isWellFormed()) return key
  if (typeof key === 'function') {
    throw new CacheError(
      'INVALID_KEY',
      'A key family or another function is not a key. Call the family with its parameters, as in keys.report({ orgId: 7 }).',
    )
  }
  throw new CacheError(
    'INVALID_KEY',
    `${show(key)} is not a key. A key is text of 1 to ${LONGEST_KEY} characters without lone surrogates; build it with a family of defineKeys.`,
  )
}

function readScopes(scope: unknown): [string, Parameter][] {
  if (typeof scope !== 'object' || scope === null)
    refuse(`scope: ${show(scope)} is not an object such as { orgId: 7 }`)
  const entries = Object.entries(scope as Record<string, Parameter>)
  if (entries.length === 0) refuse('scope: an empty scope names nothing; clear() voids everything')
  return entries
}

function list(value: unknown, what: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    refuse(`${what}: ${show(value)} is not an array with at least one entry; clear() voids everything`)
  }
  return value as readonly string[]
}

function refuse(problem: string): never {
  throw new CacheError('INVALID_ARGUMENT', `invalidate: ${problem}.`)
}
