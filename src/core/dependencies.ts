import type { AnyTransaction, Bind, BindFunction } from './binding.ts'
import type { Row } from './change.ts'
import { CacheError, show } from './errors.ts'
import { type AnyFamily, compiledFamily, type ParamsOf } from './key.ts'
import { checkOptions } from './options.ts'
import { Pattern } from './pattern.ts'

/**
 * What a table's writes invalidate: a pattern over keys, `*` for anything and `{capture}` for one segment that rows
 * may bind; or a key family, which stands for the pattern of all its keys, with the parameters that every key has as
 * captures and its optional tail as `*`.
 */
export type Invalidated<Patterns extends string = string> = Patterns | AnyFamily

/**
 * What the writes of one table invalidate.
 *
 * @typeParam Tx The transaction that `bind` is given.
 */
export interface TableDefinition<R = Row, Patterns extends string = string, Tx = AnyTransaction> {
  /** Patterns over keys, and key families. */
  readonly invalidates: readonly Invalidated<Patterns>[]
  /** How rows bind captures. @default the column of the capture's name, in camelCase or snake_case */
  readonly bind?: Bind<R, string, Tx>
  /**
   * Columns (or captures) that never change once a row exists, so that an update's new row alone binds them.
   *
   * @default none
   */
  readonly stable?: readonly string[]
}

type AnyTable<R = Row, Tx = AnyTransaction> = readonly Invalidated[] | TableDefinition<R, string, Tx>

type CapturesOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | CapturesOf<Rest>
  : never
/** The parameters that every key of a family has; any name where the family's are not known. */
type RequiredOf<Params> = string extends keyof Params
  ? string
  : { [Name in keyof Params]-?: undefined extends Params[Name] ? never : Name }[keyof Params] & string
type CapturesOfEntry<Entry> = Entry extends string
  ? string extends Entry
    ? string
    : CapturesOf<Entry>
  : RequiredOf<ParamsOf<Entry>>
type EntriesOf<T> = T extends readonly (infer Entry)[]
  ? Entry
  : T extends { readonly invalidates: readonly (infer Entry)[] }
    ? Entry
    : never
/** The captures that a table's entries have; any name where one of them is not known as it is written. */
type CapturesIn<T> = CapturesOfEntry<EntriesOf<T>>

/** A table's entry, its `bind` checked against its captures and the row type of the schema, `stable` against both. */
type CheckedTable<T, R, Tx> = T extends readonly unknown[]
  ? readonly Invalidated[]
  : {
      readonly invalidates: readonly Invalidated[]
      readonly bind?: CheckedBind<R, CapturesIn<T>, Tx> & NoOther<T, CapturesIn<T>>
      readonly stable?: readonly ((string extends keyof R ? string : keyof R & string) | CapturesIn<T>)[]
    }

/** The captures that a `bind` names: those of its answers, where it is a function. */
type BoundBy<T> = T extends { readonly bind: infer B }
  ? B extends (...args: never[]) => infer Answer
    ? Awaited<Answer> extends readonly (infer One)[]
      ? keyof One
      : keyof Awaited<Answer>
    : keyof B
  : never
type NoOther<T, Capture extends string> =
  string extends BoundBy<T>
    ? unknown
    : [Exclude<BoundBy<T>, Capture>] extends [never]
      ? unknown
      : { readonly noPatternCaptures: Exclude<BoundBy<T>, Capture> }

type CheckedBind<R, Capture extends string, Tx> =
  | { readonly [Name in Capture]?: keyof R & string }
  | BindFunction<R, Capture, Tx>

type RowOf<Schema, Name> = Name extends keyof Schema ? Schema[Name] : Row
/** Refuses what is neither a table of the schema, where there is one, nor a view of the map. */
type Known<Schema, Views, Name> = [keyof Schema] extends [never]
  ? unknown
  : Name extends keyof Schema | keyof Views
    ? unknown
    : { readonly noTableOfTheSchema: Name }

/**
 * The map as its author writes it.
 *
 * @typeParam Schema Row types by table. Without it, rows are of any type and every table name is taken.
 * @typeParam Tx The transaction that `bind` functions are given.
 */
export interface DependencyDefinition<
  Tables,
  Views,
  Scopes,
  Schema = Record<never, never>,
  Tx = AnyTransaction,
