import { type Cache, defineKeys, type } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { countingLoader, errorOf, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({ user: { key: 'user:{id}', value: type<number>() } })

describe('tokens', () => {
  test.each([
    '',
    'unreadable',
    '1~',
    '2~x',
    '%%%',
    '1~q~q',
    'a'.repeat(10_000),
    '1~aaaaaaaaaaaaaaaa.zzzzzzzzzzz',
    null,
  ])('get_withToken_%j_neverThrows', async (token) => {
    const { cache } = openCache()
    const { load } = countingLoader()
    expect(await cache.get('a', load, { token: token as string })).toBe(1)
    const session = cache.session(token as string)
    expect(await session.get('a', load)).toBeGreaterThanOrEqual(1)
    expect(typeof session.token).toBe('string')
    expect(await cache.session(session.token).get('a', load)).toBeGreaterThanOrEqual(1)
  })

  test.each([5, {}, ['1'], true])('session_withWhatIsNoText_%j_isRefused', async (token) => {
    const { cache } = openCache()
    const { load } = countingLoader()
    const wrong = token as unknown as string
    expect(() => cache.session(wrong)).toThrow(errorOf('INVALID_ARGUMENT', /session: .* is no token/))
    expect(() => cache.session().observe(wrong)).toThrow(errorOf('INVALID_ARGUMENT', /neither a receipt/))
    await expect(cache.get('a', load, { token: wrong })).rejects.toEqual(
      errorOf('INVALID_OPTION', /get: token/),
    )
    await expect(cache.session().get('a', load, { token: wrong })).rejects.toEqual(
      errorOf('INVALID_OPTION', /get: token/),
    )
  })

  test.each(['', null, undefined])('session_withNoToken_%j_isBehindNothing', (token) => {
    const { cache } = openCache()
    expect(cache.session(token).token).toBe('1')
  })

  test('session_ownReceipts_areBehindNothing_withMemoryAlone', async () => {
    const { cache } = openCache()
    const { load } = countingLoader()
    const session = cache.session()
    expect(session.token).toBe('1')
    session.observe(await cache.invalidate({ keys: ['a'] }))
    expect(session.token).not.toBe('1')
    expect(await session.get('a', load)).toBe(1)
    expect(await session.get('a', load)).toBe(1)
    expect(await session.getMany(['a'], () => [9])).toEqual([1])
    expect((await session.getEntry('a', load)).status).toBe('hit')
  })

  test('session_merges_whatItObserves_andWhatAReadAsksFor', async () => {
    const { cache } = openCache()
    const session = cache.session()
    const one = await cache.invalidate({ keys: ['a'] })
    session.observe(one.token)
    const other = await cache.invalidate({ keys: ['a'] })
    session.observe(other)
    expect(session.token).toBe(other.token)
    session.observe('broken')
    expect(session.token).toBe('unreadable')
    expect(await session.get('a', () => 1)).toBe(1)
    expect(session.token).toBe(other.token)
  })
})

describe('in a fleet', () => {
  /** Two instances, the second of which hears nothing until it is told. */
  async function deaf() {
    const held: (() => void)[] = []
    let hold = false
    const opened = await openFleet(2, {
      keys,
      schedule: (step, what) => {
        if (what === 'message' && hold) held.push(step)
        else queueMicrotask(step)
      },
    })
    await Promise.all(opened.fleet.map((cache) => cache.ready()))
    await settle()
    return {
      one: opened.fleet[0] as Cache,
      other: opened.fleet[1] as Cache,
      clock: opened.clock,
      hold: () => {
        hold = true
      },
      deliver: async () => {
        hold = false
        for (const step of held.splice(0)) step()
        await settle()
      },
    }
  }

  test('session_behindAWriteElsewhere_asksTheStore', async () => {
    const { one, other, hold, deliver } = await deaf()
    const { load } = countingLoader()
    await other.get('user:1', load)
    expect(other.peek('user:1')).toBe(1)
    hold()
    const receipt = await one.invalidate({ keys: ['user:1'] })
    // It has not heard: memory still answers, as bounded reads may for T.
    expect(await other.get('user:1', load)).toBe(1)
    const session = other.session(receipt.token)
    expect(await session.get('user:1', load)).toBe(2)
    await deliver()
    expect(await other.get('user:1', load)).toBe(2)
  })

  test('session_thatHasHeardSoFar_isAnsweredFromMemory', async () => {
    const { one, other } = await deaf()
    const { load } = countingLoader()
    const receipt = await one.invalidate({ keys: ['user:1'] })
    await settle()
    const session = other.session(receipt.token)
    expect(await session.get('user:1', load)).toBe(1)
    expect(await session.getEntry('user:1', load)).toMatchObject({ value: 1, tier: 'memory' })
  })

  test('session_getMany_ofAFamily_isBehindNothingEither', async () => {
    const { one, other, hold } = await deaf()
    await other.get(keys.user({ id: 1 }), () => 1)
    hold()
    const { token } = await one.invalidate({ keys: [keys.user({ id: 1 })] })
    const session = other.session(token)
    expect(await session.getMany(keys.user, [{ id: 1 }], () => [2])).toEqual([2])
  })

  test('session_unreadableToken_asksTheStore', async () => {
    const { one, other, hold } = await deaf()
    const { load } = countingLoader()
    await other.get('user:1', load)
    hold()
    await one.invalidate({ keys: ['user:1'] })
    expect(await other.get('user:1', load, { token: 'broken' })).toBe(2)
  })
})
