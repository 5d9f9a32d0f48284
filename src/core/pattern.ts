import { canonical } from './encoding.ts'
import { CacheError, show } from './errors.ts'

/** In how many ways one key may match one pattern before the map is refused. */
export const MOST_WAYS = 8
const MOST_STARS = 8
const MOST_STEPS = 20_000

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'star' | 'capture'; readonly text: string }

const SHAPE = /\{([^{}]*)\}|\*+|[^{}*]+/g
const NAME = /^[A-Za-z_$][\w$]*$/
const UNUSABLE = /[\s?[\]%|\\\p{Cc}\p{Cs}]/u

/**
 * A pattern over keys, compiled once: literal text, `*` for anything, colons included, and `{name}` for one segment
 * whose value is captured. A capture reaches to the next colon or the end, so `metrics:{id}*` with id 1 matches
 * `metrics:1` and `metrics:1:2026` but never `metrics:10`.
 */
export class Pattern {
  /** The pattern as written, runs of stars folded. Two patterns of one text are one pattern. */
  readonly text: string
  /** The names of its captures, in order. */
  readonly captures: readonly string[]
  readonly #tokens: readonly Token[]

  /** @throws CacheError `INVALID_PATTERN` naming the entry `what`. */
  constructor(text: string, what: string) {
    const refuse = (problem: string): never => {
      throw new CacheError('INVALID_PATTERN', `${what}: the pattern ${show(text)} ${problem}.`)
    }
    if (typeof text !== 'string' || text === '')
      refuse("is empty; write text such as 'capacity:{entityId}:*'")
    const unusable = UNUSABLE.exec(text)?.[0]
    if (unusable !== undefined) {
      refuse(`holds ${show(unusable)}, which no key holds; a pattern is literal text, * and {captures}`)
    }
    const pieces = text.match(SHAPE) ?? []
    if (pieces.join('') !== text) refuse('has a brace without its partner')
    this.#tokens = pieces.map((piece) => {
      if (piece.startsWith('*')) return { kind: 'star', text: '*' }
      if (!piece.startsWith('{')) return { kind: 'text', text: piece }
      const name = piece.slice(1, -1)
      if (!NAME.test(name)) refuse(`has the capture name ${show(name)}; a name is a JavaScript identifier`)
      return { kind: 'capture', text: name }
    })
    this.text = this.#tokens
      .map((token) => (token.kind === 'capture' ? `{${token.text}}` : token.text))
      .join('')
    this.captures = this.#tokens.flatMap((token) => (token.kind === 'capture' ? token.text : []))
    if (new Set(this.captures).size < this.captures.length) refuse('names a capture twice')
    if (
      this.#tokens.some((token, at) => token.kind === 'capture' && this.#tokens[at + 1]?.kind === 'capture')
    ) {
      refuse('has two captures with nothing between them')
    }
    if (this.#tokens.filter((token) => token.kind === 'star').length > MOST_STARS) {
      refuse(`has more than ${MOST_STARS} stars`)
    }
  }

  /** Whether the key matches at all. */
  test(key: string): boolean {
    return this.captures.length === 0 ? globMatches(this.#tokens, key) : this.#ways(key, 1).length > 0
  }

  /**
   * Every way in which the key matches, as the captured segments in the one spelling that rows are encoded in.
   * No match: an empty list. A pattern without captures that matches: one empty tuple.
   *
   * @throws CacheError `INVALID_PATTERN` where there are more than eight ways.
   */
  match(key: string): readonly (readonly string[])[] {
    if (this.captures.length === 0) return globMatches(this.#tokens, key) ? [[]] : []
    return this.#ways(key, Number.POSITIVE_INFINITY)
  }

  #ways(key: string, enough: number): (readonly string[])[] {
    const tokens = this.#tokens
    const found = new Map<string, readonly string[]>()
    const bound: string[] = []
    let steps = 0
    const ambiguous = (): never => {
      throw new CacheError(
        'INVALID_PATTERN',
        `The pattern ${show(this.text)} matches the key ${show(key)} in more than ${MOST_WAYS} ways. Put literal text between * and {captures}, so that it is clear which segment is captured.`,
        { key },
      )
    }
    const walk = (index: number, at: number): void => {
      if (++steps > MOST_STEPS) ambiguous()
      const token = tokens[index]
      if (token === undefined) {
        if (at === key.length) found.set(bound.join(':'), bound.map(canonical))
        if (found.size > MOST_WAYS) ambiguous()
        return
      }
      if (token.kind === 'text') {
        if (key.startsWith(token.text, at)) walk(index + 1, at + token.text.length)
        return
      }
      if (token.kind === 'star') {
        const boundary = tokens[index + 1]?.kind === 'capture'
        for (let end = at; end <= key.length && found.size < enough; end++) {
          if (!boundary || end === 0 || key[end - 1] === ':') walk(index + 1, end)
        }
        return
      }
      for (const end of captureEnds(tokens[index + 1], key, at)) {
        bound.push(key.slice(at, end))
        walk(index + 1, end)
        bound.pop()
      }
    }
    walk(0, 0)
    return [...found.values()]
  }
}

/** Where a capture that starts at `at` may end: at the segment's end, or before a suffix inside the segment. */
function captureEnds(next: Token | undefined, key: string, at: number): readonly number[] {
  const colon = key.indexOf(':', at)
  const end = colon < 0 ? key.length : colon
  if (end === at) return []
  if (next?.kind !== 'text' || next.text.startsWith(':')) return [end]
  const ends: number[] = []
  for (let cut = at + 1; cut <= end; cut++) if (key.startsWith(next.text, cut)) ends.push(cut)
  return ends
}

/** Wildcard matching without captures: greedy with one point to fall back to, so never more than length × length. */
function globMatches(tokens: readonly Token[], key: string): boolean {
  let index = 0
  let at = 0
  let star = -1
  let resume = 0
  while (at < key.length || index < tokens.length) {
    const token = tokens[index]
    if (token?.kind === 'star') {
      if (index === tokens.length - 1) return true
      star = index++
      resume = at
    } else if (token !== undefined && key.startsWith(token.text, at)) {
      at += token.text.length
      index++
    } else if (star >= 0 && resume < key.length) {
      at = ++resume
      index = star + 1
    } else {
      return false
    }
  }
  return true
}
