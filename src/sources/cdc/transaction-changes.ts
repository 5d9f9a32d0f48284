import type { InvalidateRequest, Operation, Row, RowChange } from '../../core/change.ts'
import { unreadable } from './byte-reader.ts'
import type { Message, Relation, Tuple } from './pgoutput.ts'

/** Beyond this the whole table counts as changed. */
const MOST_ROWS = 1_000

/** How values are read and tables are named. */
export interface Reading {
  /** Reads a type's text as the client does; throws or gives undefined where it cannot. */
  readonly parse: (type: number, text: string) => unknown
  /** The names that the map may know a table by. */
  readonly names: (schema: string, table: string) => readonly string[]
}

type Rows = Map<Operation, RowChange[]>

/** What the transactions of one connection change, message by message. */
export class TransactionChanges {
  readonly #reading: Reading
  readonly #relations = new Map<number, Relation>()
  #tables = new Map<string, Rows | 'whole'>()

  constructor(reading: Reading) {
    this.#reading = reading
  }

  /** @throws CacheError `REPLICATION_MESSAGE` for a row of a table that was never told of */
  add(message: Message): void {
    switch (message.kind) {
      case 'relation':
        this.#relations.set(message.relation.id, message.relation)
        return
      case 'insert': {
        const relation = this.#relation(message.relation)
        this.#note(relation, 'insert', this.#row(relation, message.after))
        return
      }
      case 'update': {
        const relation = this.#relation(message.relation)
        const after = this.#row(relation, message.after)
        // Without an old row its key is what it was: only a key that has changed is sent.
        const before =
          message.before === undefined
            ? this.#row(relation, message.after, true)
            : this.#row(relation, message.before.tuple, !message.before.whole)
        this.#note(relation, 'update', { before, after })
        return
      }
      case 'delete': {
        const relation = this.#relation(message.relation)
        const { whole, tuple } = message.before
        this.#note(relation, 'delete', this.#row(relation, tuple, !whole))
        return
      }
      case 'truncate':
        for (const id of message.relations) this.#whole(this.#relation(id))
        return
      default:
    }
  }

  /** All that has been gathered, which begins anew. */
  take(): readonly InvalidateRequest[] {
    const tables = this.#tables
    this.#tables = new Map()
    return [...tables].flatMap(([table, rows]): InvalidateRequest[] =>
      rows === 'whole'
        ? [{ table }]
        : [...rows].map(([operation, some]) => ({ table, operation, rows: some })),
    )
  }

  #relation(id: number): Relation {
    const relation = this.#relations.get(id)
    if (relation === undefined) throw unreadable(`a row of table ${id}, which was never told of`)
    return relation
  }

  #note({ schema, name }: Relation, operation: Operation, row: RowChange): void {
    for (const table of this.#reading.names(schema, name)) {
      const known = this.#tables.get(table) ?? new Map<Operation, RowChange[]>()
      if (known === 'whole') continue
      this.#tables.set(table, known)
      const rows = known.get(operation) ?? []
      known.set(operation, rows)
      rows.push(row)
      if (rows.length > MOST_ROWS) this.#tables.set(table, 'whole')
    }
  }

  #whole({ schema, name }: Relation): void {
    for (const table of this.#reading.names(schema, name)) this.#tables.set(table, 'whole')
  }

  /** A row as the client would give it, or its key alone. What cannot be read is left out, and so binds nothing. */
  #row({ columns }: Relation, tuple: Tuple, keyAlone = false): Row {
    const row: Record<string, unknown> = {}
    for (const [at, { name, key, type }] of columns.entries()) {
      const text = tuple[at]
      if (text === undefined || (keyAlone && !key)) continue
      const value = text === null ? null : this.#value(type, text)
      if (value !== undefined)
        Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
    }
    return row
  }

  #value(type: number, text: string): unknown {
    try {
      return this.#reading.parse(type, text)
    } catch {
      return undefined
    }
  }
}
