import type { Operation } from '../../core/change.ts'
import { callsAreHarmless, isSymbol, isWord } from './functions.ts'
import type { Token } from './tokens.ts'

/** A table as a statement names it. */
export interface TableName {
  readonly schema: string | undefined
  readonly name: string
}

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

const VERBS = ['insert', 'update', 'delete', 'merge', 'truncate']

/** Words that stand for a value in a list of results, and so are no columns. */
const NO_COLUMNS =
  /^(?:all|analy[sz]e|and|any|array|case|cast|collate|current_\w+|default|distinct|end|false|from|in|into|localtime|localtimestamp|not|null|old|new|only|or|select|session_user|some|system_user|true|user|using|when|where|with)$/

/** Reads a statement as a plain write; undefined where it is none, or none that is understood in full. */
export function readPlainWrite(tokens: readonly Token[]): PlainWrite | undefined {
  const depths = depthsOf(tokens)
  if (depths === undefined) return undefined
  const verb = tokens.findIndex((token, at) => depths[at] === 0 && token.kind === 'word' && VERBS.includes(token.value))
  if (verb < 0 || (verb > 0 && !isWord(tokens[0], 'with'))) return undefined
  const word = tokens[verb]?.value
  // A data-modifying WITH, or a locking clause below: FOR UPDATE writes nothing.
  const stray = tokens.some(
    (token, at) => at !== verb && token.kind === 'word' && isStray(tokens, at, word as string, depths[at] as number, verb),
  )
  if (stray) return undefined
  const read = new Clauses(tokens, depths, verb)
  const found =
    word === 'insert'
      ? read.insert()
      : word === 'update'
        ? read.update()
        : word === 'delete'
          ? read.delete()
          : word === 'merge'
            ? read.merge()
            : read.truncate()
  return found !== undefined && callsAreHarmless(tokens, read.noCalls) ? found : undefined
}

/** Whether a word below the verb makes the statement write something else too. */
function isStray(tokens: readonly Token[], at: number, word: string, depth: number, verb: number): boolean {
  const { value } = tokens[at] as Token
  if (value === 'into') return !(at === verb + 1 && (word === 'insert' || word === 'merge'))
  if (!VERBS.includes(value)) return false
  if (isLocking(tokens, at)) return false
  if (depth > 0) return true
  return word !== 'merge' && !(word === 'insert' && value === 'update' && isWord(tokens[at - 1], 'do'))
}

/** Whether an UPDATE at this place belongs to FOR UPDATE or FOR NO KEY UPDATE. */
export function isLocking(tokens: readonly Token[], at: number): boolean {
  if (!isWord(tokens[at], 'update')) return false
  return isWord(tokens[at - 1], 'for') || (isWord(tokens[at - 1], 'key') && isWord(tokens[at - 2], 'no') && isWord(tokens[at - 3], 'for'))
}

/** How deep in parentheses and brackets each token lies; undefined where they do not match. */
function depthsOf(tokens: readonly Token[]): readonly number[] | undefined {
  let depth = 0
  const depths = tokens.map((token) => {
    if (token.kind !== 'symbol') return depth
    if (token.value === '(' || token.value === '[') return depth++
    if (token.value === ')' || token.value === ']') return --depth
    return depth
  })
  return depth === 0 && depths.every((one) => one >= 0) ? depths : undefined
}

/** Goes through the clauses of one statement. Each reader gives undefined for what it does not understand. */
class Clauses {
  /** Where parentheses stand that follow a name and are no calls. */
  readonly noCalls: number[] = []
  readonly #tokens: readonly Token[]
  readonly #depths: readonly number[]
  #at: number

  constructor(tokens: readonly Token[], depths: readonly number[], verb: number) {
    this.#tokens = tokens
    this.#depths = depths
    this.#at = verb + 1
  }

