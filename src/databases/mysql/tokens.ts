/** A piece of SQL text that means something. */
export interface MysqlToken {
  /**
   * `'word'` is unquoted: a keyword, a name or a number. `'name'` stands in backticks. `'text'` stands in quotes; in
   * double ones it is a name to servers with ANSI_QUOTES.
   */
  readonly kind: 'word' | 'name' | 'text' | 'symbol'
  /** As it is written, without quotes. */
  readonly value: string
}

/** What was read of a text of SQL. */
export interface MysqlTokens {
  /** One list for each statement that is not empty. */
  readonly statements: readonly (readonly MysqlToken[])[]
  /** Whether some servers run what is a comment to others, or a quote or comment has no end. */
  readonly doubtful: boolean
}

const SPACE = /\s+|#[^\n]*|--(?=\s|$)[^\n]*/y
const RUN_COMMENT = /\/\*M?!\d*/y
const WORD = /[\w$@\u0080-\uffff]+/y
const QUOTES = '`\'"'

/**
 * Splits SQL for MySQL or MariaDB into statements and tokens. Comments are left out, but for those that the server runs,
 * whose content counts; what is inside quotes is one token. A backslash escapes, as it does by default.
 */
export function mysqlTokens(sql: string): MysqlTokens {
  const statements: MysqlToken[][] = []
  let tokens: MysqlToken[] = []
  let doubtful = false
  let at = 0
  const take = (expression: RegExp): string | undefined => {
    expression.lastIndex = at
    const match = expression.exec(sql)
    if (match !== null) at = expression.lastIndex
    return match?.[0]
  }
  const end = () => {
    if (tokens.length > 0) statements.push(tokens)
    tokens = []
  }
  while (at < sql.length) {
    if (take(SPACE) !== undefined) continue
    const first = sql.charAt(at)
    if (take(RUN_COMMENT) !== undefined) doubtful = true
    else if (sql.startsWith('/*', at)) {
      const close = sql.indexOf('*/', at + 2)
      doubtful ||= close < 0
      at = close < 0 ? sql.length : close + 2
    } else if (doubtful && sql.startsWith('*/', at)) at += 2
    else if (first === ';') {
      end()
      at++
    } else if (QUOTES.includes(first)) {
      const close = quoteEnd(sql, at, first)
      doubtful ||= close < 0
      const inner = sql.slice(at + 1, close < 0 ? undefined : close - 1)
      tokens.push({
        kind: first === '`' ? 'name' : 'text',
        value: first === "'" ? '' : inner.replaceAll(first + first, first),
      })
      at = close < 0 ? sql.length : close
    } else {
      const word = take(WORD)
      tokens.push(word === undefined ? { kind: 'symbol', value: first } : { kind: 'word', value: word })
      if (word === undefined) at++
    }
  }
  end()
  return { statements, doubtful }
}

/** Where a quote ends that begins at `start`; -1 where it does not. */
function quoteEnd(sql: string, start: number, quote: string): number {
  for (let at = start + 1; at < sql.length; at++) {
    const next = sql.charAt(at)
    if (next === '\\' && quote !== '`') at++
    else if (next === quote) {
      if (sql.charAt(at + 1) !== quote) return at + 1
      at++
    }
  }
  return -1
}
