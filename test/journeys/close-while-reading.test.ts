import { createCache } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { errorOf, heldLoader, openCache } from '../support/caches.ts'

describe('close', () => {
  test('close_fromTheFirstMoment_memoryAnswersNothing', async () => {
    // Invalidations are refused from now on, so that what memory holds can be made void no more.
    const { cache } = openCache()
    await cache.get('a', () => 1)
    const { load, call } = heldLoader<number>()
    void cache.get('slow', load)
    await call()
    const closing = cache.close()
    expect(cache.peek('a')).toBeUndefined()
    expect(await cache.get<string, number>('a', () => 2)).toBe(2)
    ;(await call()).resolve(1)
    await closing
  })

  test('close_badTimeout_rejects_andTheCacheStaysOpen', async () => {
    const { cache } = openCache()
    const outcome = (async () => cache.close({ timeout: 'soon' as never }))()
    await expect(outcome).rejects.toEqual(errorOf('INVALID_DURATION', /close: timeout/))
    await expect((async () => cache.close({ timout: '1s' } as never))()).rejects.toEqual(
      errorOf('INVALID_OPTION'),
    )
    await cache.get('a', () => 1)
    expect(cache.peek('a')).toBe(1)
  })

  test('close_openMarks_areGivenUpAtOnce_ratherThanWaitedFor', async () => {
    // Nothing of a mark goes on by itself: there is nothing to wait for, and a process may have ended by then.
    const { cache, clock } = openCache()
    await cache.mark('a')
    let report: unknown
    void cache.close().then((one) => {
      report = one
    })
    await settle()
    expect(report).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(clock.pending).toBe(0)
  })
})

describe('createCache', () => {
  test.each([
    [
      'a store that cannot connect',
      {
        store: {
          kind: 'broken',
          holdsValues: true,
          connect() {
            throw new Error('broken')
          },
        },
      },
    ],
    ['more entries than can be', { memory: { maxEntries: Number.MAX_SAFE_INTEGER } }],
  ])('createCache_%s_leavesTheNameFree', (_, options) => {
    expect(() => createCache({ name: 'half-open', ...(options as object) })).toThrow()
    expect(() => openCache({ name: 'half-open' })).not.toThrow()
  })
})
