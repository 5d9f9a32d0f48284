import { defineKeys, milliseconds } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { readTableChange } from '../../src/core/change.ts'
import { compiledFamily } from '../../src/core/key.ts'
import { POLICY_OPTIONS } from '../../src/core/policy.ts'
import { readSettings } from '../../src/core/settings.ts'
import { readWishes } from '../../src/read/request.ts'
import { countingLoader, openCache } from '../support/caches.ts'

/** The same options, with everything else that is known given as undefined. */
const undefinedToo = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, undefined]))

const CACHE = [
  'namespace',
  'instance',
  'keys',
  'dependencies',
  'memory',
  'store',
  'consistency',
  'onStoreUnavailable',
  'softLockLifetime',
  'maxStaleness',
  ...POLICY_OPTIONS,
  'unknownTables',
  'coherence',
  'partitionBy',
  'storeTimeout',
  'loadWait',
  'logger',
  'logLevel',
  'clock',
  'randomness',
]
const READ = ['ttl', 'freshness', 'staleWhileRevalidate', 'staleIfError', 'timeout', 'token', 'signal']

describe('an option that is undefined', () => {
  test('createCache_isAsIfLeftOut', () => {
    const known = (options: object) => {
      const { randomness, ...settings } = readSettings(options as { name: string })
      return { ...settings, randomness: typeof randomness }
    }
    const absent = known({ name: 'a' })
    expect(known({ name: 'a', ...undefinedToo(CACHE) })).toEqual(absent)
    const memory = undefinedToo(['maxEntries', 'maxBytes', 'isolate'])
    expect(known({ name: 'a', memory })).toEqual(absent)
    expect(known({ name: 'a', memory: { ...memory, maxBytes: 5 } })).toEqual(
      known({ name: 'a', memory: { maxBytes: 5 } }),
    )
  })

  test('defineKeys_isAsIfLeftOut', () => {
    const given = undefinedToo(['value', ...POLICY_OPTIONS, 'version', 'coherence'])
    const [absent, undefineds] = [{}, given].map((options) => {
      const { template, ...family } = compiledFamily(defineKeys({ a: { key: 'a:{id}', ...options } }).a) ?? {}
      return { ...family, template: template?.text }
    })
    expect(undefineds).toEqual(absent)
  })

  test('get_isAsIfLeftOut', async () => {
    expect(readWishes(undefinedToo(READ))).toEqual(readWishes(undefined))
    expect(readWishes({ timeout: { soft: undefined, hard: undefined } })).toEqual(readWishes(undefined))
    const { cache, clock } = openCache({ ttl: '5m' })
    const { load } = countingLoader()
    await cache.get('a', load, undefinedToo(READ))
    await clock.advance(milliseconds('5m') - 1)
    expect(await cache.get('a', load, undefinedToo(READ))).toBe(1)
    await clock.advance(1)
    expect(await cache.get('a', load, undefinedToo(READ))).toBe(2)
  })

  test('write_isAsIfLeftOut', async () => {
    expect(readTableChange({ table: 't', operation: undefined, rows: undefined })).toEqual({ table: 't' })
    const { cache } = openCache()
    const unit = cache.unitOfWork({ name: undefined, trace: undefined })
    unit.write('t', { operation: undefined, rows: undefined })
    unit.write('t', undefined)
    expect(unit.writes).toEqual([{ table: 't' }, { table: 't' }])
    const mark = await cache.mark('a')
    expect(await cache.set('a', 1, { mark, ttl: undefined })).toBe(true)
    await unit.rollback()
  })
})