> {
  /** Names that a key's parameters or a pattern's captures may bind, so that `invalidate({ scope })` reaches them. */
  readonly scopes?: Scopes
  /** Table → what its writes invalidate: key patterns and key families. */
  readonly tables: Tables & {
    readonly [Name in keyof Tables]: CheckedTable<Tables[Name], RowOf<Schema, Name>, Tx> &
      Known<Schema, Views, Name>
  }
  /** View → the tables and views it reads. A view stands for its tables, through other views too. */
  readonly views?: Views & {
    readonly [Name in keyof Views]: readonly ((keyof Tables | keyof Views) & string)[]
  }
}

declare const NAMES: unique symbol

/** A checked map. Give it to `createCache`. */
export interface Dependencies<Tables extends string = string, Scopes extends string = string> {
  readonly [NAMES]?: { readonly tables: Tables; readonly scopes: Scopes }
  readonly scopes: readonly Scopes[]
  readonly tables: ReadonlyMap<string, CompiledTable>
  /** Each view with the tables and views it reads directly. */
  readonly views: ReadonlyMap<string, readonly string[]>
}

/** One table's entry, compiled. */
export interface CompiledTable {
  readonly patterns: readonly Pattern[]
  readonly bind: Bind | undefined
  readonly stable: ReadonlySet<string>
}

type TableShape = Readonly<Record<string, AnyTable>>
type ViewShape = Readonly<Record<string, readonly string[]>>
type NameOf<T> = keyof T & string

type Define<Schema, Tx> = <
  const Tables extends { readonly [Name in keyof Schema]?: AnyTable<Schema[Name], Tx> },
  const Views extends ViewShape = Record<never, never>,
  const Scopes extends readonly string[] = readonly [],
>(
  definition: DependencyDefinition<Tables, Views, Scopes, Schema, Tx>,
) => Dependencies<NameOf<Tables> | NameOf<Views>, Scopes[number]>

/**
 * Declares which key patterns the writes of each table invalidate.
 *
 * Called with a schema interface, `defineDependencies<Schema>()({…})`, table names and rows are checked against it;
 * a second one, `defineDependencies<Schema, Tx>()({…})`, is the transaction that `bind` functions are given. View
 * names, captures and scopes are checked by the compiler either way, and at run time.
 *
 * @throws CacheError, naming the entry: `INVALID_MAP`, `INVALID_PATTERN`, `UNKNOWN_VIEW` for a view over something
 *   that is neither a table nor a view of the map, `CIRCULAR_VIEWS`.
 *
 * @example
 * ```ts
 * import { defineDependencies, defineKeys } from 'coherent-cache'
 *
 * const keys = defineKeys({ ledger: 'ledger:{orgId}[:{month}]' })
 * const dependencies = defineDependencies({
 *   scopes: ['currency'],
 *   tables: {
 *     gl_entries: [keys.ledger], // as 'ledger:{orgId}*'
 *     hedges: ['*hedge_positions*', 'capacity:{entityId}:*'],
 *     revenues: {
 *       invalidates: ['report:{orgId}:{date}'],
 *       bind: (row) => ({ orgId: row.org_id, date: row.day }),
 *       stable: ['org_id'],
 *     },
 *     v_available: ['available:*'],
 *   },
 *   views: { v_available: ['hedges'] },
 * })
 * ```
 */
export function defineDependencies<
  const Tables extends TableShape,
  const Views extends ViewShape = Record<never, never>,
  const Scopes extends readonly string[] = readonly [],
>(
  definition: DependencyDefinition<Tables, Views, Scopes>,
): Dependencies<NameOf<Tables> | NameOf<Views>, Scopes[number]>
export function defineDependencies<Schema, Tx = AnyTransaction>(): Define<Schema, Tx>
export function defineDependencies(definition?: unknown): unknown {
  return definition === undefined ? (later: unknown) => compile(later) : compile(definition)
}

/** The map of a cache that was given none: `clear()` and keys still work. */
export function noDependencies(): Dependencies {
  return { scopes: [], tables: new Map(), views: new Map() }
}

