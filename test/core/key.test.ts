import { byAge, defineKeys, type KeyFamily, type Parameter, type } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'

/** Every kind of text, lone surrogates included, with much of what keys and patterns are made of. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        ':',
        '%',
        '*',
        '{',
        '}',
        '[',
        ']',
        '|',
        '_',
        'u',
        'D800',
        '%3A',
        '%25',
        '%_',
        '%u',
        'a',
      ),
      {
        maxLength: 6,
      },
    )
    .map((pieces) => pieces.join('')),
  fc.constantFrom('', '\ud800', '\udc00', '\udc00\ud800', 'a\ud800b', '%uD800', '\u0000', ' ', 'é', '😀'),
)

describe('build', () => {
  const keys = defineKeys({
    report: { key: 'report:daily:{orgId}:{propertyId}:{date}', value: type<{ revenue: number }>() },
    payments: 'payment:metrics:{landlordId}[:{from}[:{to}]]',
    affixed: 'file:v{version}.json',
    plain: 'settings',
  })

  test('build_parameters_standInTheirPlaces', () => {
    expect(keys.report({ orgId: 7, propertyId: 12n, date: '2026-11-20' })).toBe(
      'report:daily:7:12:2026-11-20',
    )
    expect(keys.affixed({ version: 3 })).toBe('file:v3.json')
    expect(keys.plain()).toBe('settings')
    expect(keys.plain({})).toBe('settings')
  })

  test('build_sevenInAllItsTypes_isOneKey', () => {
    const all = [7, 7n, '7', 7.0].map((landlordId) => keys.payments({ landlordId }))
    expect(new Set(all)).toEqual(new Set(['payment:metrics:7']))
    expect(keys.payments({ landlordId: -0 })).toBe(keys.payments({ landlordId: 0 }))
    expect(keys.payments({ landlordId: true })).toBe(keys.payments({ landlordId: 'true' }))
  })

  test('build_optionalTail_isLeftOutFromTheEnd', () => {
    expect(keys.payments({ landlordId: 1 })).toBe('payment:metrics:1')
    expect(keys.payments({ landlordId: 1, from: 2025 })).toBe('payment:metrics:1:2025')
    expect(keys.payments({ landlordId: 1, from: 2025, to: 2026 })).toBe('payment:metrics:1:2025:2026')
    expect(keys.payments({ landlordId: 1, from: undefined, to: undefined })).toBe('payment:metrics:1')
    expect(() => keys.payments({ landlordId: 1, to: 2026 })).toThrow(
      errorOf('INVALID_PARAMETER', /payments: to is given but from/) as Error,
    )
  })

  test('build_emptyTextInTheTail_isAParameterAndNotItsEnd', () => {
    expect(keys.payments({ landlordId: 1, from: '' })).not.toBe(keys.payments({ landlordId: 1 }))
    expect(keys.payments.parse(keys.payments({ landlordId: 1, from: '' }))).toEqual({
      landlordId: '1',
      from: '',
    })
  })

  test.each([
    ['null', null],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['infinity', Number.NEGATIVE_INFINITY],
    ['object', {}],
    ['array', [1]],
    ['Date', new Date()],
    ['symbol', Symbol('a')],
    ['function', () => 1],
  ])('build_%s_refused_namingFamilyAndParameter', (_, given) => {
    expect(() =>
      keys.report({ orgId: given as unknown as Parameter, propertyId: 1, date: '2026-11-20' }),
    ).toThrow(errorOf('INVALID_PARAMETER', /report: parameter orgId/) as Error)
    if (given === undefined) return
    expect(() => keys.payments({ landlordId: 1, from: given as unknown as Parameter })).toThrow(
      errorOf('INVALID_PARAMETER', /payments: parameter from/) as Error,
    )
  })

  test('build_missingOrUnknownParameter_refused', () => {
    expect(() => keys.report({ orgId: 1, propertyId: 1 } as never)).toThrow(
      errorOf('INVALID_PARAMETER', /date/) as Error,
    )
    expect(() => keys.report({ orgId: 1, propertyId: 1, date: 'x', dat: 'y' } as never)).toThrow(
      errorOf('INVALID_PARAMETER', /"dat"/) as Error,
    )
    expect(() => keys.report(undefined as never)).toThrow(errorOf('INVALID_PARAMETER') as Error)
    expect(() => keys.report(null as never)).toThrow(errorOf('INVALID_PARAMETER') as Error)
    expect(() => keys.report('7' as never)).toThrow(errorOf('INVALID_PARAMETER') as Error)
  })

  test('build_tooLong_refused', () => {
    const fits = 'a'.repeat(512)
    expect(keys.payments({ landlordId: fits })).toHaveLength('payment:metrics:'.length + 512)
    expect(() => keys.payments({ landlordId: `${fits}a` })).toThrow(errorOf('KEY_TOO_LONG') as Error)
    expect(() => keys.payments({ landlordId: 'é'.repeat(100) })).toThrow(errorOf('KEY_TOO_LONG') as Error)
    expect(() => keys.payments({ landlordId: fits, from: fits })).toThrow(errorOf('KEY_TOO_LONG') as Error)
  })
})

describe('injectivity', () => {
  const keys = defineKeys({ pair: 'pair:{a}:{b}', tail: 'tail:{a}[:{b}[:{c}]]', affix: 'affix-{a}-z:{b}' })

  test('build_differentParameters_giveDifferentKeys_andParseGivesThemBack', () => {
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        for (const family of [keys.pair, keys.affix, keys.tail] as KeyFamily[]) {
          const one = family({ a, b })
          const other = family({ a: c, b: d })
          expect(one === other).toBe(a === c && b === d)
          expect(family.parse(one)).toEqual({ a, b })
        }
        expect(keys.tail({ a, b, c })).not.toBe(keys.tail({ a, b: c }))
      }),
      { numRuns: 500 },
    )
  })

  test('build_anyText_staysOneSegment_withoutPatternCharacters', () => {
    fc.assert(
      fc.property(text, (a) => {
        const piece = keys.pair({ a, b: 'end' }).slice('pair:'.length, -':end'.length)
        expect(piece).toMatch(/^[A-Za-z0-9_.~@+=,/%-]+$/)
        expect(keys.pair({ a, b: 'end' }).split(':')).toHaveLength(3)
      }),
      { numRuns: 500 },
    )
  })

  /** Families of few literals and parameters, so that many of them nearly collide. */
  const templates = fc
    .array(
      fc.record({
        head: fc.array(fc.constantFrom('a', 'b', 'c-a', '{}', '{}', 'c-{}', '{}-a'), {
          minLength: 1,
          maxLength: 3,
        }),
        tail: fc.integer({ min: 0, max: 2 }),
      }),
      { minLength: 2, maxLength: 4 },
    )
    .map((all) =>
      all.map(({ head, tail }) => {
        let count = 0
        const name = () => `{p${count++}}`
        const pieces = head.map((piece) => piece.replace('{}', name))
        const optional = Array.from({ length: tail }, () => `[:${name()}`).join('') + ']'.repeat(tail)
        return pieces.join(':') + optional
      }),
    )
  const value = fc.constantFrom('a', 'b', 'c-a', 'c-', '-a', 'a-a', '', '%61', 'a:b', ':', '%', '{p0}', '%_')

  test('defineKeys_acceptedFamilies_neverGiveTheSameKey', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        templates,
        fc.array(fc.array(value, { minLength: 5, maxLength: 5 }), { minLength: 6, maxLength: 6 }),
        (all, values) => {
          let families: Record<string, KeyFamily>
          try {
            families = defineKeys(Object.fromEntries(all.map((key, at) => [`f${at}`, key])))
          } catch {
            return
          }
          accepted++
          const built = new Map<string, string>()
          for (const [name, family] of Object.entries(families)) {
            const parameters = [...family.template.matchAll(/\{(p\d)\}/g)].map((match) => match[1] as string)
            const required = [...(family.template.split('[')[0] as string).matchAll(/\{p\d\}/g)].length
            for (const row of values) {
              for (let count = required; count <= parameters.length; count++) {
                const params = Object.fromEntries(
                  parameters.slice(0, count).map((one, at) => [one, row[at] ?? '']),
                )
                const key = family(params)
                const identity = JSON.stringify([name, params])
                expect(built.get(key) ?? identity).toBe(identity)
                built.set(key, identity)
                expect(family.parse(key)).toEqual(params)
                for (const other of Object.values(families))
                  if (other !== family) expect(other.parse(key)).toBeUndefined()
              }
            }
          }
        },
      ),
      { numRuns: 600 },
    )
    expect(accepted).toBeGreaterThan(50)
  })
})

