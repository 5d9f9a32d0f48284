import type { Row } from '../../core/change.ts'
import { CacheError, show } from '../../core/errors.ts'
import type { Journal, OpenJournal } from '../../core/journal.ts'
import { checkChoice } from '../../core/options.ts'
import type { Work } from '../adapter.ts'
import type { PlainWrite } from './plain-write.ts'
import { readStatements, type Statement } from './statement.ts'
import { Tables } from './tables.ts'

/** How writes that nobody declared are found. */
export type DetectWrites = 'auto' | 'locks' | 'declared'

/** What can be said about the transactions of any client of PostgreSQL. */
export interface PostgresOptions {
  /**
   * How writes that nobody declared are found. `'auto'`: by reading statements, and by the transaction's locks where
   * that is not enough. `'locks'`: by the locks of every transaction that wrote; their cost grows with all the locks on
   * the server. `'declared'`: by reading statements alone; what a function, trigger or cascade writes is then for
   * `write()`. @default 'auto'
   */
  readonly detectWrites?: DetectWrites | undefined
  /**
   * Records in the transaction what it makes void, for a relay to see to if this process dies between COMMIT and
   * invalidation: from `defineJournal` of `coherent-cache/journal`. @default none
   */
  readonly journal?: Journal | undefined
}

/** A statement that was not certainly a read. */
export interface StatementNote {
  /** Undefined where it may have written anything. */
  write: PlainWrite | undefined
  /** The rows of its RETURNING clause, once they have come. */
  rows: readonly unknown[] | undefined
  /** The rows that it wrote, by the columns that are certain, where the client says so. */
  told?: readonly Row[]
}

const DETECT_WRITES: readonly DetectWrites[] = ['auto', 'locks', 'declared']
const LONGEST_REMEMBERED = 4_096
const MOST_REMEMBERED = 1_000

/** What one bound PostgreSQL database keeps. */
export class PostgresKnowledge {
  readonly tables = new Tables()
  readonly detectWrites: DetectWrites
  readonly journal: OpenJournal | undefined
  readonly #statements = new Map<string, readonly Statement[]>()

  /**
   * @param ask Sends a statement without parameters through another connection.
   * @param what Begins messages.
   * @throws CacheError `INVALID_OPTION`
   */
  constructor(
    { detectWrites = 'auto', journal }: PostgresOptions,
    ask: (text: string) => Promise<unknown>,
    what: string,
  ) {
    this.detectWrites = checkChoice(detectWrites, DETECT_WRITES, `${what}: detectWrites`)
    if (journal !== undefined && journal?.dialect !== 'postgresql') {
      throw new CacheError(
        'INVALID_OPTION',
        `${what}: journal: ${show(journal)} is no journal on PostgreSQL. Pass what defineJournal gave.`,
      )
    }
    this.journal = journal?.open(ask)
  }

  /**
   * What has the journal's triggers leave a transaction alone; undefined where they must not, because writes that nobody
   * declared are not looked for.
   */
  get mark(): string | undefined {
    return this.detectWrites === 'declared' ? undefined : this.journal?.mark
  }

  /**
   * What a text of SQL does.
   *
   * @throws CacheError `UNSUPPORTED` for one that begins or ends a transaction: nobody would know that it had ended.
   */
  statements(sql: string): readonly Statement[] {
    let statements = this.#statements.get(sql)
    if (statements === undefined) {
      statements = readStatements(sql)
      if (this.#statements.size >= MOST_REMEMBERED) this.#statements.clear()
      if (sql.length <= LONGEST_REMEMBERED) this.#statements.set(sql, statements)
    }
    for (const statement of statements) {
      if (statement.kind !== 'control') continue
      throw new CacheError(
        'UNSUPPORTED',
        `${statement.word} in a statement: a bound database begins and ends its transactions itself. Use db.transaction(…), tx.rollback() and tx.transaction(…); a script of migrations runs on the client itself.`,
      )
    }
    return statements
  }
}

/** A transaction on PostgreSQL, as its adapter sees it. */
export type PostgresWork = Work<PostgresKnowledge, StatementNote>

/** Stands for a statement of which nothing is known, such as one that is called by its name alone. */
export const OPAQUE_SQL = 'opaque()'

/**
 * Called with the rows that a single statement gave, once they have come. `columns` names those of the result whose
 * values are such as keys are made of. @default all of them
 */
export type Answered = (rows: readonly unknown[] | undefined, columns?: readonly string[]) => void

/**
 * Notes what a statement writes, before it is sent.
 *
 * @throws CacheError `UNSUPPORTED` for one that begins or ends a transaction, `UNIT_CLOSED` after its end
 */
export function notice(work: PostgresWork, sql: string): Answered {
  const statements = work.state.statements(sql)
  const notes = statements.flatMap((statement): StatementNote[] =>
    statement.kind === 'read'
      ? []
      : [{ write: statement.kind === 'write' ? statement : undefined, rows: undefined }],
  )
  work.issue(notes.length === 0 ? 'read' : 'write')
  for (const note of notes) {
    // The same again: a transaction of many statements keeps few notes.
    const last = work.notes.at(-1)
    const same = last !== undefined && last.write === note.write && last.told === undefined
    if (!same || note.write?.returning !== undefined) work.note(note)
  }
  const [only] = notes
  return (rows, columns) => {
    if (only?.write?.returning === undefined || statements.length !== 1) return
    if (columns !== undefined) only.write = { ...only.write, returning: columns }
    only.rows = rows
  }
}

/** Sends a statement inside a transaction and notes what it writes; `rowsOf` gives the rows of a single statement. */
export async function observed<R>(
  work: PostgresWork,
  sql: string,
  send: () => Promise<R>,
  rowsOf: (result: R) => readonly unknown[] | undefined,
): Promise<R> {
  const answered = notice(work, sql)
  const result = await send()
  answered(rowsOf(result))
  return result
}
