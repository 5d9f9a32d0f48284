import fc from 'fast-check'
import { canonical, decodeText, encodeText } from '../../../src/core/encoding.ts'
import { compiledFamily, defineKeys } from '../../../src/core/key.ts'
import { Template } from '../../../src/core/template.ts'
import { anyText, ofPieces } from '../damage.ts'
import { checked, type FuzzTarget, must, unlessRefused } from '../target.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  ofPieces(
    ['a', '%', '%_', '%20', '%u', 'D800', '\ud83d', '\ude00', ':', '*', 'é', '', '%2', '%C3', '%A9'],
    6,
  ),
)

/** Parameters in keys. */
export const encodings: FuzzTarget = {
  name: 'encodings',
  parses: 'encoded parameters',
  wrong: 'a parameter that is not given back; two that are spelt alike; a spelling that is not stable',
  property: checked(fc.tuple(text, text), ([one, other]) => {
    const encoded = encodeText(one)
    must(/^[A-Za-z0-9_.~@+=,/%-]+$/.test(encoded), () => `${encoded} holds what keys do not`)
    must(decodeText(encoded) === one, 'another parameter comes back')
    must(encodeText(other) !== encoded || one === other, 'two parameters are spelt alike')
    must(canonical(encoded) === encoded, 'the spelling of a key is not the one of stamps')
    must(canonical(canonical(one)) === canonical(one), 'no spelling is stable')
  }),
  hard: Object.fromEntries(
    ['%', '%20', '%uD800', 'é', '\ud800', 'a'].map((piece) => [
      `many ${JSON.stringify(piece)}`,
      (length: number) => {
        const whole = piece.repeat(length / piece.length)
        return () => canonical(encodeText(whole)) + canonical(whole)
      },
    ]),
  ),
}

const PIECES = ['a', 'b', ':', ':', '{p}', '{q}', '{r}', 'v{p}', '{q}.x', '[:{r}]', '[:{q}[:{r}]]', '-']
const DICTIONARY = [
  ...PIECES,
  '{',
  '}',
  '[',
  ']',
  '{p',
  '{__proto__}',
  '{constructor}',
  '*',
  ' ',
  '%',
  '|',
  '\ud800',
]
const template = anyText(ofPieces(PIECES, 6), DICTIONARY)

/** Templates of key families, and the keys of two of them. */
export const keys: FuzzTarget = {
  name: 'keys',
  parses: 'templates, and keys by them',
  wrong:
    'a key that gives other parameters than it was built from, or that two families both take for theirs',
  property: checked(
    fc.record({
      one: template,
      other: template,
      p: text,
      q: text,
      r: fc.option(text, { nil: undefined }),
      key: text,
    }),
    ({ one, other, p, q, r, key }) => {
      const refusals = ['INVALID_KEY', 'INVALID_PARAMETER', 'KEY_TOO_LONG'] as const
      const families = unlessRefused(refusals, () => defineKeys({ one, other }))
      if (families === undefined) return
      const both = [families.one, families.other]
      const built = both.map((family) => {
        const given = Object.fromEntries(
          Object.entries({ p, q, r, constructor: q }).filter(
            ([name]) => compiledFamily(family)?.template.parameters.includes(name) === true,
          ),
        )
        const made = unlessRefused(refusals, () => (family as (params: object) => string)(given))
        if (made === undefined) return undefined
        const read = family.parse(made) as Record<string, string> | undefined
        must(read !== undefined, () => `${made} is no key of ${family.template}`)
        for (const [name, value] of Object.entries(given))
          must(value === undefined ? !(name in read) : read[name] === value, () => `${name} of ${made}`)
        return made
      })
      for (const any of [...built, key, 'a', `a:${key}`, `a:b:${key}`]) {
        if (any === undefined) continue
        const owners = both.filter((family) => {
          const read = family.parse(any)
          if (read === undefined) return false
          must((family as (params: object) => string)(read) === any, () => `${any} is spelt otherwise`)
          return true
        })
        must(owners.length < 2, () => `${any} is a key of ${one} and of ${other}`)
      }
    },
  ),
  hard: Object.fromEntries(
    ['a:', '{p}', ':', '[:{p}', '[', ']', '{', '}', 'a{', '%', 'é'].map((piece) => [
      `many ${piece}`,
      (length: number) => {
        const whole = piece.repeat(length / piece.length)
        const known = Template.parse('a:{p}:v{q}.x[:{r}]', 'fuzz')
        return () => {
          unlessRefused(['INVALID_KEY'], () => Template.parse(whole, 'fuzz'))
          unlessRefused(['INVALID_KEY'], () => Template.parse(`${whole}]`, 'fuzz'))
          known.parse(whole)
          known.filled(whole) !== undefined
        }
      },
    ]),
  ),
}
