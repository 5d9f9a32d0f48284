import fc from 'fast-check'
import { adhocTarget } from '../../../src/core/adhoc-pattern.ts'
import { type CompiledFamily, compiledFamily, defineKeys } from '../../../src/core/key.ts'
import { Pattern } from '../../../src/core/pattern.ts'
import { patternStamp } from '../../../src/core/stamp.ts'
import { anyText, ofPieces } from '../damage.ts'
import { checked, type FuzzTarget, must, unlessRefused } from '../target.ts'

const PIECES = ['a', 'b', ':', ':', '*', '{p}', '{q}', '{r}', '-', '%20', '7', '10']
const KEY_PIECES = ['a', 'b', ':', ':', '-', '7', '10', '1', '%20', 'é', '%2', '{p}', '*']
const DICTIONARY = [
  ...PIECES,
  '**',
  '{',
  '}',
  '{}',
  '{__proto__}',
  '[',
  ']',
  '|',
  ' ',
  '\ud800',
  '%',
  '\\',
  '{p q}',
]

const LONG_KEY = 1_024

/** Patterns against keys. */
export const patterns: FuzzTarget = {
  name: 'patterns',
  parses: 'patterns of a map, matched with keys',
  wrong: 'another answer than trying every way to split the key gives',
  property: checked(
    fc.tuple(anyText(ofPieces(PIECES, 7), DICTIONARY), ofPieces(KEY_PIECES, 8)),
    ([written, key]) => {
      const pattern = unlessRefused(['INVALID_PATTERN'], () => new Pattern(written, 'fuzz', true))
      if (pattern === undefined) return
      must(new Pattern(pattern.text, 'fuzz', true).text === pattern.text, 'a pattern is not its own text')
      const expected = bindings(pattern.text, key)
      must(pattern.test(key) === expected.size > 0, () => `${pattern.text} and ${key}: ${expected.size} ways`)
      const ways = unlessRefused(['INVALID_PATTERN'], () => pattern.match(key))
      if (ways === undefined) must(expected.size > 8, 'refused for fewer than nine ways')
      else must(ways.length === expected.size, () => `${ways.length} ways instead of ${expected.size}`)
    },
  ),
  hard: {
    'a long pattern': (length) => () => refused(() => new Pattern('ab:'.repeat(length / 3), 'fuzz')),
    'many captures': (length) => {
      const text = Array.from({ length: length / 8 }, (_, at) => `{c${at}}`).join(':')
      return () => refused(() => new Pattern(text, 'fuzz'))
    },
    'many braces': (length) => () => refused(() => new Pattern('{'.repeat(length), 'fuzz')),
    'many percents': (length) => () => refused(() => new Pattern('%'.repeat(length), 'fuzz', true)),
    'stars and a key of one letter': byKey('*a*a*a*a*a*a*ab', 'a'),
    'stars, captures and a key of colons': byKey('*a:{p}*a:{q}*a:{r}*b', 'a:'),
    'a capture with a suffix': byKey('*{p}-{q}-{r}x', '-'),
    'captures between stars': byKey('*{p}*-*{q}*-*{r}*x', 'a-:'),
  },
}

/** Keys have at most {@link LONG_KEY} characters: as many of them as make up the length. */
function byKey(text: string, piece: string) {
  const pattern = new Pattern(text, 'fuzz')
  return (length: number) => {
    const key = piece.repeat(LONG_KEY / piece.length)
    return () => {
      for (let times = 0; times < length / LONG_KEY; times++) {
        pattern.test(key)
        refused(() => pattern.match(key))
      }
    }
  }
}

/** Every distinct tuple of captures, found by trying everything. */
function bindings(text: string, key: string): Set<string> {
  const tokens = text.match(/\{[^{}]*\}|\*|[^{}*]+/g) ?? []
  const found = new Set<string>()
  const walk = (index: number, at: number, bound: readonly string[]): void => {
    const token = tokens[index]
    if (token === undefined) {
      if (at === key.length) found.add(JSON.stringify(bound))
    } else if (token === '*') {
      for (let end = at; end <= key.length; end++) walk(index + 1, end, bound)
    } else if (!token.startsWith('{')) {
      if (key.startsWith(token, at)) walk(index + 1, at + token.length, bound)
    } else if (tokens[index - 1] !== '*' || at === 0 || key[at - 1] === ':') {
      const next = tokens[index + 1]
      for (let end = at + 1; end <= key.length && key[end - 1] !== ':'; end++) {
        const whole = end === key.length || key[end] === ':'
        if (
          whole ||
          (next !== undefined && next !== '*' && !next.startsWith(':') && key.startsWith(next, end))
        )
          walk(index + 1, end, [...bound, key.slice(at, end)])
      }
    }
  }
  walk(0, 0, [])
  return found
}

