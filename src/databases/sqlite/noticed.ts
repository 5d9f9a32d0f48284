import type { Operation, RowChange } from '../../core/change.ts'
import { CacheError } from '../../core/errors.ts'
import type { Work } from '../adapter.ts'
import { returnedRows } from '../postgres/returned-rows.ts'
import { readStatements } from '../postgres/statement.ts'
import type { SqliteConnection, SqliteLike, SqliteStatementLike } from './connection.ts'
import type { Effects } from './effects.ts'

/** A write: of a table in whole, or of these rows. */
export interface SqliteNote {
  readonly table: string
  readonly operation?: Operation
  rows?: readonly RowChange[]
}

export type SqliteWork = Work<SqliteConnection, SqliteNote>

/** What one transaction knows of its statements. */
export type KnownEffects = Map<string, Effects>

const CONTROL = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(begin|commit|end|rollback|savepoint|release)\b/i
/** Methods that run a statement. */
const RUNNING = ['run', 'get', 'all', 'iterate']

/** The client's methods inside a transaction, each statement noticed. */
export function noticing(work: SqliteWork, known: KnownEffects): SqliteLike {
  const { client } = work.state
  return {
    prepare(sql) {
      refuseControl(sql)
      return noticed(client.prepare(sql), (parameters) => announce(work, known, sql, parameters))
    },
    exec(sql) {
      refuseControl(sql)
      work.issue('write')
      assertOpen(work)
      // Several statements cannot be explained before the first has run.
      for (const table of work.state.everything()) work.note({ table })
      known.clear()
      const result = client.exec(sql)
      for (const table of work.state.everything()) work.note({ table })
      return result
    },
  }
}

/** Rejects a transaction that SQLite has ended: what follows would be committed by itself. */
export function assertOpen({ state }: SqliteWork): void {
  if (state.inTransaction) return
  throw new CacheError(
    'SEAL_FAILED',
    'SQLite rolled this transaction back when a statement failed, and the error was caught. What follows would be committed by itself: let the error pass.',
  )
}

type Told = (rows: readonly unknown[]) => void

/** Notes what a statement is going to write; returns what is to be told of its rows. */
function announce(work: SqliteWork, known: KnownEffects, sql: string, parameters: readonly unknown[]): Told {
  const effects = known.get(sql) ?? work.state.effects(sql, parameters)
  known.set(sql, effects)
  work.issue(effects.writes ? 'write' : 'read')
  assertOpen(work)
  if (effects.schema) known.clear()
  const notes = (effects.tables ?? work.state.everything()).map((table): SqliteNote => ({ table }))
  for (const note of notes) work.note(note)
  const [only] = notes
  return (rows) => {
    if (only !== undefined && notes.length === 1 && effects.plain) tell(work, only, sql, rows)
  }
}

/** Tells the rows of a plain statement's RETURNING clause, where SQL for PostgreSQL and for SQLite means the same. */
function tell({ state }: SqliteWork, note: SqliteNote, sql: string, rows: readonly unknown[]): void {
  const [statement, ...more] = readStatements(sql)
  if (statement?.kind !== 'write' || more.length > 0 || /\$\w*\$/.test(sql)) return
  if (statement.table.schema !== undefined || statement.table.name !== note.table) return
  const columns = state.columns(note.table)
  const told = columns && returnedRows(statement, rows, columns)
  if (told === undefined || statement.operation === undefined) return
  Object.assign(note, { operation: statement.operation, rows: told })
}

/** A statement as the client gives it, announced whenever it runs. */
function noticed(
  statement: SqliteStatementLike,
  announceRun: (parameters: readonly unknown[]) => Told,
): SqliteStatementLike {
  let bound: readonly unknown[] = []
  const face: SqliteStatementLike = new Proxy(statement, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...parameters: unknown[]) => {
        if (name === 'bind') bound = parameters
        const told = RUNNING.includes(String(name))
          ? announceRun(parameters.length > 0 ? parameters : bound)
          : undefined
        const result: unknown = Reflect.apply(value, target, parameters)
        // One row alone, or none, may stand for many that were written.
        if (name === 'all' && Array.isArray(result)) told?.(result)
        return result === target ? face : result
      }
    },
  })
  return face
}

function refuseControl(sql: string): void {
  const [, word] = CONTROL.exec(sql) ?? []
  if (word === undefined) return
  throw new CacheError(
    'UNSUPPORTED',
    `${word.toUpperCase()} in a statement: a bound database begins and ends its transactions itself. Use db.transaction(…), tx.rollback() and tx.transaction(…).`,
  )
}
