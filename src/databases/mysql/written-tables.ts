import type { MysqlToken } from './tokens.ts'

/** A table that a statement names, and what it calls it. */
interface Named {
  /** As the map writes it: without quotes, with a dot after its database. */
  readonly table: string
  readonly alias: string
}

const MODIFIERS = ['low_priority', 'delayed', 'high_priority', 'ignore', 'quick', 'history', 'into']
const AFTER_TABLES = [
  'set',
  'where',
  'order',
  'limit',
  'returning',
  'using',
  'values',
  'value',
  'select',
  'from',
]
const NO_ALIASES = [
  ...AFTER_TABLES,
  ...['join', 'inner', 'cross', 'left', 'right', 'natural', 'straight_join', 'on', 'use', 'force', 'ignore'],
  ...['partition', 'for'],
]

/**
 * The tables that one INSERT, REPLACE, UPDATE, DELETE or LOAD writes, as far as it names them; undefined for another
 * statement, and where it was not understood. Of joined tables those that it certainly only reads are left out.
 */
export function writtenTables(tokens: readonly MysqlToken[]): readonly string[] | undefined {
  const names = new TableNames(tokens)
  const found = names.read()
  return found.length === 0 ? undefined : [...new Set(found)]
}

/** Whether a token is this word, unquoted. */
export function isWord(token: MysqlToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.value.toLowerCase())
}

/** Whether a token is this symbol. */
export function isSymbol(token: MysqlToken | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.value === symbol
}

/** Goes through one statement. */
class TableNames {
  readonly #tokens: readonly MysqlToken[]
  #at = 0

  constructor(tokens: readonly MysqlToken[]) {
    this.#tokens = tokens
  }

  read(): readonly string[] {
    if (this.#take('with')) this.#skipTo('update', 'delete', 'insert', 'replace', 'select', 'values', 'table')
    if (this.#take('insert') || this.#take('replace')) return this.#inserted()
    if (this.#take('update')) return this.#updated()
    if (this.#take('delete')) return this.#deleted()
    if (!this.#take('load')) return []
    this.#skipTo('table')
    return this.#take('table') ? this.#inserted() : []
  }

  #inserted(): readonly string[] {
    this.#skipModifiers()
    const table = this.#name()
    return table === undefined ? [] : [table]
  }

  #updated(): readonly string[] {
    this.#skipModifiers()
    const tables = this.#references()
    const assigned = this.#take('set') ? this.#assigned() : undefined
    return assigned === undefined ? tables.map(({ table }) => table) : meant(assigned, tables)
  }

  #deleted(): readonly string[] {
    this.#skipModifiers()
    if (!this.#take('from')) {
      const targets = this.#references()
      return this.#take('from') ? meant(namesOf(targets), this.#references()) : namesOf(targets)
    }
    const targets = this.#references()
    return this.#take('using') ? meant(namesOf(targets), this.#references()) : namesOf(targets)
  }

  /** The tables up to the next clause, those in parentheses too, and not what subqueries read. */
  #references(): readonly Named[] {
    const found: Named[] = []
    let expected = true
    for (; this.#at < this.#tokens.length; ) {
      const token = this.#tokens[this.#at]
      if (isWord(token, ...AFTER_TABLES) && !(isWord(token, 'using') && isSymbol(this.#token(1), '('))) break
      if (isSymbol(token, '(')) {
        if (expected && !isWord(this.#token(1), 'select', 'with', 'values', 'table')) this.#at++
        else {
          this.#skipParentheses()
          expected = false
        }
        continue
      }
      const table = expected ? this.#name() : undefined
      if (table !== undefined) {
        found.push({ table, alias: this.#alias() ?? table })
        expected = false
        continue
      }
      const joins = isWord(token, 'join', 'straight_join') && !isWord(this.#token(-1), 'for')
      expected = joins || isSymbol(token, ',')
      this.#at++
    }
    return found
  }

  /** The tables that the columns of a SET clause say they are of; undefined where one says nothing. */
  #assigned(): readonly string[] | undefined {
    const tables: string[] = []
    for (let more = true; more; ) {
      const column = this.#name()
      const dot = column?.lastIndexOf('.') ?? -1
      if (column === undefined || dot < 0) return undefined
      tables.push(column.slice(0, dot))
      more = false
      for (; this.#at < this.#tokens.length && !more; ) {
        if (isSymbol(this.#token(), '(')) this.#skipParentheses()
        else if (isWord(this.#token(), 'where', 'order', 'limit', 'returning')) return tables
        else more = isSymbol(this.#tokens[this.#at++], ',')
      }
    }
    return tables
  }

  /** Moves past a name, with its database or without, and the star after it. */
  #name(): string | undefined {
    const parts: string[] = []
    do {
      const token = this.#token()
      const fits = token?.kind === 'word' || token?.kind === 'name' || (token?.kind === 'text' && token.value)
      if (!fits || token === undefined) return undefined
      parts.push(token.value)
      this.#at++
    } while (isSymbol(this.#token(), '.') && !isSymbol(this.#token(1), '*') && ++this.#at)
    if (isSymbol(this.#token(), '.')) this.#at += 2
    return parts.join('.')
  }

  #alias(): string | undefined {
    if (this.#take('as')) return this.#name()
    const token = this.#token()
    return token?.kind === 'symbol' || isWord(token, ...NO_ALIASES) ? undefined : this.#name()
  }

  #token(offset = 0): MysqlToken | undefined {
    return this.#tokens[this.#at + offset]
  }

  #take(word: string): boolean {
    const here = isWord(this.#token(), word)
    if (here) this.#at++
    return here
  }

  #skipModifiers(): void {
    while (isWord(this.#token(), ...MODIFIERS)) this.#at++
  }

  #skipTo(...words: readonly string[]): void {
    while (this.#at < this.#tokens.length && !isWord(this.#token(), ...words)) {
      if (isSymbol(this.#token(), '(')) this.#skipParentheses()
      else this.#at++
    }
  }

  #skipParentheses(): void {
    let depth = 0
    do {
      if (isSymbol(this.#token(), '(')) depth++
      if (isSymbol(this.#token(), ')')) depth--
      this.#at++
    } while (depth > 0 && this.#at < this.#tokens.length)
  }
}

function namesOf(tables: readonly Named[]): readonly string[] {
  return tables.map(({ table }) => table)
}

/** The tables that names stand for, each perhaps an alias. */
function meant(names: readonly string[], tables: readonly Named[]): readonly string[] {
  const ends = (table: string, name: string) => table === name || table.endsWith(`.${name}`)
  return names.flatMap((name) => {
    const found = tables.filter(
      ({ table, alias }) => alias === name || ends(table, name) || ends(name, alias),
    )
    return found.length === 0 ? [name] : namesOf(found)
  })
}