const FAMILIES = Object.values(
  defineKeys({
    one: 'a:{p}:{q}',
    two: 'b:{p}[:{q}[:{r}]]',
    three: 'c:v{p}.x:{q}',
  }),
).map((face) => compiledFamily(face) as CompiledFamily)
const MAP = [
  'a:{p}:{q}',
  'a:{p}:*',
  'b:{p}*',
  'c:v{p}-{q}.x',
  '*a*',
  '{p}-{q}-{r}',
  '*:{p}:*',
  'a:*:b:*:*',
].map((text) => new Pattern(text, 'fuzz'))
const filled = fc
  .constantFrom('a:7:{q}', 'a:{p}:{q}', 'b:7[:{q}[:{r}]]', 'b:7:10[:{r}]', 'a:7:*', 'b:7*')
  .map(String)
const families = fc.constantFrom(
  ...FAMILIES.map(({ template }) => template.text),
  ...MAP.map(({ text }) => text),
)

/** Patterns that somebody asks to invalidate. */
export const adhocPatterns: FuzzTarget = {
  name: 'adhoc-patterns',
  parses: 'patterns given to invalidate',
  wrong: 'a key that the pattern matches and that hangs neither on the stamp nor is swept for',
  property: checked(
    fc.tuple(
      anyText(fc.oneof(filled, families, ofPieces(PIECES, 7)), DICTIONARY),
      fc.array(ofPieces(KEY_PIECES, 8), { maxLength: 4 }),
    ),
    ([asked, others]) => {
      const target = unlessRefused(['INVALID_PATTERN'], () => adhocTarget(asked, MAP, FAMILIES))
      if (target === undefined) return
      // Keys that it is likely to match: its stars and what it leaves open, filled in.
      const open = asked.includes('[') ? asked.slice(0, asked.indexOf('[')) : asked
      const likely = ['', '7', 'b:7', 'x:y:z'].flatMap((star) =>
        ['7', '1-0'].map((capture) => open.replaceAll('*', star).replace(/\{[^{}]*\}/g, capture)),
      )
      const head = new Pattern(open, 'fuzz', true)
      for (const key of [...likely, ...others]) {
        if (key === '' || !head.test(key)) continue
        must(
          target.sweep.some((pattern) => pattern.test(key)),
          () => `${key} is not swept for`,
        )
        if (target.stamp === undefined) continue
        const stamps = stampsOf(key)
        must(stamps?.includes(target.stamp) !== false, () => `${key} does not hang on ${target.stamp}`)
      }
    },
  ),
  hard: Object.fromEntries(
    ['-', 'a', '{p}:', '{p}', '*', ':', 'a:', '%20', '[', ']', '[:{q}]', '{', 'a:*:b:', '7-'].map((piece) => [
      `many ${piece}`,
      (length: number) => {
        const asked = piece.repeat(length / piece.length)
        return () => {
          for (const end of ['', '!', '*', ']', '}', ' '])
            refused(() => adhocTarget(asked.slice(0, -1) + end, MAP, FAMILIES))
        }
      },
    ]),
  ),
}

/** What a key hangs on; undefined for one that the map refuses, for it matches a pattern in too many ways. */
function stampsOf(key: string): string[] | undefined {
  return unlessRefused(['INVALID_PATTERN'], () =>
    MAP.flatMap((pattern) =>
      pattern
        .match(key)
        .flatMap((values) =>
          [...values, ''].map((_, depth) => patternStamp(pattern.text, values.slice(0, depth))),
        ),
    ),
  )
}

function refused(parse: () => unknown): void {
  unlessRefused(['INVALID_PATTERN'], parse)
}
