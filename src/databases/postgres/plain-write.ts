import type { Operation } from '../../core/change.ts'
import { callsAreHarmless, isSymbol, isWord } from './functions.ts'
import { depthsOf, StatementCursor, type TableName } from './statement-cursor.ts'
import type { Token } from './tokens.ts'

/** A statement that writes one named table, and calls nothing that could write another. */
export interface PlainWrite {
  readonly kind: 'write'
  readonly table: TableName
  /** Undefined for MERGE, which may do anything. */
  readonly operation: Operation | undefined
  /** The columns that it assigns to rows which exist. */
  readonly set: readonly string[]
  /** Which of the table's columns the result has, if it has nothing else; undefined where that is not certain. */
  readonly returning: 'all' | readonly string[] | undefined
}

/** What a reader found, and where parentheses stand that follow a name and are no calls. */
type Found = Partial<Pick<PlainWrite, 'operation' | 'set' | 'returning'>> & {
  readonly table: TableName
  readonly noCalls?: readonly number[]
}

const READERS: Readonly<
  Record<string, (cursor: StatementCursor, tokens: readonly Token[]) => Found | undefined>
> = {
  insert: readInsert,
  update: readUpdate,
  delete: readDelete,
  merge: readMerge,
  truncate: readTruncate,
}

/** Reads a statement as a plain write; undefined where it is none, or none that is understood in full. */
export function readPlainWrite(tokens: readonly Token[]): PlainWrite | undefined {
  const depths = depthsOf(tokens)
  if (depths === undefined) return undefined
  const verb = tokens.findIndex((token, at) => depths[at] === 0 && isVerb(token))
  const word = tokens[verb]?.value
  if (word === undefined || (verb > 0 && !isWord(tokens[0], 'with'))) return undefined
  if (tokens.some((token, at) => at !== verb && isStray(tokens, at, verb, depths[at] === 0, token)))
    return undefined
  const found = READERS[word]?.(new StatementCursor(tokens, depths, verb + 1), tokens)
  if (found === undefined || !callsAreHarmless(tokens, found.noCalls)) return undefined
  const { table, operation, set = [], returning } = found
  return { kind: 'write', table, operation, set, returning }
}

function isVerb({ kind, value }: Token): boolean {
  return kind === 'word' && Object.hasOwn(READERS, value)
}

/** Whether a word besides the verb makes the statement write something else too: a data-modifying WITH, above all. */
function isStray(
  tokens: readonly Token[],
  at: number,
  verb: number,
  outside: boolean,
  token: Token,
): boolean {
  const word = tokens[verb]?.value
  if (isWord(token, 'into')) return at !== verb + 1 || !(word === 'insert' || word === 'merge')
  if (!isVerb(token) || isLocking(tokens, at)) return false
  if (!outside) return true
  return word !== 'merge' && !(word === 'insert' && token.value === 'update' && isWord(tokens[at - 1], 'do'))
}

/** Whether an UPDATE at this place belongs to FOR UPDATE or FOR NO KEY UPDATE, which write nothing. */
export function isLocking(tokens: readonly Token[], at: number): boolean {
  if (!isWord(tokens[at], 'update')) return false
  if (isWord(tokens[at - 1], 'for')) return true
  return isWord(tokens[at - 1], 'key') && isWord(tokens[at - 2], 'no') && isWord(tokens[at - 3], 'for')
}

function readInsert(cursor: StatementCursor, tokens: readonly Token[]): Found | undefined {
  const table = cursor.take('into') ? cursor.name() : undefined
  if (table === undefined) return undefined
  const alias = cursor.take('as') ? cursor.identifier() : undefined
  const columns = cursor.at
  const returning = cursor.returning(table, alias)
  const action = cursor.find(['do'])
  if (action < 0) return { table, operation: 'insert', returning, noCalls: [columns] }
  const target = cursor.conflict(action)
  if (target === undefined) return undefined
  const noCalls = [columns, target + 1, action + 3]
  if (isWord(tokens[action + 1], 'nothing')) return { table, operation: 'insert', returning, noCalls }
  if (!isWord(tokens[action + 1], 'update') || !isWord(tokens[action + 2], 'set')) return undefined
  cursor.at = action + 3
  const set = cursor.assigned()
  return set && { table, operation: 'upsert', set, returning, noCalls }
}

function readUpdate(cursor: StatementCursor): Found | undefined {
  cursor.take('only')
  const table = cursor.name()
  if (table === undefined) return undefined
  const alias = cursor.alias(['set'])
  if (!cursor.take('set')) return undefined
  const set = cursor.assigned()
  const joined = cursor.find(['from']) >= 0
  const returning = joined ? undefined : cursor.returning(table, alias)
  return set && { table, operation: 'update', set, returning, noCalls: [cursor.at] }
}

function readDelete(cursor: StatementCursor): Found | undefined {
  if (!cursor.take('from')) return undefined
  cursor.take('only')
  const table = cursor.name()
  if (table === undefined) return undefined
  const alias = cursor.alias(['using', 'where', 'returning'])
  const joined = cursor.find(['using']) >= 0
  return { table, operation: 'delete', returning: joined ? undefined : cursor.returning(table, alias) }
}

function readMerge(cursor: StatementCursor, tokens: readonly Token[]): Found | undefined {
  if (!cursor.take('into')) return undefined
  cursor.take('only')
  const table = cursor.name()
  // THEN INSERT (a, b)
  const noCalls = tokens.flatMap((token, at) =>
    isWord(token, 'insert') && isWord(tokens[at - 1], 'then') ? [at + 1] : [],
  )
  return table && { table, noCalls }
}

function readTruncate(cursor: StatementCursor, tokens: readonly Token[]): Found | undefined {
  cursor.take('table')
  cursor.take('only')
  const table = cursor.name()
  if (table === undefined) return undefined
  if (isSymbol(cursor.token(), '*')) cursor.at++
  const rest = tokens.slice(cursor.at).map(({ value }) => value)
  return /^(?:(?:restart|continue) identity)?(?: ?restrict)?$/.test(rest.join(' '))
    ? { table, operation: 'truncate' }
    : undefined
}
