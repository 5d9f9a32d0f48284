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
/** What can neither open a quote or comment nor end a statement. */
const PLAIN = /[^`'"#;*/-]+/y
const IN_TEXT = /['\\]/g
const IN_DOUBLE = /["\\]/g
const IN_NAME = /`/g
/** What an INSERT writes stands further ahead; its rows may be millions of tokens. */
const INSERT_HEAD = 32

/**
 * Splits SQL for MySQL or MariaDB into statements and tokens. Comments are left out, but for those that the server runs,
 * whose content counts; what is inside quotes is one token. A backslash escapes, as it does by default. Of an INSERT or
 * REPLACE only the head is given.
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
  /** Whether the rest of the statement need only be passed by. */
  let skimming = false
  const push = (token: MysqlToken) => {
    if (!skimming) tokens.push(token)
    skimming = tokens.length >= INSERT_HEAD && /^(?:insert|replace)$/i.test(tokens[0]?.value ?? '')
  }
  const end = () => {
    if (tokens.length > 0) statements.push(tokens)
    tokens = []
    skimming = false
  }
  while (at < sql.length) {
    if ((skimming && take(PLAIN) !== undefined) || take(SPACE) !== undefined) continue
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
      if (!skimming) {
        const inner = first === "'" ? '' : sql.slice(at + 1, close < 0 ? undefined : close - 1)
        push({ kind: first === '`' ? 'name' : 'text', value: inner.replaceAll(first + first, first) })
      }
      at = close < 0 ? sql.length : close
    } else {
      const word = take(WORD)
      push(word === undefined ? { kind: 'symbol', value: first } : { kind: 'word', value: word })
      if (word === undefined) at++
    }
  }
  end()
  return { statements, doubtful }
}

/** Where a quote ends that begins at `start`; -1 where it does not. */
function quoteEnd(sql: string, start: number, quote: string): number {
  const special = quote === "'" ? IN_TEXT : quote === '"' ? IN_DOUBLE : IN_NAME
  for (let at = start + 1; ; ) {
    special.lastIndex = at
    if (!special.test(sql)) return -1
    at = special.lastIndex
    if (sql.charAt(at - 1) === quote && sql.charAt(at) !== quote) return at
    // What is escaped, or the second of two quotes.
    at++
  }
}
