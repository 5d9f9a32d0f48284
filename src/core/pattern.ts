import { canonical } from './encoding.ts'
import { CacheError, show } from './errors.ts'

/** In how many ways one key may match one pattern before the map is refused. */
export const MOST_WAYS = 8
const MOST_STARS = 8

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'star' | 'capture'; readonly text: string }

const SHAPE = /\{([^{}]*)\}|\*+|[^{}*]+/g
const NAME = /^(?!__proto__$)[A-Za-z_$][\w$]*$/
const ESCAPE = /%(?:[0-9A-F]{2}|u[0-9A-F]{4}|_)/g
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

  /**
   * @param escaped Whether its literal text may hold what keys escape values with, such as `%20`.
   * @throws CacheError `INVALID_PATTERN` naming the entry `what`.
   */
  constructor(text: string, what: string, escaped = false) {
    const refuse = (problem: string): never => {
      throw new CacheError('INVALID_PATTERN', `${what}: the pattern ${show(text)} ${problem}.`)
    }
    if (typeof text !== 'string' || text === '') {
      const whole = typeof text === 'object' && text !== null
      refuse(
        `is ${text === '' ? 'empty' : whole ? 'an object' : 'no text'}; write text such as 'capacity:{entityId}:*'${whole ? ', or one key family, not several' : ''}`,
      )
    }
    const unusable = UNUSABLE.exec(escaped ? text.replace(ESCAPE, '') : text)?.[0]
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
    return this.captures.length === 0 ? globMatches(this.#tokens, key) : this.#reaches(key)(0, 0)
  }

  /**
   * Every way in which the key matches, as the captured segments in the one spelling that rows are encoded in.
   * No match: an empty list. A pattern without captures that matches: one empty tuple.
   *
   * @throws CacheError `INVALID_PATTERN` where there are more than eight ways.
   */
  match(key: string): readonly (readonly string[])[] {
    if (this.captures.length === 0) return globMatches(this.#tokens, key) ? [[]] : []
    const [first] = this.#tokens
    return first?.kind === 'text' && !key.startsWith(first.text) ? [] : this.#ways(key)
  }

  /**
   * Answers whether the tokens from `index` on match the key from `at` on. Made token by token from the last to the
   * first, each in one pass from the key's end: searched from the front, the ways to share a segment out among several
   * captures would be as many as the square of its length, and keys hold what users type.
   */
  #reaches(key: string): (index: number, at: number) => boolean {
    const [first] = this.#tokens
    if (first?.kind === 'text' && !key.startsWith(first.text)) return () => false
    const reached: Uint8Array[] = []
    reached[this.#tokens.length] = new Uint8Array(key.length + 1).fill(1, key.length)
    for (let index = this.#tokens.length - 1; index >= 0; index--)
      reached[index] = this.#startsOf(index, key, reached[index + 1] as Uint8Array)
    return (index, at) => reached[index]?.[at] === 1
  }

  /** From where on a token and all after it match, given from where on those after it do. */
  #startsOf(index: number, key: string, after: Uint8Array): Uint8Array {
    const token = this.#tokens[index] as Token
    const starts = new Uint8Array(key.length + 1)
    if (token.kind === 'text') {
      for (let at = key.indexOf(token.text); at >= 0; at = key.indexOf(token.text, at + 1))
        starts[at] = after[at + token.text.length] as number
      return starts
    }
    const insideSegment = token.kind === 'capture' && endsInsideSegment(this.#tokens[index + 1])
    for (let at = key.length; at >= 0; at--) {
      const next = starts[at + 1] ?? 0
      if (token.kind === 'star') starts[at] = after[at] === 1 && this.#starEndsAt(index, key, at) ? 1 : next
      else if (at === key.length || key[at] === ':') starts[at] = 0
      else if (at + 1 === key.length || key[at + 1] === ':') starts[at] = after[at + 1] as number
      else starts[at] = insideSegment && after[at + 1] === 1 ? 1 : next
    }
    return starts
  }

  /** A capture begins where a segment does, so that is where a star before it ends. */
  #starEndsAt(index: number, key: string, end: number): boolean {
    return this.#tokens[index + 1]?.kind !== 'capture' || end === 0 || key[end - 1] === ':'
  }

  #ways(key: string): (readonly string[])[] {
    const reaches = this.#reaches(key)
    const found = new Map<string, readonly string[]>()
    // Many ways of splitting the key between stars come to the same captures: what lies behind each is walked once.
    const walked = new Map<string, number>()
    const walk = (index: number, at: number, bound: readonly string[]): void => {
      if (!reaches(index, at)) return
      const token = this.#tokens[index]
      const run = bound.join(':')
      if (token === undefined) {
        found.set(run, bound.map(canonical))
        if (found.size > MOST_WAYS) this.#refuseWays(key)
      } else if (token.kind === 'text') {
        walk(index + 1, at + token.text.length, bound)
      } else if (token.kind === 'capture') {
        for (const end of captureEnds(this.#tokens[index + 1], key, at))
          walk(index + 1, end, [...bound, key.slice(at, end)])
      } else {
        const place = `${index} ${run}`
        const until = walked.get(place) ?? key.length + 1
        if (at < until) walked.set(place, at)
        for (let end = at; end < until; end++)
          if (this.#starEndsAt(index, key, end)) walk(index + 1, end, bound)
      }
    }
    walk(0, 0, [])
    return [...found.values()]
  }

  #refuseWays(key: string): never {
    throw new CacheError(
      'INVALID_PATTERN',
      `The pattern ${show(this.text)} matches the key ${show(key)} in more than ${MOST_WAYS} ways. Put literal text between * and {captures}, so that it is clear which segment is captured.`,
      { key },
    )
  }
}

/** Whether a capture may end before its segment does: before a suffix. */
function endsInsideSegment(next: Token | undefined): boolean {
  return next?.kind === 'text' && !next.text.startsWith(':')
}

/** Where a capture that starts at `at` may end: at the segment's end, or before a suffix inside the segment. */
function captureEnds(next: Token | undefined, key: string, at: number): readonly number[] {
  const colon = key.indexOf(':', at)
  const end = colon < 0 ? key.length : colon
  if (end === at) return []
  if (next?.kind !== 'text' || !endsInsideSegment(next)) return [end]
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
