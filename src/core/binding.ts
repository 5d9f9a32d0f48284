import type { Operation, Row, RowChange, TableChange } from './change.ts'
import { encodeText, LONGEST_PARAMETER, type Parameter, parameterText } from './encoding.ts'

/** Values for captures, by the captures' names; null or undefined leaves one open. */
export type Bindings<Capture extends string = string> = {
  readonly [Name in Capture]?: Parameter | null | undefined
}

type Many<T> = T | readonly T[]

/** A transaction whose type nobody has named: it belongs to the database client. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyTransaction = any

/**
 * How a table's rows bind captures: a map from capture to column, or a {@link BindFunction}.
 *
 * @typeParam Tx The transaction a function is given.
 */
export type Bind<R = Row, Capture extends string = string, Tx = AnyTransaction> =
  | { readonly [Name in Capture]?: string }
  | BindFunction<R, Capture, Tx>

/**
 * Binds captures by a row: to one set of values, or to several where the row concerns several. May be asynchronous,
 * and is given the transaction that the row was written in, where there is one.
 *
 * It makes an invalidation narrower, never less complete: over-invalidate, never under. A capture it leaves out, null
 * or undefined is open, and a pattern is narrowed only by the captures before its first open one. So an answer of
 * `[]`, `null` or `undefined` binds nothing and voids all that the table's patterns match; to say that a row concerns
 * no key, leave the row out of the write. A function that throws does the same, told by the event `bindError`.
 *
 * Written as a method, so that an author may name the row's type where no schema declares it.
 */
export type BindFunction<R = Row, Capture extends string = string, Tx = AnyTransaction> = {
  bind(row: R, tx: Tx | undefined): Many<Bindings<Capture>> | Promise<Many<Bindings<Capture>>>
}['bind']

/** Captures bound by one row, in the encoding of keys. */
export type Bound = ReadonlyMap<string, string>

/** Where rows bind more scopes than this, the whole table counts as changed. */
export const MOST_SCOPES = 1_000

/** How one table binds. */
export interface RowBinder {
  /** The captures of the table's patterns. */
  readonly captures: readonly string[]
  readonly bind: Bind | undefined
  /** Columns (or captures) that never change once a row exists. */
  readonly stable: ReadonlySet<string>
}

/**
 * The captures that a change binds: one entry per distinct scope. `undefined` means that nothing can be said and the
 * whole table counts as changed. Never narrower than the rows are certain to be: what is doubtful is left unbound.
 *
 * Rejects only with what the map's own `bind` function throws.
 */
export async function bindRows(
  binder: RowBinder,
  change: TableChange,
  tx: unknown,
): Promise<readonly Bound[] | undefined> {
  const { rows, operation } = change
  if (rows === undefined || rows.length > MOST_SCOPES || operation === 'truncate') return undefined
  const scopes = new Map<string, Bound>()
  for (const row of rows) {
    for (const [image, complete] of images(row, operation)) {
      for (const bound of await bindImage(binder, image, complete, tx))
        scopes.set(JSON.stringify([...bound]), bound)
    }
  }
  return scopes.size > MOST_SCOPES ? undefined : [...scopes.values()]
}

/** All that any image of the rows binds, certain to be all that the row was or not: for what must not stand in it. */
export async function namedBy(
  binder: RowBinder,
  { rows = [] }: TableChange,
  tx: unknown,
): Promise<readonly Bound[]> {
  const named: Bound[] = []
  for (const row of rows)
    for (const [image] of images(row, undefined)) named.push(...(await bindImage(binder, image, true, tx)))
  return named
}

/** The row images of one change, and whether each is all that the row was or became. */
function images(row: RowChange, operation: Operation | undefined): readonly (readonly [Row, boolean])[] {
  if (!isMove(row)) return [[row, operation === 'insert' || operation === 'delete']]
  const { before, after } = row as { before?: Row | null; after?: Row | null }
  const both = isImage(before) && isImage(after)
  return [before, after].flatMap((image, at) => {
    if (!isImage(image)) return []
    const alone = at === 0 ? operation === 'delete' : operation === 'insert'
    return [[image, both || alone] as const]
  })
}

/** `{ before, after }`, either of which may be missing or, as change streams write it, null. */
export function isMove(row: RowChange): boolean {
  const images = Object.entries(row).map(([name, image]: [string, unknown]) =>
    name === 'before' || name === 'after' ? (image ?? undefined) : name,
  )
  return images.some(isImage) && images.every((image) => image === undefined || isImage(image))
}

function isImage(value: unknown): value is Row {
  return typeof value === 'object' && value !== null
}

async function bindImage(
  binder: RowBinder,
  row: Row,
  complete: boolean,
  tx: unknown,
): Promise<readonly Bound[]> {
  const { bind, captures, stable } = binder
  if (typeof bind !== 'function') {
    return [
      new Map(
        captures.flatMap((capture) => {
          const declared = bind !== undefined && Object.hasOwn(bind, capture) ? bind[capture] : undefined
          const column = columnOf(row, capture, declared)
          if (column === undefined || !(complete || stable.has(column) || stable.has(capture))) return []
          const text = automaticText(row[column])
          return text === undefined ? [] : [[capture, text] as const]
        }),
      ),
    ]
  }
  const answer = await bind(row, tx)
  const answers = (Array.isArray(answer) ? answer : [answer]) as readonly Bindings[]
  // Of a row that was written, nothing said is not nothing changed: over-invalidate, never under.
  if (answers.length === 0) return [new Map()]
  return answers.map(
    (bindings) =>
      new Map(
        Object.entries(bindings ?? {}).flatMap(([capture, value]) => {
          if (!complete && !stable.has(capture) && !stable.has(snakeCase(capture))) return []
          const text = parameterText(value)
          const encoded = text === undefined ? undefined : encodeText(text)
          return encoded === undefined || encoded.length > LONGEST_PARAMETER
            ? []
            : [[capture, encoded] as const]
        }),
      ),
  )
}

/** The column that binds a capture: the one declared, else the one of its name, in camelCase or snake_case. */
function columnOf(row: Row, capture: string, declared: string | undefined): string | undefined {
  if (declared !== undefined) return Object.hasOwn(row, declared) ? declared : undefined
  if (Object.hasOwn(row, capture)) return capture
  const snake = snakeCase(capture)
  return Object.hasOwn(row, snake) ? snake : undefined
}

/** A name in camelCase as databases write it. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

const INTEGER = /^(?:0|-?[1-9]\d*)$/
const DATE_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:/

/**
 * A column's value in the encoding of keys, or undefined where the key may spell it otherwise: a database may return
 * a number as `'7.00'`, pad a text with spaces, or give a time where the key has a date.
 */
function automaticText(value: unknown): string | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? String(value === 0 ? 0 : value) : undefined
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string' || value !== value.trim() || DATE_TIME.test(value)) return undefined
  if (value !== '' && !INTEGER.test(value) && Number.isFinite(Number(value))) return undefined
  const encoded = encodeText(value)
  return encoded.length > LONGEST_PARAMETER ? undefined : encoded
}