  insert(): PlainWrite | undefined {
    if (!this.#take('into')) return undefined
    const table = this.#name()
    if (table === undefined) return undefined
    const alias = this.#take('as') ? this.#identifier() : undefined
    if (isSymbol(this.#tokens[this.#at], '(')) this.noCalls.push(this.#at)
    const action = this.#find(['do'], this.#at)
    const returning = this.#returning(table, alias)
    if (action < 0) return { kind: 'write', table, operation: 'insert', set: [], returning }
    const target = this.#conflict(action)
    if (target === undefined) return undefined
    if (isSymbol(this.#tokens[target + 1], '(')) this.noCalls.push(target + 1)
    if (isWord(this.#tokens[action + 1], 'nothing')) return { kind: 'write', table, operation: 'insert', set: [], returning }
    if (!isWord(this.#tokens[action + 1], 'update') || !isWord(this.#tokens[action + 2], 'set')) return undefined
    const set = this.#assigned(action + 3)
    return set && { kind: 'write', table, operation: 'upsert', set, returning }
  }

  update(): PlainWrite | undefined {
    this.#take('only')
    const table = this.#name()
    if (table === undefined) return undefined
    this.#star()
    const alias = this.#alias(['set'])
    if (!this.#take('set')) return undefined
    const set = this.#assigned(this.#at)
    const joined = this.#find(['from'], this.#at) >= 0
    return set && { kind: 'write', table, operation: 'update', set, returning: joined ? undefined : this.#returning(table, alias) }
  }

  delete(): PlainWrite | undefined {
    if (!this.#take('from')) return undefined
    this.#take('only')
    const table = this.#name()
    if (table === undefined) return undefined
    this.#star()
    const alias = this.#alias(['using', 'where', 'returning'])
    const joined = this.#find(['using'], this.#at) >= 0
    return { kind: 'write', table, operation: 'delete', set: [], returning: joined ? undefined : this.#returning(table, alias) }
  }

  merge(): PlainWrite | undefined {
    if (!this.#take('into')) return undefined
    this.#take('only')
    const table = this.#name()
    if (table === undefined) return undefined
    // INSERT (a, b) of a WHEN clause.
    for (const [at, token] of this.#tokens.entries()) if (isWord(token, 'insert')) this.noCalls.push(at + 1)
    return { kind: 'write', table, operation: undefined, set: [], returning: undefined }
  }

  truncate(): PlainWrite | undefined {
    this.#take('table')
    this.#take('only')
    const table = this.#name()
    if (table === undefined) return undefined
    this.#star()
    const rest = this.#tokens.slice(this.#at).map(({ value }) => value)
    const plain = /^(?:(?:restart|continue) identity)?(?: ?restrict)?$/.test(rest.join(' '))
    return plain ? { kind: 'write', table, operation: 'truncate', set: [], returning: undefined } : undefined
  }

  /** A name, with its schema or without. */
  #name(): TableName | undefined {
    const first = this.#identifier()
    if (first === undefined || !isSymbol(this.#tokens[this.#at], '.')) return first === undefined ? undefined : { schema: undefined, name: first }
    this.#at++
    const name = this.#identifier()
    return name === undefined || isSymbol(this.#tokens[this.#at], '.') ? undefined : { schema: first, name }
  }

  #identifier(): string | undefined {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' && token?.kind !== 'name') return undefined
    this.#at++
    return token.value
  }

  #alias(next: readonly string[]): string | undefined {
    if (this.#take('as')) return this.#identifier()
    const token = this.#tokens[this.#at]
    return token?.kind === 'word' && next.includes(token.value) ? undefined : this.#identifier()
  }

  #take(word: string): boolean {
    if (!isWord(this.#tokens[this.#at], word)) return false
    this.#at++
    return true
  }

  #star(): void {
    if (isSymbol(this.#tokens[this.#at], '*')) this.#at++
  }

  /** Where the first of these words stands from here on, outside parentheses; FROM not as in IS DISTINCT FROM. */
  #find(words: readonly string[], from: number): number {
    return this.#tokens.findIndex(
      (token, at) =>
        at >= from &&
        this.#depths[at] === 0 &&
        token.kind === 'word' &&
        words.includes(token.value) &&
        !(token.value === 'from' && isWord(this.#tokens[at - 1], 'distinct')),
    )
  }

  /** Where the CONFLICT stands that this DO belongs to. */
  #conflict(action: number): number | undefined {
    for (let at = action - 1; at > 0; at--) {
      if (this.#depths[at] === 0 && isWord(this.#tokens[at], 'conflict') && isWord(this.#tokens[at - 1], 'on')) return at
    }
    return undefined
  }

  /** The columns assigned in a SET clause that begins here. */
  #assigned(from: number): readonly string[] | undefined {
    const end = this.#find(['from', 'where', 'returning'], from)
    const columns: string[] = []
    if (isSymbol(this.#tokens[from], '(')) this.noCalls.push(from)
    for (const [first, last] of this.#items(from, end < 0 ? this.#tokens.length : end, 0)) {
      if (isSymbol(this.#tokens[first], '(')) {
        const close = this.#depths.indexOf(0, first + 1)
        if (!isSymbol(this.#tokens[close], ')') || !isSymbol(this.#tokens[close + 1], '=')) return undefined
        for (const [inner] of this.#items(first + 1, close, 1)) {
          const column = this.#column(inner)
          if (column === undefined) return undefined
          columns.push(column)
        }
        continue
      }
      const column = this.#column(first)
      const after = this.#tokens[first + 1]
      if (column === undefined || first + 1 >= last || !['=', '.', '['].some((one) => isSymbol(after, one))) return undefined
      columns.push(column)
    }
    return columns.length === 0 ? undefined : columns
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

  /** What the RETURNING clause gives, if it is the table's own columns under their own names. */
  #returning(table: TableName, alias: string | undefined): PlainWrite['returning'] {
    const clause = this.#find(['returning'], this.#at)
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
}
