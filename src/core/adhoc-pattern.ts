import { CacheError, show } from './errors.ts'
import type { CompiledFamily } from './key.ts'
import { leadingInstance } from './leading-instance.ts'
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
  const filled = families.some(({ template }) => template.filled(asked) !== undefined)
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