function compile(given: unknown): Dependencies {
  const what = 'defineDependencies'
  checkOptions(given, ['scopes', 'tables', 'views'], what)
  const definition = given as { scopes?: readonly string[]; tables?: TableShape; views?: ViewShape }
  checkObject(definition.tables, `${what}: tables`)
  const tables = new Map(
    Object.entries(definition.tables ?? {}).map(([name, table]) => [name, compileTable(name, table, what)]),
  )
  if (definition.views !== undefined) checkObject(definition.views, `${what}: views`)
  const views = new Map(Object.entries(definition.views ?? {}))
  checkViews(views, tables, what)
  const scopes = definition.scopes ?? []
  if (
    !Array.isArray(scopes) ||
    scopes.some((scope) => typeof scope !== 'string' || !/^[A-Za-z_$][\w$]*$/.test(scope))
  ) {
    throw new CacheError(
      'INVALID_MAP',
      `${what}: scopes: ${show(scopes)} is not an array of parameter names.`,
    )
  }
  return Object.freeze({ scopes: [...new Set(scopes)], tables, views })
}

function compileTable(name: string, table: AnyTable, what: string): CompiledTable {
  const entry = `${what}: ${name}`
  const full: TableDefinition = Array.isArray(table) ? { invalidates: table } : (table as TableDefinition)
  if (typeof full === 'string')
    throw new CacheError(
      'INVALID_OPTION',
      `${entry}: ${show(full)} is text; a list is wanted: [${show(full)}].`,
    )
  checkOptions(full, ['invalidates', 'bind', 'stable'], entry)
  if (!Array.isArray(full?.invalidates)) {
    throw new CacheError(
      'INVALID_MAP',
      `${entry}: has no list of patterns; write ${name}: ['report:*'] or { invalidates: ['report:*'] }.`,
    )
  }
  const compiled = full.invalidates.map((given) => new Pattern(patternText(given, entry), entry))
  const patterns = [...new Map(compiled.map((pattern) => [pattern.text, pattern])).values()]
  const captures = new Set(patterns.flatMap((pattern) => pattern.captures))
  const { bind, stable = [] } = full
  if (bind !== undefined && typeof bind !== 'function') {
    checkObject(bind, `${entry}: bind`)
    for (const [capture, column] of Object.entries(bind)) {
      if (!captures.has(capture)) {
        throw new CacheError(
          'INVALID_MAP',
          `${entry}: binds {${capture}}, which none of its patterns captures.`,
        )
      }
      if (typeof column !== 'string' || column === '') {
        throw new CacheError(
          'INVALID_MAP',
          `${entry}: binds {${capture}} to ${show(column)}, which is no column's name.`,
        )
      }
    }
  }
  if (!Array.isArray(stable) || stable.some((column) => typeof column !== 'string')) {
    throw new CacheError('INVALID_MAP', `${entry}: stable: ${show(stable)} is not an array of column names.`)
  }
  return { patterns, bind, stable: new Set(stable) }
}

function patternText(given: Invalidated, entry: string): string {
  if (typeof given !== 'function') return given
  const family = compiledFamily(given)
  if (family !== undefined) return family.template.pattern
  throw new CacheError(
    'INVALID_PATTERN',
    `${entry}: a function that is no key family; write a pattern's text, or a family that defineKeys returned.`,
  )
}

function checkViews(
  views: ReadonlyMap<string, readonly string[]>,
  tables: ReadonlyMap<string, CompiledTable>,
  what: string,
): void {
  for (const [view, bases] of views) {
    if (!Array.isArray(bases) || bases.length === 0) {
      throw new CacheError(
        'INVALID_MAP',
        `${what}: view ${view}: ${show(bases)} is not a list of the tables it reads.`,
      )
    }
    for (const base of bases) {
      if (views.has(base) || tables.has(base)) continue
      throw new CacheError(
        'UNKNOWN_VIEW',
        `${what}: view ${view} reads ${show(base)}, which is neither a table nor a view of this map. Correct the name, or declare the table with an empty list.`,
      )
    }
  }
  const done = new Set<string>()
  const visit = (view: string, path: readonly string[]): void => {
    if (path.includes(view)) {
      throw new CacheError(
        'CIRCULAR_VIEWS',
        `${what}: the views ${[...path.slice(path.indexOf(view)), view].join(' → ')} form a circle.`,
      )
    }
    if (done.has(view)) return
    for (const base of views.get(view) ?? []) if (views.has(base)) visit(base, [...path, view])
    done.add(view)
  }
  for (const view of views.keys()) visit(view, [])
}

function checkObject(value: unknown, what: string): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw new CacheError('INVALID_MAP', `${what}: ${show(value)} is not an object.`)
}