describe('parse', () => {
  const keys = defineKeys({ user: 'user:{id}', report: 'report:{a}[:{b}]' })

  test.each([
    '',
    'user',
    'user:',
    'user:1:2',
    'users:1',
    'USER:1',
    ' user:1',
    'user:%31',
    'user:%',
    'user:a b',
    'report',
    'report:1:2:3',
  ])('parse_%j_undefined', (key) => {
    expect(keys.user.parse(key)).toBeUndefined()
    expect(keys.report.parse(key)).toBeUndefined()
  })

  test('parse_otherSpellingOfAKey_isNoKeyOfTheFamily', () => {
    expect(keys.user.parse('user:%C3%A9')).toEqual({ id: 'é' })
    expect(keys.user.parse('user:%c3%a9')).toBeUndefined()
  })

  test('parse_anything_neverThrows', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((tail) => `user:${tail}`),
          fc.anything(),
        ),
        (given) => {
          keys.user.parse(given as string)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('parse_textTooLongForAKey_undefined', () => {
    expect(keys.user.parse(`user:${'a'.repeat(600)}`)).toBeUndefined()
    expect(keys.report.parse(`report:${'a'.repeat(511)}:${'b'.repeat(511)}:`)).toBeUndefined()
    expect(keys.report.parse(`report:${'a'.repeat(511)}:${'b'.repeat(511)}`)).toBeUndefined()
  })
})

describe('defineKeys', () => {
  test.each([
    ['', 'is not a template'],
    ['a::b', 'empty segment'],
    [':a', 'empty segment'],
    ['a:', 'empty segment'],
    ['a:{}', 'parameter name ""'],
    ['a:{1st}', 'parameter name'],
    ['a:{id', 'unreadable segment'],
    ['a:id}', 'unreadable segment'],
    ['a:{x}{y}', 'unreadable segment'],
    ['a:{x}:{x}', 'names a parameter twice'],
    ['a:*', 'a character that keys do not use'],
    ['a b:{id}', 'a character that keys do not use'],
    ['a|b', 'a character that keys do not use'],
    ['a%20b', 'a character that keys do not use'],
    ['a\ud800:{id}', 'a character that keys do not use'],
    ['a:{id}[:{b}', 'optional tail'],
    ['a:{id}[:b]', 'optional tail'],
    ['a:{id}[{b}]', 'optional tail'],
    ['a:{id}[:{b}]:c', 'optional tail'],
    ['a[:{b}][:{c}]', 'optional tail'],
    ['a:{__proto__}', 'parameter name "__proto__"'],
  ])('defineKeys_template_%j_refused', (key, message) => {
    const define = () => defineKeys({ broken: key })
    expect(define).toThrow(errorOf('INVALID_KEY', /^defineKeys: broken: /) as Error)
    expect(define).toThrow(message)
  })

  test('defineKeys_parametersNamedLikeObjectMembers_work', () => {
    const { odd } = defineKeys({ odd: 'odd:{constructor}:{toString}[:{valueOf}]' })
    const key = odd({ constructor: 1, toString: 2 } as never)
    expect(key).toBe('odd:1:2')
    expect(odd.parse(key)).toEqual({ constructor: '1', toString: '2' })
    expect(odd.parse('odd:1:2:3')).toEqual({ constructor: '1', toString: '2', valueOf: '3' })
  })

  test.each([
    ['user:{id}', 'user:{name}'],
    ['{a}:{b}', '{c}:{d}'],
    ['a:{b}[:{c}]', 'a:{b}:{c}'],
    ['a[:{b}]', 'a[:{c}]'],
    ['f:v{a}', 'f:{b}.json'],
    ['f:v{a}', 'f:{b}'],
  ])('defineKeys_%s_and_%s_refused_namingBoth', (one, other) => {
    expect(() => defineKeys({ first: one, second: other })).toThrow(
      errorOf('INVALID_KEY', /second .* first .* can give the same key/) as Error,
    )
  })

  test('defineKeys_literalAgainstParameter_toldApartByEscaping', () => {
    const keys = defineKeys({ kind: 'report:{kind}:{id}', daily: 'report:daily:{id}' })
    expect(keys.daily({ id: 1 })).toBe('report:daily:1')
    expect(keys.kind({ kind: 'weekly', id: 1 })).toBe('report:weekly:1')
    const forged = keys.kind({ kind: 'daily', id: 1 })
    expect(forged).not.toBe(keys.daily({ id: 1 }))
    expect(keys.kind.parse(forged)).toEqual({ kind: 'daily', id: '1' })
    expect(keys.daily.parse(forged)).toBeUndefined()
    expect(keys.kind.parse(keys.daily({ id: 1 }))).toBeUndefined()
  })

  test.each([
    [{ a: { key: 'a:{id}', version: 0 } }, 'INVALID_OPTION', /a\.version/],
    [{ a: { key: 'a:{id}', version: 1.5 } }, 'INVALID_OPTION', /a\.version/],
    [{ a: { key: 'a:{id}', ttl: '5 parsecs' } }, 'INVALID_DURATION', /a\.ttl/],
    [{ a: { key: 'a:{id}', ttl: -1 } }, 'INVALID_DURATION', /a\.ttl/],
    [{ a: { key: 'a:{id}', ttl: null } }, 'INVALID_OPTION', /a\.ttl/],
    [{ a: { key: 'a:{id}', negativeTtl: 'x' } }, 'INVALID_DURATION', /a\.negativeTtl/],
    [{ a: { key: 'a:{id}', coherence: 'maybe' } }, 'INVALID_OPTION', /a\.coherence/],
    [{ a: { key: 'a:{id}', value: {} } }, 'INVALID_OPTION', /a\.value/],
    [{ a: { key: 'a:{id}', tll: '5s' } }, 'INVALID_OPTION', /"tll".*Did you mean "ttl"/],
    [{ a: { ttl: '5s' } }, 'INVALID_KEY', /a: has no template/],
    [{ a: undefined }, 'INVALID_KEY', /a: has no template/],
    [{ a: null }, 'INVALID_OPTION', /a: null/],
    [{ a: 5 }, 'INVALID_OPTION', /a: 5/],
    [{ a: { key: 5 } }, 'INVALID_KEY', /a: the template 5/],
    [null, 'INVALID_KEY', /null/],
    ['user:{id}', 'INVALID_KEY', /not an object/],
  ] as const)('defineKeys_%j_refused', (definitions, code, message) => {
    expect(() => defineKeys(definitions as never)).toThrow(errorOf(code, message) as Error)
  })

  test('defineKeys_lifetimeByAParameterTheKeyHasNot_refused', () => {
    const ttl = byAge('date', { tiers: { 0: '5s' }, beyond: '1m' })
    expect(() => defineKeys({ report: { key: 'report:{day}', ttl } })).toThrow(
      errorOf('INVALID_KEY', /report: its lifetime goes by \{date\}/) as Error,
    )
    expect(() => defineKeys({ report: { key: 'report:{day}', negativeTtl: ttl } })).toThrow(
      errorOf('INVALID_KEY') as Error,
    )
  })

  test('defineKeys_families_areFrozen_andTellTheirNames', () => {
    const keys = defineKeys({ user: 'user:{id}' })
    expect(keys.user.family).toBe('user')
    expect(keys.user.template).toBe('user:{id}')
    expect(Object.isFrozen(keys)).toBe(true)
    expect(Object.isFrozen(keys.user)).toBe(true)
  })
})
