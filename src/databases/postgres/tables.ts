import type { Row } from '../../core/change.ts'
import catalogue from './catalogue.sql'
import hasWritten from './has-written.sql'
import lockedTables from './locked-tables.sql'
import namedTables from './named-tables.sql'
import { type SendSql, withoutHeader } from './session.ts'
import type { TableName } from './statement-cursor.ts'
import { readTokens } from './tokens.ts'

const CATALOGUE = withoutHeader(catalogue)
const HAS_WRITTEN = withoutHeader(hasWritten)
const LOCKED_TABLES = withoutHeader(lockedTables)
const NAMED_TABLES = withoutHeader(namedTables)
const BETWEEN_NAMES = '\u001f'
/** More tables than this are not remembered: temporary ones get a new oid each time. */
const MOST_REMEMBERED = 10_000

/** A table, and how far a write of it reaches. */
export interface Table {
  readonly oid: string
  /** The names that its readers know it by: its own, or its partition root's; with those of its parents. */
  readonly names: readonly string[]
  /** It keeps rows, its own or its partitions': no view, and nothing that another server keeps. */
  readonly stored: boolean
  /** The same, and it has no partitions, parents or children. */
  readonly plain: boolean
  readonly temporary: boolean
  /** It has triggers, rules or defaults that may do anything. */
  readonly opaque: boolean
  /** What its triggers run at, as bits of `pg_trigger.tgtype`; undefined where rules or defaults make it opaque. */
  readonly firesOn: number | undefined
  /** One of its triggers may wait for the COMMIT. */
  readonly deferred: boolean
  /** The oids of the tables that its foreign keys change when a row is deleted, or its key updated. */
  readonly onDelete: readonly string[]
  readonly onUpdate: readonly string[]
  readonly columns: readonly string[]
  readonly generated: readonly string[]
}

type Learned = Omit<Table, 'oid' | 'names'> & {
  readonly partition: boolean
  readonly ancestors: readonly string[]
  /** What it was learned under; another value means that it may have changed. */
  readonly related: string
}

/**
 * What one bound database has learned of its tables. Learned once for each; with every answer it is compared with
 * what now depends on the table, so that a trigger or foreign key added meanwhile is noticed.
 */
export class Tables {
  readonly #learned = new Map<string, Learned>()

  /** Whether the transaction may have written. Rejects if it can no longer commit. */
  async wrote(send: SendSql): Promise<boolean> {
    const [row] = await send(HAS_WRITTEN)
    return row?.wrote !== false
  }

  /** What names mean; undefined where there is no such table. As {@link wrote} besides. */
  async named(
    send: SendSql,
    names: readonly TableName[],
  ): Promise<{ readonly wrote: boolean; readonly find: (name: TableName) => Table | undefined }> {
    const texts = [...new Set(names.map(written))].filter((name) => !name.includes(BETWEEN_NAMES))
    const rows = await send(NAMED_TABLES, [texts.join(BETWEEN_NAMES)])
    const known = await this.#read(send, rows)
    const tables = new Map(rows.map((row, at) => [texts[at], known.get(row.oid)] as const))
    return { wrote: rows.some((row) => row.wrote !== false), find: (name) => tables.get(written(name)) }
  }

  /** What the transaction has locked as a writer does, by oid. */
  async locked(send: SendSql): Promise<ReadonlyMap<string, Table>> {
    return this.#read(send, await send(LOCKED_TABLES))
  }

  /** Learns a table anew next time. */
  forget(oid: string): void {
    this.#learned.delete(oid)
  }

  async #read(send: SendSql, rows: readonly Row[]): Promise<ReadonlyMap<string, Table>> {
    const found = rows.filter((row) => row.oid !== null)
    // What lies above a partition may change without a trace at it.
    const missing = found.filter(
      (row) => row.parents !== '{}' || this.#learned.get(row.oid)?.related !== related(row),
    )
    if (missing.length > 0) await this.#learn(send, missing)
    return new Map(found.map((row) => [row.oid, this.#table(row)] as const))
  }

  async #learn(send: SendSql, missing: readonly Row[]): Promise<void> {
    if (this.#learned.size > MOST_REMEMBERED) this.#learned.clear()
    const rows = new Map(
      (await send(CATALOGUE, [missing.map((row) => row.oid).join(',')])).map(
        (row) => [row.oid, row] as const,
      ),
    )
    for (const seen of missing) {
      const row = rows.get(seen.oid)
      if (row === undefined) continue
      const triggers = oids(row.fires_on).reduce((bits, type) => bits | Number(type), 0)
      this.#learned.set(seen.oid, {
        related: related(seen),
        stored: row.stored === true,
        plain: row.plain === true,
        partition: row.partition === true,
        temporary: row.temporary === true,
        opaque: row.opaque !== false || triggers !== 0,
        firesOn: row.opaque === false ? triggers : undefined,
        deferred: row.deferred !== false,
        onDelete: oids(row.on_delete),
        onUpdate: oids(row.on_update),
        ancestors: JSON.parse(row.ancestors).map(unquoted),
        columns: JSON.parse(row.columns),
        generated: JSON.parse(row.generated),
      })
    }
  }

  #table(row: Row): Table {
    const shown = unquoted(row.shown)
    const learned = this.#learned.get(row.oid)
    if (learned === undefined) {
      // Dropped meanwhile, or made after the transaction's snapshot: nothing is known, so anything is possible.
      return { ...UNKNOWN, oid: row.oid, names: /^\d+$/.test(shown) ? [] : [shown] }
    }
    const { ancestors, partition } = learned
    return {
      ...learned,
      oid: row.oid,
      names: partition && ancestors.length > 0 ? ancestors : [shown, ...ancestors],
    }
  }
}

const UNKNOWN: Omit<Table, 'oid' | 'names'> = {
  stored: false,
  plain: false,
  temporary: false,
  opaque: true,
  firesOn: undefined,
  deferred: false,
  onDelete: [],
  onUpdate: [],
  columns: [],
  generated: [],
}

/** A name as SQL writes it. */
function written({ schema, name }: TableName): string {
  const quoted = (part: string) => `"${part.replaceAll('"', '""')}"`
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

/** A name as the map writes it: without quotes, with a dot after its schema. */
export function unquoted(name: string): string {
  const tokens = readTokens(name).statements[0] ?? []
  return tokens.flatMap(({ kind, value }) => (kind === 'symbol' ? [] : [value])).join('.') || name
}

function related(row: Row): string {
  return oids(row.related).sort().join(',')
}

function oids(array: string): string[] {
  return array === '{}' ? [] : array.slice(1, -1).split(',')
}
