/** A piece of SQL text that means something. */
export interface Token {
  /** `'word'` is unquoted: a keyword or a name, in lower case. `'name'` is a quoted identifier, without its quotes. */
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'parameter' | 'symbol'
  /** Empty for text, numbers and parameters. */
  readonly value: string
  /** The beginning of a plain text. */
  readonly content?: string
}

/** What was read of a text of SQL. */
export interface Tokens {
  /** One list for each statement that is not empty. */
  readonly statements: readonly (readonly Token[])[]
  /**
   * Whether the server may see other tokens than these, or refuses the text: an unterminated quote or comment, an
   * escape that depends on the server's settings, a number that runs into a word.
   */
  readonly doubtful: boolean
}

const SPACE = /[ \t\n\r\f\v]+/y
const LINE_COMMENT = /--[^\n\r]*/y
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMERIC = /\.?\d[\w.\u0080-\uffff]*/y
const EXPONENT = /[+-]\d[\w.\u0080-\uffff]*/y
const NUMBER = /^(?:\d+(?:_\d+)*\.?|(?:\d+(?:_\d+)*)?\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?$|^0[xX][\da-fA-F_]+$/
const ORDINAL = /\$\d+/y
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y

const PLAIN_NUMBER: Token = { kind: 'number', value: '' }
const PARAMETER: Token = { kind: 'parameter', value: '' }
const TEXT: Token = { kind: 'text', value: '' }
const LONGEST_CONTENT = 64

/**
 * Splits SQL for PostgreSQL into statements and tokens, as the server's own scanner does. Comments, nested ones too,
 * are left out; what is inside quotes, dollar quotes included, is one token. Reading ends where it becomes doubtful.
 */
export function readTokens(sql: string): Tokens {
  const statements: Token[][] = []
  let tokens: Token[] = []
  let at = 0
  /** Moves on past the expression where it matches here. */
  const take = (expression: RegExp): string | undefined => {
    expression.lastIndex = at
    const match = expression.exec(sql)
    if (match === null) return undefined
    at = expression.lastIndex
    return match[0]
  }
  const doubt = { statements, doubtful: true }
  if (sql.includes('\0')) return doubt
  while (at < sql.length) {
    if (take(SPACE) !== undefined || take(LINE_COMMENT) !== undefined) continue
    const first = sql.charAt(at)
    if (first === '/' && sql.charAt(at + 1) === '*') {
      at = commentEnd(sql, at)
      if (at < 0) return doubt
    } else if (first === ';') {
      if (tokens.length > 0) statements.push(tokens)
      tokens = []
      at++
    } else if (first === "'" || first === '"') {
      const start = at
      at = quoteEnd(sql, start)
      if (at < 0) return doubt
      if (first === '"') {
        tokens.push({ kind: 'name', value: sql.slice(start + 1, at - 1).replaceAll('""', '"') })
        continue
      }
      const content = sql.slice(start + 1, at - 1)
      // The quote after a backslash ends no text without standard_conforming_strings, nor where this one, on a
      // further line, continues one with escapes.
      if (content.endsWith('\\') || content.includes("\\'")) return doubt
      tokens.push({ kind: 'text', value: '', content: content.slice(0, LONGEST_CONTENT) })
    } else if (first === '$' && take(ORDINAL) !== undefined) {
      tokens.push(PARAMETER)
    } else if (first === '$') {
      const tag = take(DOLLAR_TAG)
      const end = tag === undefined ? -1 : sql.indexOf(tag, at)
      if (tag === undefined || end < 0) return doubt
      at = end + tag.length
      tokens.push(TEXT)
    } else {
      const number = take(NUMERIC)
      if (number !== undefined) {
        const exponent = /[eE]$/.test(number) ? (take(EXPONENT) ?? '') : ''
        if (!NUMBER.test(number + exponent)) return doubt
        tokens.push(PLAIN_NUMBER)
        continue
      }
      const word = take(WORD)
      if (word === undefined) {
        tokens.push({ kind: 'symbol', value: first })
        at++
        continue
      }
      const next = sql.charAt(at)
      if (next === "'" && (word === 'e' || word === 'E')) {
        at = escapedEnd(sql, at)
        if (at < 0) return doubt
        tokens.push(TEXT)
        continue
      }
      if (next === '&' && (word === 'u' || word === 'U') && /['"]/.test(sql.charAt(at + 1))) return doubt
      tokens.push({ kind: 'word', value: lowered(word) })
    }
  }
  if (tokens.length > 0) statements.push(tokens)
  return { statements, doubtful: false }
}

/** Where a comment ends that begins at `start`; -1 where it does not. Comments nest. */
function commentEnd(sql: string, start: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = start + 2
  for (let depth = 1; depth > 0; ) {
    const match = mark.exec(sql)
    if (match === null) return -1
    depth += match[0] === '/*' ? 1 : -1
  }
  return mark.lastIndex
}

/** Where a quote ends that begins at `start`, and in which only itself, doubled, is special; -1 where it does not. */
function quoteEnd(sql: string, start: number): number {
  const quote = sql.charAt(start)
  for (let at = sql.indexOf(quote, start + 1); at >= 0; at = sql.indexOf(quote, at + 2)) {
    if (sql.charAt(at + 1) !== quote) return at + 1
  }
  return -1
}

/** The same for a text in which a backslash escapes. */
function escapedEnd(sql: string, start: number): number {
  for (let at = start + 1; at < sql.length; at++) {
    const next = sql.charAt(at)
    if (next === '\\') at++
    else if (next === "'") {
      if (sql.charAt(at + 1) !== "'") return at + 1
      at++
    }
  }
  return -1
}

/** The server folds ASCII letters only. */
function lowered(word: string): string {
  return /[A-Z]/.test(word) ? word.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : word
}
