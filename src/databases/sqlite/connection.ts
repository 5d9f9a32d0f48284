import type { Row } from '../../core/change.ts'
import type { Table } from '../postgres/tables.ts'
import { type Effects, effectsOf } from './effects.ts'

/** What is used of a statement of better-sqlite3 or node:sqlite. */
export interface SqliteStatementLike {
  // biome-ignore lint/suspicious/noExplicitAny: parameters and results are the client's own
  run(...parameters: any[]): any
  // biome-ignore lint/suspicious/noExplicitAny: parameters and results are the client's own
  get(...parameters: any[]): any
  // biome-ignore lint/suspicious/noExplicitAny: parameters and results are the client's own
  all(...parameters: any[]): any
}

/** What is used of a database of better-sqlite3 or node:sqlite. */
export interface SqliteLike {
  prepare(sql: string): SqliteStatementLike
  exec(sql: string): unknown
}

/** What a table's rows can be told by. */
export type Columns = Pick<Table, 'columns' | 'generated' | 'stored'>

/** Those who wait for a connection. */
interface Queue {
  last: Promise<unknown>
}

/** Where a client has its queue: one for all that is bound over it, to other caches and by other copies of this package too. */
const QUEUE: unique symbol = Symbol.for('coherent-cache.sqlite-queue')

function queueOf(client: SqliteLike & { readonly [QUEUE]?: Queue }): Queue {
  if (client[QUEUE] === undefined)
    Object.defineProperty(client, QUEUE, { value: { last: Promise.resolve() } satisfies Queue })
  return client[QUEUE] as Queue
}

/** One connection: who may use it, and what its statements do. */
export class SqliteConnection {
  readonly client: SqliteLike
  readonly #queue: Queue

  constructor(client: SqliteLike) {
    this.client = client
    this.#queue = queueOf(client)
  }

  /** Runs `body` when everybody who asked before has ended: one connection is in one transaction at a time. */
  turn<T>(body: () => T | Promise<T>): Promise<T> {
    const result = this.#queue.last.then(body)
    this.#queue.last = result.catch(() => undefined)
    return result
  }

  /** What a statement will do, with these parameters. */
  effects(sql: string, parameters: readonly unknown[]): Effects {
    const listing = this.client.prepare(`EXPLAIN ${sql}`).all(...parameters) as Row[]
    return effectsOf(listing, (database, root) => this.#nameOf(database, root))
  }

  /** Every table that keeps rows, as the map names it. */
  everything(): readonly string[] {
    return this.#databases().flatMap(({ seq, name }) =>
      this.#schema(name, "type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'").map((row) =>
        named(seq, name, row.tbl_name),
      ),
    )
  }

  /** Every view, with the tables that it reads, through other views too. */
  views(): readonly SqliteView[] {
    return this.#objects("type = 'view'").flatMap(({ name, place, sql }) => {
      try {
        return [{ name, sql, tables: this.tablesRead(sql, this.effects(`SELECT * FROM ${place}`, [])) }]
      } catch {
        // It reads something that is gone. No statement can use it.
        return []
      }
    })
  }

  /** The tables that a statement of this text reads. The listing has no name for a virtual one: the text has. */
  tablesRead(sql: string, { reads, virtual }: Effects): readonly string[] {
    const named = reads.flatMap(({ database, page }) => this.#nameOf(database, page) ?? [])
    return [...new Set(virtual ? [...named, ...this.#virtualTables(sql)] : named)]
  }

  /** The virtual tables that a text of SQL mentions, or a view that it mentions. */
  #virtualTables(sql: string): readonly string[] {
    const views = this.#objects("type = 'view'")
    const used = new Set<string>()
    const visit = (text: string): string => {
      const found = views.filter(({ name }) => !used.has(name) && mentions(text, name))
      for (const { name } of found) used.add(name)
      return [text, ...found.map((view) => visit(view.sql))].join(' ')
    }
    const text = visit(sql)
    return this.#objects("type = 'table' AND rootpage = 0")
      .map(({ name }) => name)
      .filter((name) => mentions(text, name))
  }

  /** A table of the main database; undefined where an insert may replace rows, or names are not in lower case. */
  columns(table: string): Columns | undefined {
    const [row] = this.#schema('main', "type = 'table' AND name = ?", table)
    if (typeof row?.sql !== 'string' || /\breplace\b/i.test(row.sql)) return undefined
    const infos = this.client.prepare('SELECT name, hidden FROM pragma_table_xinfo(?)').all(table) as Row[]
    if (infos.some(({ name }) => name !== name.toLowerCase())) return undefined
    return {
      stored: true,
      columns: infos.map(({ name }) => name),
      generated: infos.filter(({ hidden }) => Number(hidden) > 0).map(({ name }) => name),
    }
  }

  /** Whether a transaction is open: SQLite ends one by itself where a statement's error leaves it no choice. */
  get inTransaction(): boolean {
    const { inTransaction, isTransaction } = this.client as {
      inTransaction?: boolean
      isTransaction?: boolean
    }
    const told = inTransaction ?? isTransaction
    if (told !== undefined) return told
    try {
      this.client.exec('BEGIN')
    } catch {
      // There is none inside another.
      return true
    }
    this.client.exec('ROLLBACK')
    return false
  }

  #objects(
    where: string,
  ): readonly { readonly name: string; readonly place: string; readonly sql: string }[] {
    return this.#databases().flatMap(({ seq, name: schema }) =>
      this.#schema(schema, where).map(({ tbl_name: name, sql }) => ({
        name: named(seq, schema, name),
        place: `${quoted(schema)}.${quoted(name)}`,
        sql: String(sql),
      })),
    )
  }

  #nameOf(database: number, root: number): string | undefined {
    const schema = this.#databases().find(({ seq }) => Number(seq) === database)?.name
    if (schema === undefined) return undefined
    const [row] = this.#schema(schema, 'rootpage = ?', root)
    return row === undefined ? undefined : named(database, schema, row.tbl_name)
  }

  /** Attached databases; the temporary one, whose tables nobody else sees, left out. */
  #databases(): Row[] {
    const all = this.client.prepare('SELECT seq, name FROM pragma_database_list').all() as Row[]
    return all.filter(({ seq }) => Number(seq) !== 1)
  }

  #schema(schema: string, where: string, ...parameters: unknown[]): Row[] {
    const table = `${quoted(schema)}.sqlite_schema`
    return this.client
      .prepare(`SELECT tbl_name, sql FROM ${table} WHERE ${where}`)
      .all(...parameters) as Row[]
  }
}

/** A view, as the map names it and its tables. */
export interface SqliteView {
  readonly name: string
  readonly sql: string
  readonly tables: readonly string[]
}

/** Whether a text of SQL has this name in it, whatever it means there. */
export function mentions(sql: string, name: string): boolean {
  const own = name.slice(name.lastIndexOf('.') + 1).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<![\\w$])${own}(?![\\w$])`, 'i').test(sql)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** As the map writes it: without a schema in the main database, with a dot after it otherwise. */
function named(database: unknown, schema: string, table: string): string {
  return Number(database) === 0 ? table : `${schema}.${table}`
}
