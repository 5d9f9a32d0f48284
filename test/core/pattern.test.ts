import { defineKeys } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MOST_WAYS, Pattern } from '../../src/core/pattern.ts'
import { errorOf } from '../support/caches.ts'

const pattern = (text: string) => new Pattern(text, 'test')
const ways = (text: string, key: string) => pattern(text).match(key)

describe('globs', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything:at:all', true],
    ['a*', 'a', true],
    ['a*', 'ba', false],
    ['*a', 'ba', true],
    ['*a', 'ab', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'aXbXbXc', true],
    ['a*b*c', 'acb', false],
    ['*hedge_positions*', 'x:hedge_positions:7', true],
    ['*hedge_positions*', 'x:hedge_position', false],
    ['report:*', 'report:', true],
    ['report:*', 'reports:1', false],
    ['a.c', 'abc', false],
    ['a(b)+$', 'a(b)+$', true],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['aab*b', 'aabb', true],
    ['*aab', 'aaaab', true],
    ['a**b', 'ab', true],
  ])('glob_%s_on_%s_%s', (text, key, matches) => {
    expect(pattern(text).test(key)).toBe(matches)
    expect(ways(text, key)).toEqual(matches ? [[]] : [])
  })

  test('glob_anyTextAndKey_agreesWithARegularExpression', () => {
    const piece = fc.constantFrom('a', 'b', ':', '*', 'ab', '.')
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 7 }),
        fc.string({ unit: fc.constantFrom('a', 'b', ':', '.'), maxLength: 12 }),
        (pieces, key) => {
          const text = pieces.join('')
          const escaped = text.split('*').map((literal) => literal.replaceAll('.', '\\.'))
          expect(pattern(text).test(key)).toBe(new RegExp(`^${escaped.join('[^]*')}$`).test(key))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('text_runsOfStars_areOneStar', () => {
    expect(pattern('a***b**').text).toBe('a*b*')
  })
})

describe('captures', () => {
  test.each([
    ['metrics:{id}*', 'metrics:1', [['1']]],
    ['metrics:{id}*', 'metrics:1:2026', [['1']]],
    ['metrics:{id}*', 'metrics:10', [['10']]],
    ['metrics:{id}*', 'metrics:', []],
    ['metrics:{id}', 'metrics:1:2', []],
    ['report:{orgId}:{date}', 'report:7:2026-11-20', [['7', '2026-11-20']]],
    ['{a}:{b}', 'x:y', [['x', 'y']]],
    ['v{version}.json', 'v12.json', [['12']]],
    ['v{version}.json', 'v.json', []],
    ['{file}.json', 'a.json.json', [['a.json']]],
    ['*:{id}', 'a:b:c', [['c']]],
    ['*{id}', 'a:b', [['b']]],
    ['*{id}', 'a', [['a']]],
    ['{id}:*', 'a:b:c', [['a']]],
    ['*:{a}:*', 'x:1:2:y', [['1'], ['2']]],
    ['{a}*{b}', '1:2:3', [['1', '3']]],
    ['*x{id}', 'axbxc', [['bxc'], ['c']]],
    ['capacity:{entityId}:*', 'capacity:7:', [['7']]],
    ['capacity:{entityId}:*', 'capacity:7', []],
  ])('match_%s_on_%s_%j', (text, key, expected) => {
    expect([...ways(text, key)].sort()).toEqual([...expected].sort())
    expect(pattern(text).test(key)).toBe(expected.length > 0)
  })

  test('match_idOne_neverMatchesTen', () => {
    const metrics = pattern('metrics:{id}*')
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (id, other) => {
        const key = `metrics:${other}:2026`
        expect(metrics.match(key).some(([captured]) => captured === String(id))).toBe(id === other)
      }),
    )
  })

  test('match_otherSpellingOfAValue_givesTheOneSpelling', () => {
    // As keys spell a value that would be taken for another family's literal.
    expect(ways('report:{kind}:*', 'report:%64aily:7')).toEqual([['daily']])
    expect(ways('report:{kind}:*', 'report:%C3%A9:7')).toEqual([['%C3%A9']])
  })

  test('match_sameCaptureThroughSeveralSplits_isOneWay', () => {
    expect(ways('*a*a*:{id}', 'aaaaaa:7')).toEqual([['7']])
  })

  test('match_anyPatternAndKey_agreesWithTryingEverything', () => {
    const piece = fc.constantFrom('a', ':', '*', '{}', 'ab', '{}')
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 7 }),
        fc.string({ unit: fc.constantFrom('a', 'b', ':', 'a', 'ab'), maxLength: 10 }),
        (pieces, key) => {
          let count = 0
          const text = pieces.join('').replace(/\{\}/g, () => `{c${count++}}`)
          let compiled: Pattern
          try {
            compiled = pattern(text)
          } catch {
            return
          }
          const expected = new Set(everyWay(text, key).map((way) => way.join(' ')))
          if (expected.size > MOST_WAYS && compiled.captures.length > 0) {
            expect(() => compiled.match(key)).toThrow(errorOf('INVALID_PATTERN') as Error)
          } else {
            expect(new Set(compiled.match(key).map((way) => way.join(' ')))).toEqual(expected)
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })
})

