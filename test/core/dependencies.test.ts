import { defineDependencies, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

const define = (definition: unknown) => () => defineDependencies(definition as never)

describe('refused where it is defined', () => {
  test.each([
    ['no object', null, 'INVALID_OPTION', /null/],
    ['no tables', {}, 'INVALID_MAP', /tables: undefined/],
    ['tables as a list', { tables: [] }, 'INVALID_MAP', /tables/],
    ['unknown name', { tables: {}, veiws: {} }, 'INVALID_OPTION', /"veiws".*Did you mean "views"/],
    [
      'table without patterns',
      { tables: { payments: {} } },
      'INVALID_MAP',
      /payments: has no list of patterns/,
    ],
    ['table that is text', { tables: { payments: 'report:*' } }, 'INVALID_OPTION', /payments/],
    ['table that is null', { tables: { payments: null } }, 'INVALID_OPTION', /payments/],
    ['table that is undefined', { tables: { payments: undefined } }, 'INVALID_MAP', /payments/],
    [
      'misspelt table option',
      { tables: { payments: { invalidates: [], bnid: {} } } },
      'INVALID_OPTION',
      /payments.*"bnid".*Did you mean "bind"/,
    ],
    ['unusable pattern', { tables: { payments: ['a b'] } }, 'INVALID_PATTERN', /payments: the pattern "a b"/],
    ['pattern that is no text', { tables: { payments: [5] } }, 'INVALID_PATTERN', /payments/],
    [
      'bind of a capture no pattern has',
      { tables: { payments: { invalidates: ['a:{id}'], bind: { other: 'x' } } } },
      'INVALID_MAP',
      /payments: binds \{other\}/,
    ],
    [
      'bind to no column',
      { tables: { payments: { invalidates: ['a:{id}'], bind: { id: 5 } } } },
      'INVALID_MAP',
      /payments: binds \{id\} to 5/,
    ],
    [
      'bind that is text',
      { tables: { payments: { invalidates: [], bind: 'id' } } },
      'INVALID_MAP',
      /payments: bind/,
    ],
    [
      'stable that is no list',
      { tables: { payments: { invalidates: [], stable: 'id' } } },
      'INVALID_MAP',
      /payments: stable/,
    ],
    ['scopes that are no list', { tables: {}, scopes: 'orgId' }, 'INVALID_MAP', /scopes/],
    ['scope that is no name', { tables: {}, scopes: ['org-id'] }, 'INVALID_MAP', /scopes/],
    ['views as a list', { tables: {}, views: [] }, 'INVALID_MAP', /views/],
    ['view without tables', { tables: {}, views: { v: [] } }, 'INVALID_MAP', /view v/],
    ['view that is text', { tables: { t: [] }, views: { v: 't' } }, 'INVALID_MAP', /view v/],
    ['unknown base', { tables: { t: [] }, views: { v: ['t', 'tt'] } }, 'UNKNOWN_VIEW', /view v reads "tt"/],
    ['view over itself', { tables: {}, views: { v: ['v'] } }, 'CIRCULAR_VIEWS', /v → v/],
    [
      'circle of views',
      { tables: { t: [] }, views: { a: ['b', 't'], b: ['c'], c: ['a'] } },
      'CIRCULAR_VIEWS',
      /a → b → c → a/,
    ],
  ] as const)('defineDependencies_%s', (_, definition, code, message) => {
    expect(define(definition)).toThrow(errorOf(code, message) as Error)
  })

  test('defineDependencies_diamondOfViews_isNoCircle', () => {
    expect(
      define({ tables: { t: [] }, views: { top: ['left', 'right'], left: ['t'], right: ['t'] } }),
    ).not.toThrow()
  })

  test('defineDependencies_manyLayersOfViews_areCheckedQuickly', () => {
    const views: Record<string, string[]> = { v0: ['t'], w0: ['t'] }
    for (let layer = 1; layer < 60; layer++) {
      views[`v${layer}`] = [`v${layer - 1}`, `w${layer - 1}`]
      views[`w${layer}`] = [`v${layer - 1}`, `w${layer - 1}`]
    }
    expect(define({ tables: { t: ['a'] }, views })).not.toThrow()
  })
})

test('createCache_familyMatchedInTooManyWays_refused', () => {
  const dependencies = defineDependencies({ tables: { t: ['*{any}*'] } })
  const eight = defineKeys({
    wide: `wide:${['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `{${name}}`).join(':')}`,
  })
  expect(() => openCache({ dependencies, keys: eight })).not.toThrow()
  const nine = defineKeys({ wide: 'wide:{a}:{b}:{c}:{d}:{e}:{f}:{g}[:{h}]' })
  expect(() => openCache({ name: 'too-wide', dependencies, keys: nine })).toThrow(
    errorOf('INVALID_PATTERN', /in more than 8 ways/) as Error,
  )
  // Nothing stays open: the name is free.
  expect(() => openCache({ name: 'too-wide' })).not.toThrow()
})
