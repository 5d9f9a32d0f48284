import type { Bind, Bindings } from './binding.ts'
import type { Row } from './change.ts'
import { CacheError, show } from './errors.ts'
import { checkOptions } from './options.ts'
import { Pattern } from './pattern.ts'

/** What the writes of one table invalidate. */
export interface TableDefinition<R = Row, Patterns extends string = string> {
  /** Patterns over keys: `*` for anything, `{capture}` for one segment that rows may bind. */
  readonly invalidates: readonly Patterns[]
  /** How rows bind captures. @default the column of the capture's name, in camelCase or snake_case */
  readonly bind?: Bind<R>
  /** Columns (or captures) that never change once a row exists, so that an update's new row alone binds them. */
  readonly stable?: readonly string[]
}

type AnyTable<R = Row> = readonly string[] | TableDefinition<R>

type CapturesOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | CapturesOf<Rest>
  : never
type PatternsOf<T> = T extends readonly (infer Text extends string)[]
  ? Text
  : T extends { readonly invalidates: readonly (infer Text extends string)[] }
    ? Text
    : never

/** A table's entry, its `bind` checked against the captures of its patterns and the row type of the schema. */
type CheckedTable<T, R> = T extends readonly string[]
  ? readonly string[]
  : {
      readonly invalidates: readonly string[]
      readonly bind?: CheckedBind<R, CapturesOf<PatternsOf<T>>> & NoOther<T, CapturesOf<PatternsOf<T>>>
      readonly stable?: readonly string[]
    }

/** The captures that a `bind` function's answers name. */
type BoundBy<T> = T extends { readonly bind: (...args: never[]) => infer Answer }
  ? Awaited<Answer> extends readonly (infer One)[]
    ? keyof One
    : keyof Awaited<Answer>
  : never
type NoOther<T, Capture extends string> =
  string extends BoundBy<T>
    ? unknown
    : [Exclude<BoundBy<T>, Capture>] extends [never]
      ? unknown
      : { readonly noPatternCaptures: Exclude<BoundBy<T>, Capture> }

type ManyOf<T> = T | readonly T[]
type CheckedBind<R, Capture extends string> =
  | { readonly [Name in Capture]?: keyof R & string }
  // biome-ignore lint/suspicious/noExplicitAny: the transaction's type belongs to the database client
  | ((row: R, tx?: any) => ManyOf<Bindings<Capture>> | Promise<ManyOf<Bindings<Capture>>>)

type RowOf<Schema, Name> = Name extends keyof Schema ? Schema[Name] : Row

/** The map as its author writes it. */
export interface DependencyDefinition<Tables, Views, Scopes, Schema = Record<never, never>> {
  /** Names that a key's parameters or a pattern's captures may bind, so that `invalidate({ scope })` reaches them. */
  readonly scopes?: Scopes
  /** Table → the key patterns that its writes invalidate. */
  readonly tables: Tables & {
    readonly [Name in keyof Tables]: CheckedTable<Tables[Name], RowOf<Schema, Name>>
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

type Define<Schema> = <
  const Tables extends { readonly [Name in keyof Schema]?: AnyTable<Schema[Name]> },
  const Views extends ViewShape = Record<never, never>,
  const Scopes extends readonly string[] = readonly [],
>(
  definition: DependencyDefinition<Tables, Views, Scopes, Schema>,
) => Dependencies<NameOf<Tables> | NameOf<Views>, Scopes[number]>

/**
 * Declares which key patterns the writes of each table invalidate.
 *
 * Called with a schema interface, `defineDependencies<Schema>()({…})`, table names and rows are checked against it.
 * View names, captures and scopes are checked by the compiler either way, and at run time.
 *
 * @throws CacheError, naming the entry: `INVALID_MAP`, `INVALID_PATTERN`, `UNKNOWN_VIEW` for a view over something
 *   that is neither a table nor a view of the map, `CIRCULAR_VIEWS`.
 *
 * @example
 * ```ts
 * import { defineDependencies } from 'coherent-cache'
 *
 * const dependencies = defineDependencies({
 *   scopes: ['currency'],
 *   tables: {
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
export function defineDependencies<Schema>(): Define<Schema>
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
  checkOptions(full, ['invalidates', 'bind', 'stable'], entry)
  if (!Array.isArray(full?.invalidates)) {
    throw new CacheError(
      'INVALID_MAP',
      `${entry}: has no list of patterns; write ${name}: ['report:*'] or { invalidates: ['report:*'] }.`,
    )
  }
  const patterns = [...new Map(full.invalidates.map((text) => [text, new Pattern(text, entry)])).values()]
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