describe('several ways', () => {
  test('match_eightWays_areAllGiven', () => {
    const key = '1:2:3:4:5:6:7:8'
    expect(ways('*{any}*', key)).toHaveLength(MOST_WAYS)
  })

  test('match_nineWays_refused_sayingWhatToDo', () => {
    expect(() => ways('*{any}*', '1:2:3:4:5:6:7:8:9')).toThrow(
      errorOf('INVALID_PATTERN', /in more than 8 ways\. Put literal text between/) as Error,
    )
  })

  test('match_nineEqualSegments_areOneWay', () => {
    expect(ways('*{any}*', 'a:a:a:a:a:a:a:a:a')).toEqual([['a']])
  })
})

describe('hostile input', () => {
  const long = 'a'.repeat(1_024)

  test('match_longSegmentsAndCapturesInside_inTime', () => {
    // Keys hold what users type: one of these used to take 50 to 150 ms.
    const key = 'a-'.repeat(512)
    const began = performance.now()
    for (let times = 0; times < 20; times++) {
      expect(pattern('*{p}-{q}-{r}x').test(key)).toBe(false)
      expect(ways('a{p}a{q}a{r}a{s}a{t}a{u}b', key)).toEqual([])
    }
    expect(performance.now() - began).toBeLessThan(400)
  })

  test.each([
    ['*a*a*a*a*a*a*a*b', long],
    ['*a*a*a*a*a*a*{x}b', long],
    ['*a*a*a*a*a*a*b:{x}', long],
    ['*a*b*a*b*a*b*{x}c', 'ab'.repeat(512)],
    ['*:*:*:*:*:*:*:{x}z', 'a:'.repeat(512)],
    ['{x}a{y}a*a*a*a*a*a*b', long],
    ['*hedge*positions*{id}:end', 'hedgepositions'.repeat(70)],
  ])('match_%s_onAHostileKey_isBounded_andSaysWhatIsTrue', (text, key) => {
    const started = performance.now()
    expect(ways(text, key)).toEqual([])
    expect(pattern(text).test(key)).toBe(false)
    expect(performance.now() - started).toBeLessThan(250)
  })

  test('match_hostileKeyThatMatches_isFound', () => {
    expect(ways('*a*a*a*a*a*a*a*:{id}', `${long.slice(10)}:7`)).toEqual([['7']])
  })

  test('match_parameterValues_forgeNoSegmentAndNoCapture', () => {
    const keys = defineKeys({ search: 'search:{owner}:{text}' })
    const byOwner = pattern('search:{owner}:*')
    const exact = pattern('search:{owner}:{text}')
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 10 }),
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 10 }),
          fc.constantFrom('*', ':7:', '7:x', '{owner}', '%3A', 'search:9:x', '|', ''),
        ),
        (owner, text) => {
          const key = keys.search({ owner, text })
          const captured = keys.search({ owner, text: 'x' }).split(':')[1]
          expect(byOwner.match(key)).toEqual([[captured]])
          expect(exact.match(key)).toEqual([[captured, key.split(':')[2]]])
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('refused', () => {
  test.each([
    ['', /is empty/],
    ['a b', /holds " "/],
    ['a?', /holds "\?"/],
    ['a[bc]', /holds "\["/],
    ['a|b', /holds "\|"/],
    ['a%20', /holds "%"/],
    ['a\\*', /holds/],
    ['a\u0000', /holds/],
    ['a\ud800', /holds/],
    ['{id', /a brace without its partner/],
    ['id}', /a brace without its partner/],
    ['{a{b}}', /brace/],
    ['{}', /capture name ""/],
    ['{1a}', /capture name/],
    ['{a-b}', /capture name/],
    ['{__proto__}', /capture name/],
    ['{a}:{a}', /names a capture twice/],
    ['{a}{b}', /two captures with nothing between/],
    ['*a*a*a*a*a*a*a*a*', /more than 8 stars/],
  ])('pattern_%j_refused', (text, message) => {
    expect(() => new Pattern(text, 'defineDependencies: payments')).toThrow(
      errorOf('INVALID_PATTERN', /^defineDependencies: payments: the pattern/) as Error,
    )
    expect(() => pattern(text)).toThrow(message)
  })

  test.each([[undefined], [null], [5], [{}], [['a']]])('pattern_%j_refused', (text) => {
    expect(() => new Pattern(text as never, 'test')).toThrow(errorOf('INVALID_PATTERN') as Error)
  })
})

/** All ways in which a key matches, found by trying everything: the meaning of a pattern, as slowly as it is plain. */
function everyWay(text: string, key: string): string[][] {
  const tokens = text.match(/\{[^{}]*\}|\*+|[^{}*]+/g) ?? []
  const found: string[][] = []
  const walk = (index: number, at: number, bound: string[]): void => {
    const token = tokens[index]
    if (token === undefined) {
      if (at === key.length) found.push(bound)
    } else if (token.startsWith('*')) {
      const next = tokens[index + 1]?.startsWith('{') ?? false
      for (let end = at; end <= key.length; end++)
        if (!next || end === 0 || key[end - 1] === ':') walk(index + 1, end, bound)
    } else if (token.startsWith('{')) {
      for (let end = at + 1; end <= key.length && !key.slice(at, end).includes(':'); end++) {
        const next = tokens[index + 1]
        const wholeSegment = end === key.length || key[end] === ':'
        const beforeSuffix = next !== undefined && !/^[:*{]/.test(next)
        if (wholeSegment || beforeSuffix) walk(index + 1, end, [...bound, key.slice(at, end)])
      }
    } else if (key.startsWith(token, at)) walk(index + 1, at + token.length, bound)
  }
  walk(0, 0, [])
  return found
}
