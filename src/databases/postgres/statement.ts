import { callsAreHarmless, isHarmlessSetting, isSymbol, isWord } from './functions.ts'
import { isLocking, type PlainWrite, readPlainWrite } from './plain-write.ts'
import { readTokens, type Token } from './tokens.ts'

/**
 * What a statement does, as far as its text tells.
 *
 * - `'read'`: it certainly writes no table.
 * - `'write'`: it writes the one table that it names.
 * - `'opaque'`: it may write anything.
 * - `'control'`: it begins or ends a transaction, which is for the bound database to do.
 * - `'alone'`: it cannot run in a transaction, and changes no rows.
 */
export type Statement =
  | { readonly kind: 'read' }
  | PlainWrite
  | { readonly kind: 'opaque' }
  | { readonly kind: 'control'; readonly word: string }
  | { readonly kind: 'alone' }

const READ: Statement = { kind: 'read' }
const OPAQUE: Statement = { kind: 'opaque' }
const ALONE: Statement = { kind: 'alone' }

const CONTROL = ['begin', 'start', 'commit', 'end', 'rollback', 'abort']
const SUSPECT = /\b(?:begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b/i
/** None of these writes a table. SAVEPOINT and its kind only make the notes of a transaction too many. */
const HARMLESS = ['show', 'savepoint', 'release', 'listen', 'unlisten', 'notify', 'lock', 'checkpoint']
const WRITING = ['insert', 'update', 'delete', 'merge', 'into']

/**
 * Reads a text of SQL for PostgreSQL. Never throws; what is not understood with certainty is `'opaque'`, and where
 * the server may see other statements than this does, the whole text is.
 */
export function readStatements(sql: string): readonly Statement[] {
  const { statements, doubtful } = readTokens(sql)
  if (!doubtful) return statements.map(readStatement)
  const first = statements[0]
  const control = first === undefined ? undefined : readControl(first)
  if (control !== undefined) return [control]
  const suspect = SUSPECT.exec(sql)
  return sql.includes(';') && suspect !== null
    ? [{ kind: 'control', word: suspect[0].toUpperCase() }]
    : [OPAQUE]
}

function readStatement(tokens: readonly Token[]): Statement {
  const control = readControl(tokens)
  if (control !== undefined) return control
  const word = firstWord(tokens)
  switch (word) {
    case 'select':
    case 'values':
    case 'table':
      return readsOnly(tokens) ? READ : OPAQUE
    case 'with':
      return readsOnly(tokens) ? READ : (readPlainWrite(tokens) ?? OPAQUE)
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
    case 'truncate':
      return readPlainWrite(tokens) ?? OPAQUE
    case 'explain':
      return tokens.some((token) => isWord(token, 'analyze') || isWord(token, 'analyse')) ? OPAQUE : READ
    case 'set':
      return setsHarmlessly(tokens) ? READ : OPAQUE
    case 'rollback':
      return READ
    case 'vacuum':
      return ALONE
    case 'create':
    case 'drop':
    case 'reindex': {
      const outside = ['database', 'tablespace', 'subscription']
      if (tokens.slice(1, 2).some((token) => outside.some((what) => isWord(token, what)))) return ALONE
      const indexes = tokens.slice(1, 3).some((token) => isWord(token, 'index')) || word === 'reindex'
      return indexes && tokens.some((token) => isWord(token, 'concurrently')) ? ALONE : OPAQUE
    }
    case 'alter':
      return isWord(tokens[1], 'system') ? ALONE : OPAQUE
    default:
      return word !== undefined && HARMLESS.includes(word) ? READ : OPAQUE
  }
}

/** BEGIN, COMMIT and their kind; not ROLLBACK TO a savepoint. */
function readControl(tokens: readonly Token[]): Statement | undefined {
  const [first, second, third] = tokens
  if (first?.kind !== 'word') return undefined
  if (first.value === 'prepare') {
    return isWord(second, 'transaction') ? { kind: 'control', word: 'PREPARE TRANSACTION' } : undefined
  }
  if (!CONTROL.includes(first.value)) return undefined
  const back = first.value === 'rollback'
  const past = isWord(second, 'work') || isWord(second, 'transaction') ? third : second
  return back && isWord(past, 'to') ? undefined : { kind: 'control', word: first.value.toUpperCase() }
}

/** The word that a query begins with, past its opening parentheses. */
function firstWord(tokens: readonly Token[]): string | undefined {
  const token = tokens.find((one) => !isSymbol(one, '('))
  return token?.kind === 'word' ? token.value : undefined
}

function readsOnly(tokens: readonly Token[]): boolean {
  const writes = tokens.some(
    (token, at) => token.kind === 'word' && WRITING.includes(token.value) && !isLocking(tokens, at),
  )
  return !writes && callsAreHarmless(tokens)
}

function setsHarmlessly(tokens: readonly Token[]): boolean {
  const at = isWord(tokens[1], 'local') || isWord(tokens[1], 'session') ? 2 : 1
  const name = tokens[at]
  if (name?.kind !== 'word') return false
  if (name.value === 'transaction' || name.value === 'constraints' || name.value === 'characteristics')
    return true
  if (name.value === 'time' && isWord(tokens[at + 1], 'zone')) return true
  const rest = isSymbol(tokens[at + 1], '.') ? `.${tokens[at + 2]?.value}` : ''
  return isHarmlessSetting(name.value + rest)
}
