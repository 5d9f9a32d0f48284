import { isSymbol, isWord } from './functions.ts'
import type { Token } from './tokens.ts'

/** A table as a statement names it. */
export interface TableName {
  readonly schema: string | undefined
  readonly name: string
}

/** Words that stand for a value in a list of results, and so are no columns. */
const NO_COLUMNS =
  /^(?:all|analy[sz]e|and|any|array|case|cast|collate|current_\w+|default|distinct|end|false|from|in|into|localtime|localtimestamp|not|null|old|new|only|or|select|session_user|some|system_user|true|user|using|when|where|with)$/

/** How deep in parentheses and brackets each token lies; undefined where they do not match. */
export function depthsOf(tokens: readonly Token[]): readonly number[] | undefined {
  let depth = 0
  const depths = tokens.map((token) => {
    if (token.kind !== 'symbol') return depth
    if (token.value === '(' || token.value === '[') return depth++
    if (token.value === ')' || token.value === ']') return --depth
    return depth
  })
  return depth === 0 && depths.every((one) => one >= 0) ? depths : undefined
}

/** Goes through one statement, clause by clause. Gives undefined for what it does not understand. */
export class StatementCursor {
  at: number
  readonly #tokens: readonly Token[]
  readonly #depths: readonly number[]

  constructor(tokens: readonly Token[], depths: readonly number[], at: number) {
    this.#tokens = tokens
    this.#depths = depths
    this.at = at
  }

  /** The token so many places further on. */
  token(offset = 0): Token | undefined {
    return this.#tokens[this.at + offset]
  }

  /** Moves past a word if it stands here. */
  take(word: string): boolean {
    if (!isWord(this.token(), word)) return false
    this.at++
    return true
  }

  /** Moves past a name, with its schema or without. */
  name(): TableName | undefined {
    const first = this.identifier()
    if (first === undefined || !isSymbol(this.token(), '.')) {
      return first === undefined ? undefined : { schema: undefined, name: first }
    }
    this.at++
    const name = this.identifier()
    return name === undefined || isSymbol(this.token(), '.') ? undefined : { schema: first, name }
  }

  identifier(): string | undefined {
    const identifier = this.#column(this.at)
    if (identifier !== undefined) this.at++
    return identifier
  }

  /** Moves past the star and the alias that may follow a table's name, unless one of the words `next` does. */
  alias(next: readonly string[]): string | undefined {
    if (isSymbol(this.token(), '*')) this.at++
    if (this.take('as')) return this.identifier()
    const token = this.token()
    return token?.kind === 'word' && next.includes(token.value) ? undefined : this.identifier()
  }

  /**
   * Where the first of these words stands from here on, outside parentheses; -1 where none does. FROM not as in
   * IS DISTINCT FROM.
   */
  find(words: readonly string[], from = this.at): number {
    return this.#tokens.findIndex(
      (token, at) =>
        at >= from &&
        this.#depths[at] === 0 &&
        token.kind === 'word' &&
        words.includes(token.value) &&
        !(token.value === 'from' && isWord(this.#tokens[at - 1], 'distinct')),
    )
  }

  /** Where the CONFLICT stands that the DO at `action` belongs to. */
  conflict(action: number): number | undefined {
    for (let at = action - 1; at > 0; at--) {
      const here = this.#depths[at] === 0 && isWord(this.#tokens[at], 'conflict')
      if (here && isWord(this.#tokens[at - 1], 'on')) return at
    }
    return undefined
  }

  /** The columns assigned in a SET clause that begins here. */
  assigned(): readonly string[] | undefined {
    const end = this.find(['from', 'where', 'returning'])
    const columns: (string | undefined)[] = []
    for (const [first, last] of this.#items(this.at, end < 0 ? this.#tokens.length : end, 0)) {
      if (isSymbol(this.#tokens[first], '(')) {
        const close = this.#depths.indexOf(0, first + 1)
        if (!isSymbol(this.#tokens[close], ')') || !isSymbol(this.#tokens[close + 1], '=')) return undefined
        for (const [inner] of this.#items(first + 1, close, 1)) columns.push(this.#column(inner))
      } else {
        const after = this.#tokens[first + 1]
        if (first + 1 >= last || !['=', '.', '['].some((one) => isSymbol(after, one))) return undefined
        columns.push(this.#column(first))
      }
    }
    const known = columns.filter((column) => column !== undefined)
    return known.length === 0 || known.length < columns.length ? undefined : known
  }

  /** What the RETURNING clause gives, if it is the table's own columns under their own names. */
  returning(table: TableName, alias: string | undefined): 'all' | readonly string[] | undefined {
    const clause = this.find(['returning'])
    if (clause < 0) return undefined
    const columns: string[] = []
    let all = false
    for (const [first, end] of this.#items(clause + 1, this.#tokens.length, 0)) {
      const qualified = isSymbol(this.#tokens[first + 1], '.')
      if (qualified && this.#column(first) !== (alias ?? table.name)) return undefined
      const at = qualified ? first + 2 : first
      if (at + 1 !== end) return undefined
      const token = this.#tokens[at]
      if (isSymbol(token, '*')) {
        all = true
        continue
      }
      const column = this.#column(at)
      if (column === undefined || (token?.kind === 'word' && NO_COLUMNS.test(column))) return undefined
      columns.push(column)
    }
    return all ? 'all' : columns
  }

  #column(at: number): string | undefined {
    const token = this.#tokens[at]
    return token?.kind === 'word' || token?.kind === 'name' ? token.value : undefined
  }

  /** Where the items begin and end of a list between commas. */
  #items(from: number, to: number, depth: number): [first: number, end: number][] {
    const items: [number, number][] = []
    let first = from
    for (let at = from; at <= to; at++) {
      if (at < to && !(this.#depths[at] === depth && isSymbol(this.#tokens[at], ','))) continue
      items.push([first, at])
      first = at + 1
    }
    return items
  }
}
