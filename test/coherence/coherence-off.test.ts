import { defineDependencies, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { errorOf, heldLoader, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({ plain: { key: 'plain:{id}', coherence: 'off' }, coherent: 'coherent:{id}' })
const dependencies = defineDependencies({ tables: { t: ['plain:*', 'coherent:*', 'raw*'] } })
const open = (coherence?: 'on' | 'off') =>
  openCache({ keys, dependencies, ...(coherence === undefined ? {} : { coherence }) })

async function filled(cache: ReturnType<typeof open>['cache']) {
  for (const key of ['plain:1', 'coherent:1', 'raw1']) await cache.get(key, () => key)
}
const held = (cache: ReturnType<typeof open>['cache']) =>
  ['plain:1', 'coherent:1', 'raw1'].filter((key) => cache.peek(key) !== undefined)

describe('off', () => {
  test('off_family_isLeftToItsLifetime', async () => {
    const { cache, clock } = open()
    await filled(cache)
    await cache.invalidate({ table: 't' })
    expect(held(cache)).toEqual(['plain:1'])
    await clock.advance(300_000)
    expect(held(cache)).toEqual([])
  })

  test('off_wholeCache_isLeftToItsLifetimes', async () => {
    const { cache } = open('off')
    await filled(cache)
    await cache.invalidate({ table: 't' })
    expect(held(cache)).toEqual(['plain:1', 'coherent:1', 'raw1'])
  })

  test.each([
    ['its key', { keys: ['plain:1'] }],
    ['a pattern that the map does not know', { pattern: 'plain:1*' }],
  ])('off_%s_isStillInvalidated', async (_, request) => {
    const { cache } = open('off')
    await filled(cache)
    await cache.invalidate(request)
    expect(held(cache)).toEqual(['coherent:1', 'raw1'])
  })

  test('off_clear_stillClears', async () => {
    const { cache } = open('off')
    await filled(cache)
    await cache.clear()
    expect(held(cache)).toEqual([])
  })

  test('off_loadsAcrossAKeysInvalidation_areStillNotKept', async () => {
    const { cache } = open('off')
    const { load, call } = heldLoader<number>()
    const read = cache.get('plain:1', load)
    await call()
    await cache.invalidate({ keys: ['plain:1'] })
    ;(await call()).resolve(1)
    await read
    expect(cache.peek('plain:1')).toBeUndefined()
  })
})

describe('setCoherence', () => {
  test('setCoherence_off_andBackOn_ofAFamily', async () => {
    const { cache } = open()
    cache.setCoherence('off', keys.coherent)
    await filled(cache)
    await cache.invalidate({ table: 't' })
    expect(held(cache)).toEqual(['plain:1', 'coherent:1'])
    cache.setCoherence('on', keys.coherent)
    cache.setCoherence('on', { family: 'plain' })
    // What was filled without stamps is not believed any more.
    expect(held(cache)).toEqual([])
    await filled(cache)
    await cache.invalidate({ table: 't' })
    expect(held(cache)).toEqual([])
  })

  test('setCoherence_ofTheWholeCache_atRunTime', async () => {
    const { cache } = open()
    await filled(cache)
    cache.setCoherence('off')
    expect(held(cache)).toEqual([])
    await filled(cache)
    await cache.invalidate({ table: 't' })
    expect(held(cache)).toEqual(['plain:1', 'coherent:1', 'raw1'])
    cache.setCoherence('on')
    expect(held(cache)).toEqual([])
    await filled(cache)
    await cache.invalidate({ table: 't' })
    expect(held(cache)).toEqual(['plain:1'])
  })

  test('setCoherence_whileALoadRuns_theLoadIsNotKeptUnderTheOldRule', async () => {
    const { cache } = open()
    cache.setCoherence('off', keys.coherent)
    const { load, call } = heldLoader<number>()
    const read = cache.get('coherent:1', load)
    await call()
    cache.setCoherence('on', keys.coherent)
    ;(await call()).resolve(1)
    expect(await read).toBe(1)
    await cache.invalidate({ table: 't' })
    expect(cache.peek('coherent:1')).toBeUndefined()
  })

  test('setCoherence_whileAValueIsOnItsWay_itsLoadIsKeptUnderTheNewRule', async () => {
    const { fleet, clock } = await openFleet(1, { keys, dependencies, memory: { maxEntries: 1 } })
    const [cache] = fleet as [(typeof fleet)[0]]
    cache.setCoherence('off', keys.coherent)
    await cache.get('coherent:1', () => 'ended', { ttl: 700 })
    await cache.get('raw1', () => 'raw1')
    await clock.advance(400)
    await cache.get('raw1', () => 'raw1')
    await clock.advance(400)
    // Under a lease, and evicted from memory: asked for alone, in vain.
    const read = cache.get('coherent:1', () => 'old')
    cache.setCoherence('on', keys.coherent)
    expect(await read).toBe('old')
    await cache.invalidate({ table: 't' })
    expect(await cache.get('coherent:1', () => 'new')).toBe('new')
  })

  test('setCoherence_refused', () => {
    const { cache } = open()
    expect(() => cache.setCoherence('maybe' as never)).toThrow(errorOf('INVALID_OPTION') as Error)
    expect(() => cache.setCoherence('off', { family: 'nobody' })).toThrow(
      errorOf('UNKNOWN_FAMILY', /"nobody"/) as Error,
    )
    expect(() => cache.setCoherence('off', 'plain' as never)).toThrow(errorOf('UNKNOWN_FAMILY') as Error)
  })
})
