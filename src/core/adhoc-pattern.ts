import { canonical } from './encoding.ts'
import { CacheError, show } from './errors.ts'
import type { CompiledFamily } from './key.ts'
import { Pattern } from './pattern.ts'
import { patternStamp, type StampName } from './stamp.ts'

/** What a pattern that somebody asks to invalidate comes to: a stamp of the map, or a search for the keys. */
export interface AdhocTarget {
  /** The stamp of the map that stands for it, where there is one. */
  readonly stamp: StampName | undefined
  /** What to search the keys for otherwise, or besides, where some reader does not know the stamp. */
  readonly sweep: readonly Pattern[]
}

const WHAT = 'invalidate: pattern'

/**
 * Resolves a pattern of `invalidate({ pattern })`: one of the map's or a {@link leadingInstance} of one by its stamp,
 * anything else by a sweep. Of several stamps that would do it takes that of the pattern with the most captures,
 * which voids the least.
 *
 * @throws CacheError `INVALID_PATTERN` for an unusable one, or one with captures that neither the map nor a family has.
 */
export function adhocTarget(
  asked: string,
  patterns: readonly Pattern[],
  families: readonly CompiledFamily[],
): AdhocTarget {
  const filled = families.some(({ template }) => template.isFilled(asked))
  // The brackets of a template's open tail are no part of the language of patterns.
  const tail = filled ? asked.indexOf('[') : -1
  const head = new Pattern(tail < 0 ? asked : asked.slice(0, tail), WHAT, true)
  const whole = tail < 0 ? head.text : asked
  // A family may name its parameters otherwise than the map; a name in any other text is the map's, or a mistake.
  const known = patterns
    .filter(({ captures }) => filled || head.captures.every((name) => captures.includes(name)))
    .flatMap((pattern) => {
      const run = leadingInstance(pattern, whole)
      return run === undefined ? [] : [{ pattern, run }]
    })
    .sort((one, other) => other.pattern.captures.length - one.pattern.captures.length)[0]
  if (known === undefined && head.captures.length > 0 && !filled) {
    throw new CacheError(
      'INVALID_PATTERN',
      `invalidate: the pattern ${show(asked)} has captures but stands in no table of the map, nor is it the pattern of a key family of this cache. Write * in their place, or one of the map's patterns as it stands there.`,
    )
  }
  return {
    stamp: known === undefined ? undefined : patternStamp(known.pattern.text, known.run),
    sweep: tail < 0 ? [head] : [head, new Pattern(`${head.text}:*`, WHAT, true)],
  }
}

const TOKENS = /\{[^{}]*\}|\*|[^{}*]+/g
/** A value in the encoding of keys. */
const VALUE = '(?:[A-Za-z0-9_.~@+=,/-]|%(?:[0-9A-F]{2}|u[0-9A-F]{4}|_))+'
const OPEN = String.raw`\{[^{}]*\}`
/** What a star of the map covers: another star, or what a family leaves open: whole segments, its tail. */
const COVERED = String.raw`(?:\*|${OPEN}(?::${OPEN})*(?:\[.*\])?|\[.*\])`

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
 */
export function leadingInstance(pattern: Pattern, asked: string): readonly string[] | undefined {
  const tokens = pattern.text.match(TOKENS) ?? []
  const shape = tokens.map((token, at) => {
    if (token === '*') return COVERED
    if (!token.startsWith('{')) return token.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
    if (tokens[at - 1] === '*') return `(${OPEN})`
    // An open tail begins with a colon or is empty, so the value before it is a whole segment.
    return tokens[at + 1] === '*' ? `(${OPEN}|${VALUE}(?=\\[))` : `(${OPEN}|${VALUE})`
  })
  const found = new RegExp(`^${shape.join('')}$`, 'u').exec(asked)?.slice(1)
  if (found === undefined) return undefined
  const firstOpen = found.findIndex((piece) => piece.startsWith('{'))
  const run = firstOpen < 0 ? found : found.slice(0, firstOpen)
  return found.slice(run.length).every((piece) => piece.startsWith('{')) ? run.map(canonical) : undefined
}
