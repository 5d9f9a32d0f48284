import { type Cache, createCache, defineDependencies, defineKeys, isCacheError } from 'coherent-cache'
import { memoryStore } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache } from './support/caches.ts'

describe('refused', () => {
  test.each([
    ['no options', undefined, 'INVALID_OPTION', /at least \{ name/],
    ['null', null, 'INVALID_OPTION', /null/],
    ['text', 'finance', 'INVALID_OPTION', /"finance" is not an options object/],
    ['no name', {}, 'INVALID_OPTION', /name: undefined/],
    ['empty name', { name: '' }, 'INVALID_OPTION', /name/],
    ['name with a colon', { name: 'a:b' }, 'INVALID_OPTION', /"a:b" is not a name/],
    ['name with a brace', { name: '{a}' }, 'INVALID_OPTION', /name/],
    ['name with a space', { name: 'a b' }, 'INVALID_OPTION', /name/],
    ['long name', { name: 'a'.repeat(65) }, 'INVALID_OPTION', /name/],
    ['bad namespace', { namespace: '*' }, 'INVALID_OPTION', /namespace/],
    ['bad instance', { instance: 5 }, 'INVALID_OPTION', /instance/],
    [
      'misspelt maxStaleness',
      { maxStalenes: '1s' },
      'INVALID_OPTION',
      /"maxStalenes".*Did you mean "maxStaleness"/,
    ],
    ['misspelt store', { Store: {} }, 'INVALID_OPTION', /Did you mean "store"/],
    ['misspelt dependencies', { dependecies: {} }, 'INVALID_OPTION', /Did you mean "dependencies"/],
    [
      'unknown option',
      { colour: 'red' },
      'INVALID_OPTION',
      /there is no option "colour"\. The options are name, /,
    ],
    [
      'misspelt memory option',
      { memory: { maxEntires: 5 } },
      'INVALID_OPTION',
      /memory.*Did you mean "maxEntries"/,
    ],
    ['memory of no kind', { memory: true }, 'INVALID_OPTION', /memory: true/],
    ['memory null', { memory: null }, 'INVALID_OPTION', /memory: null/],
    ['no entries', { memory: { maxEntries: 0 } }, 'INVALID_OPTION', /memory\.maxEntries: 0/],
    ['half an entry', { memory: { maxEntries: 1.5 } }, 'INVALID_OPTION', /memory\.maxEntries/],
    ['negative bytes', { memory: { maxBytes: -1 } }, 'INVALID_OPTION', /memory\.maxBytes/],
    ['bytes as text', { memory: { maxBytes: '1mb' } }, 'INVALID_OPTION', /memory\.maxBytes/],
    [
      'unknown isolation',
      { memory: { isolate: 'copy' } },
      'INVALID_OPTION',
      /"copy" is none of "freeze", "clone", "none"/,
    ],
    [
      'unknown mode',
      { consistency: 'eventual' },
      'INVALID_OPTION',
      /"eventual" is none of "bounded", "committed", "strict"/,
    ],
    ['unreadable staleness', { maxStaleness: 'soon' }, 'INVALID_DURATION', /maxStaleness/],
    ['negative staleness', { maxStaleness: -1 }, 'INVALID_DURATION', /maxStaleness/],
    ['staleness too short to keep', { maxStaleness: '10ms' }, 'INVALID_DURATION', /at least 50 ms/],
    ['unreadable ttl', { ttl: 'x' }, 'INVALID_DURATION', /ttl/],
    ['negative ttl', { ttl: -1 }, 'INVALID_DURATION', /ttl/],
    ['ttl of no kind', { ttl: {} }, 'INVALID_OPTION', /ttl/],
    ['unreadable negativeTtl', { negativeTtl: '5' }, 'INVALID_DURATION', /negativeTtl/],
    ['unreadable storeTimeout', { storeTimeout: '1 sec' }, 'INVALID_DURATION', /storeTimeout/],
    ['unreadable loadWait', { loadWait: Number.NaN }, 'INVALID_DURATION', /loadWait/],
    ['unknownTables of no kind', { unknownTables: 'ignore' }, 'INVALID_OPTION', /unknownTables/],
    ['coherence of no kind', { coherence: true }, 'INVALID_OPTION', /coherence/],
    [
      'raw dependencies',
      { dependencies: { tables: {} } },
      'INVALID_OPTION',
      /what defineDependencies returned/,
    ],
    ['dependencies null', { dependencies: null }, 'INVALID_OPTION', /dependencies/],
    [
      'raw keys',
      { keys: { user: 'user:{id}' } },
      'INVALID_OPTION',
      /keys\.user: "user:\{id\}" is no key family/,
    ],
    ['keys that are text', { keys: 'user' }, 'INVALID_OPTION', /what defineKeys returned/],
    ['store of no kind', { store: {} }, 'INVALID_OPTION', /store: \{\} is no store/],
    ['store as text', { store: 'redis://localhost' }, 'INVALID_OPTION', /no store/],
    ['logger of one method', { logger: { info() {} } }, 'INVALID_OPTION', /debug, warn, error/],
    ['logLevel of no kind', { logLevel: 'verbose' }, 'INVALID_OPTION', /logLevel.*debug/],
    ['logger as text', { logger: 'console' }, 'INVALID_OPTION', /logger/],
    [
      'partitionBy of no family',
      { keys: defineKeys({ a: 'a:{id}' }), partitionBy: 'org' },
      'INVALID_OPTION',
      /"org"/,
    ],
  ] as const)('createCache_%s', (_, options, code, message) => {
    const given = options === null || typeof options !== 'object' ? options : { name: 'refused', ...options }
    const without =
      options !== null && typeof options === 'object' && Object.keys(options).length === 0 ? {} : given
    expect(() => createCache(without as never)).toThrow(errorOf(code, message) as Error)
    // Nothing stays open: the name is still free.
    expect(() => openCache({ name: 'refused' })).not.toThrow()
  })

  test('createCache_optionsThatAreUndefined_countAsAbsent', () => {
    const options = {
      ttl: undefined,
      memory: undefined,
      store: undefined,
      keys: undefined,
      namespace: undefined,
    }
    const { cache } = openCache(options as never)
    expect(cache.namespace).toBe(cache.name)
    expect(cache.health()).toMatchObject({ status: 'ok', store: { kind: 'none', status: 'none' } })
  })
})

describe('names', () => {
  test('createCache_nameThatIsOpen_refused_untilItIsClosed', async () => {
    const { cache } = openCache({ name: 'finance' })
    expect(() => createCache({ name: 'finance' })).toThrow(
      errorOf(
        'DUPLICATE_CACHE',
        /"finance" is open in this process already\. Share it, close\(\) it first/,
      ) as Error,
    )
    await cache.close()
    expect(() => openCache({ name: 'finance' })).not.toThrow()
  })

  test('createCache_instances_shareAName', () => {
    const store = memoryStore()
    expect(() => openCache({ name: 'fleet', instance: 'one', store })).not.toThrow()
    expect(() => openCache({ name: 'fleet', instance: 'other', store })).not.toThrow()
    expect(() => openCache({ name: 'fleet', store })).not.toThrow()
    expect(() => createCache({ name: 'fleet', instance: 'one', store })).toThrow(
      errorOf('DUPLICATE_CACHE') as Error,
    )
  })
})

describe('families of several definitions', () => {
  test('createCache_familiesOfTwoDefinitions_thatCannotCollide_work', async () => {
    const users = defineKeys({ user: 'user:{id}' })
    const orders = defineKeys({ order: 'order:{id}' })
    const { cache } = openCache({ keys: { ...users, ...orders } })
    expect((await cache.explain(orders.order({ id: 1 }))).family).toBe('order')
  })

  test.each([
    ['of one template', 'user:{id}', 'user:{name}'],
    ['told apart by escaping only within one definition', 'report:{kind}:{id}', 'report:daily:{id}'],
  ])('createCache_familiesOfTwoDefinitions_%s_refused', (_, one, other) => {
    const first = defineKeys({ first: one })
    const second = defineKeys({ second: other })
    expect(() => openCache({ keys: { ...first, ...second } })).toThrow(
      errorOf('INVALID_KEY', /first.*second|second.*first/) as Error,
    )
  })

  test('createCache_oneFamilyUnderTwoNames_isOneFamily', () => {
    const { user } = defineKeys({ user: 'user:{id}' })
    expect(() => openCache({ keys: { user, alias: user } })).not.toThrow()
  })
})

test('errors_areRecognised_byTheirBrand_andTheirCode', () => {
  let thrown: unknown
  try {
    createCache({ name: '' })
  } catch (error) {
    thrown = error
  }
  expect(isCacheError(thrown)).toBe(true)
  expect(isCacheError(thrown, 'INVALID_OPTION')).toBe(true)
  expect(isCacheError(thrown, 'TIMEOUT')).toBe(false)
  expect(thrown).toMatchObject({ name: 'CacheError', code: 'INVALID_OPTION', key: undefined })
  for (const other of [undefined, null, 'x', {}, new Error('x'), { code: 'INVALID_OPTION' }])
    expect(isCacheError(other)).toBe(false)
})

test('createCache_tables_areTypedByTheMap', () => {
  const dependencies = defineDependencies({ tables: { payments: ['pay:*'] } })
  const { cache } = openCache({ dependencies })
  const typed: Cache<'payments'> = cache
  expect(typed).toBe(cache)
})
