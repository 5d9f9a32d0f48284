/** What is used of Prisma's own description of a model. */
export interface PrismaModel {
  /** Its table. */
  readonly dbName: string
  readonly schema?: string | null
  readonly fields: readonly {
    readonly name: string
    readonly kind: string
    readonly dbName?: string | null
  }[]
}

/** An operation, as an extension of the client is told it. */
export interface PrismaOperation {
  readonly model?: string | undefined
  readonly operation: string
  readonly args: unknown
}

/** A statement that does what an operation does, and how the operation's result is read as its rows. */
export interface Described {
  readonly sql: string
  /** The columns that the result has, by their fields; undefined where its rows say nothing. */
  readonly columns?: ReadonlyMap<string, string>
}

const READING = /^(?:find|count$|aggregate$|groupBy$)/
const INSERTING = /^create/
const UPDATING = /^update/
const DELETING = /^delete/
/** These return every row that they wrote. */
const RETURNING = ['create', 'createManyAndReturn', 'update', 'updateManyAndReturn', 'delete']

/**
 * A statement that stands for an operation on a model: what it writes, as far as that is certain. Undefined where it
 * may write anything, as one with nested writes, or one whose relations Prisma may look after itself.
 */
export function statementOf({ operation, args }: PrismaOperation, model: PrismaModel): Described | undefined {
  if (READING.test(operation)) return { sql: 'SELECT 1' }
  if (model.fields.some(({ kind }) => kind === 'object')) {
    const insertsAlone = INSERTING.test(operation) && plainData(args, model) !== undefined
    if (!insertsAlone) return undefined
  }
  const table = tableOf(model)
  const returning = RETURNING.includes(operation) ? ' RETURNING *' : ''
  const columns = returning === '' ? undefined : scalarsOf(model)
  const told = (sql: string): Described => (columns === undefined ? { sql } : { sql, columns })
  if (INSERTING.test(operation)) return told(`INSERT INTO ${table} VALUES (1)${returning}`)
  if (DELETING.test(operation)) return told(`DELETE FROM ${table}${returning}`)
  const set = UPDATING.test(operation) ? plainData(args, model) : undefined
  if (set === undefined) return undefined
  // Of no columns: the rows are given all the same.
  const assigned = set.length > 0 ? set : [...scalarsOf(model).values()]
  return told(
    `UPDATE ${table} SET ${assigned.map((column) => `${quoted(column)} = 1`).join(', ')}${returning}`,
  )
}

/** The columns that the data of an operation names; undefined where it has more than columns. */
function plainData(args: unknown, model: PrismaModel): readonly string[] | undefined {
  const { data } = (args ?? {}) as { data?: object | readonly object[] }
  const scalars = scalarsOf(model)
  const names = new Set([data ?? {}].flat().flatMap((one) => Object.keys(one)))
  const columns = [...names].map((name) => scalars.get(name))
  return columns.some((column) => column === undefined) ? undefined : (columns as string[])
}

function scalarsOf({ fields }: PrismaModel): ReadonlyMap<string, string> {
  return new Map(
    fields
      .filter(({ kind }) => kind === 'scalar' || kind === 'enum')
      .map(({ name, dbName }) => [name, dbName ?? name] as const),
  )
}

function tableOf({ dbName, schema }: PrismaModel): string {
  const table = quoted(dbName)
  return schema ? `${quoted(schema)}.${table}` : table
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
