import { canonical } from './encoding.ts'
import type { Pattern } from './pattern.ts'

/** What a piece of a pattern can cover of a text, from a place on. */
interface Matcher {
  /**
   * Where the piece and all after it can be matched from, given where what comes after it can be. One pass from the
   * end: a search from the front would try every way to share a text out among captures.
   */
  starts(after: readonly boolean[]): readonly boolean[]
  /** The furthest place up to which it can go from here, so that what comes after it still matches. */
  end(at: number, after: readonly boolean[]): number
}

const TOKENS = /\{[^{}]*\}|\*|[^{}*]+/g
const OPEN = /\{[^{}]*\}/y
/** One character of a value in the encoding of keys. */
const UNIT = /[A-Za-z0-9_.~@+=,/-]|%(?:[0-9A-F]{2}|u[0-9A-F]{4}|_)/y

/**
 * Where `asked` is a pattern of the map with its first captures filled in, the values filled in, as stamps spell them;
 * undefined for anything else. Every key that `asked` matches then hangs on the pattern's stamp at these values, which
 * is what lets a rotation stand for a sweep.
 *
 * So the two must agree piece by piece: text by text, a star by a star (or by what a family leaves open there), a
 * capture by a value or by a capture. What would match more than the pattern does is none:
 *
 * - a `*` in the place of a capture, since `capacity:7:*` also matches `capacity:7:USD:spot`, which
 *   `capacity:{entityId}:{currency}` does not;
 * - a value beside a star, since `metrics:1*` also matches `metrics:10`, whose capture in `metrics:{id}*` is 10.
 *
 * Takes time in proportion to the length of `asked`, for each piece of the pattern.
 */
export function leadingInstance(pattern: Pattern, asked: string): readonly string[] | undefined {
  const tokens = pattern.text.match(TOKENS) ?? []
  const matchers = tokens.map((token, at) => {
    if (token === '*') return star(asked)
    if (!token.startsWith('{')) return text(token, asked)
    return capture(asked, tokens[at - 1] !== '*', tokens[at + 1] === '*')
  })
  const matched: (readonly boolean[])[] = [nowhereBut(asked.length)]
  for (const matcher of matchers.toReversed()) matched.unshift(matcher.starts(matched[0] as boolean[]))
  if (matched[0]?.[0] !== true) return undefined
  const found: string[] = []
  let at = 0
  for (const [index, matcher] of matchers.entries()) {
    const end = matcher.end(at, matched[index + 1] as boolean[])
    if (tokens[index]?.startsWith('{')) found.push(asked.slice(at, end))
    at = end
  }
  const firstOpen = found.findIndex((piece) => piece.startsWith('{'))
  const run = firstOpen < 0 ? found : found.slice(0, firstOpen)
  return found.slice(run.length).every((piece) => piece.startsWith('{')) ? run.map(canonical) : undefined
}

function nowhereBut(place: number): readonly boolean[] {
  return Array.from({ length: place + 1 }, (_, at) => at === place)
}

/** For each place of the text, from the last to the first, what `judge` says of it. */
function fromTheEnd(asked: string, judge: (at: number) => boolean): boolean[] {
  const places = new Array<boolean>(asked.length + 1).fill(false)
  for (let at = asked.length; at >= 0; at--) places[at] = judge(at)
  return places
}

/** Where the expression ends that begins here; undefined where it does not. */
function endOf(expression: RegExp, asked: string, at: number): number | undefined {
  expression.lastIndex = at
  return expression.test(asked) ? expression.lastIndex : undefined
}

function text(literal: string, asked: string): Matcher {
  return {
    starts: (after) =>
      fromTheEnd(asked, (at) => after[at + literal.length] === true && asked.startsWith(literal, at)),
    end: (at) => at + literal.length,
  }
}

/**
 * A capture of the pattern: another capture, or a value.
 *
 * @param mayBeValue not behind a star, where a value need not be a whole segment
 * @param beforeStar where a value is a whole segment only if an open tail follows, which begins with a colon or is empty
 */
function capture(asked: string, mayBeValue: boolean, beforeStar: boolean): Matcher {
  const isEnd = (end: number, after: readonly boolean[]) =>
    after[end] === true && (!beforeStar || asked[end] === '[')
  return {
    starts(after) {
      const values = new Array<boolean>(asked.length + 1).fill(false)
      return fromTheEnd(asked, (at) => {
        const open = endOf(OPEN, asked, at)
        if (open !== undefined) return after[open] === true
        const next = mayBeValue ? endOf(UNIT, asked, at) : undefined
        const matches = next !== undefined && (isEnd(next, after) || values[next] === true)
        values[at] = matches
        return matches
      })
    },
    end(at, after) {
      let furthest = endOf(OPEN, asked, at)
      if (furthest !== undefined) return furthest
      for (let next = endOf(UNIT, asked, at); next !== undefined; next = endOf(UNIT, asked, next))
        if (isEnd(next, after)) furthest = next
      return furthest ?? at
    },
  }
}

/** A star of the pattern covers another star, or what a family leaves open: whole segments, its tail. */
function star(asked: string): Matcher {
  const closes = (at: number, after: readonly boolean[]) => asked[at] === ']' && after[at + 1] === true
  return {
    starts(after) {
      let closed = false
      const segments = new Array<boolean>(asked.length + 1).fill(false)
      return fromTheEnd(asked, (at) => {
        if (asked[at] === '[') {
          segments[at] = closed
          return closed
        }
        closed ||= closes(at, after)
        if (asked[at] === '*') return after[at + 1] === true
        const end = endOf(OPEN, asked, at)
        if (end === undefined) return false
        const goesOn = asked[end] === ':' && asked[end + 1] === '{' && segments[end + 1] === true
        segments[at] = after[end] === true || goesOn || (asked[end] === '[' && segments[end] === true)
        return segments[at] === true
      })
    },
    end(at, after) {
      if (asked[at] === '*') return at + 1
      let furthest = at
      let end = at
      for (let open = endOf(OPEN, asked, at); open !== undefined; ) {
        end = open
        if (after[end] === true) furthest = end
        open = asked[end] === ':' ? endOf(OPEN, asked, end + 1) : undefined
      }
      if (asked[end] !== '[') return furthest
      const last = lastIndexWhere(asked, end + 1, (place) => closes(place, after))
      return last < 0 ? furthest : last + 1
    },
  }
}

function lastIndexWhere(asked: string, from: number, holds: (at: number) => boolean): number {
  for (let at = asked.length - 1; at >= from; at--) if (holds(at)) return at
  return -1
}
