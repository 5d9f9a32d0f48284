import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { heldLoader, openFleet } from '../support/caches.ts'

const broken = () => Promise.reject(new Error('broken'))

/** Two processes of which the first has filled `a` with 'old', and whose lifetimes have ended since. */
async function expired(options: object, size = 2) {
  const { fleet, ...rest } = await openFleet(size, { ttl: '10s', ...options })
  const [one, other, third] = fleet as [(typeof fleet)[0], (typeof fleet)[0], (typeof fleet)[0]]
  await one.get('a', () => 'old')
  await rest.clock.advance(10_000)
  return { one, other, third, ...rest }
}

describe('a value past its lifetime in the store', () => {
  test('staleWhileRevalidate_aProcessThatNeverReadIt_isAnsweredAtOnce_oneLoadInTheFleet', async () => {
    const { one, other, third, clock } = await expired({ staleWhileRevalidate: '1m' }, 3)
    const { load, calls, call } = heldLoader<string>()
    expect(await other.getEntry('a', load)).toMatchObject({ value: 'old', status: 'stale', tier: 'store' })
    expect(await third.getEntry('a', load)).toMatchObject({ value: 'old', status: 'stale', tier: 'store' })
    expect(await one.get('a', load)).toBe('old')
    expect(await other.getMany('a'.split(''), () => [])).toEqual(['old'])
    ;(await call()).resolve('new')
    await settle()
    await clock.advance(100)
    expect(calls).toHaveLength(1)
    for (const cache of [one, other, third]) expect(await cache.get('a', load)).toBe('new')
  })

  test('staleWhileRevalidate_past_itsWindow_waits', async () => {
    const { other, clock } = await expired({ staleWhileRevalidate: '1m' })
    await clock.advance(60_000)
    expect(await other.get('a', () => 'new')).toBe('new')
  })

  test('staleIfError_aProcessThatNeverReadIt_isAnsweredWhenItsLoadFails', async () => {
    const { other } = await expired({ staleIfError: '1m' })
    expect(await other.getEntry('a', broken)).toMatchObject({ value: 'old', status: 'stale', tier: 'store' })
  })

  test('staleIfError_isNotTheWindowOfStaleWhileRevalidate', async () => {
    const { other, clock } = await expired({ staleIfError: '1h', staleWhileRevalidate: '1m' })
    await clock.advance(60_000)
    const { load, call } = heldLoader<string>()
    const read = other.get('a', load)
    ;(await call()).reject(new Error('broken'))
    expect(await read).toBe('old')
  })

  test('one load in the fleet, of which the others wait', async () => {
    const { one, other, clock } = await expired({ staleIfError: '1m' })
    const { load, calls, call } = heldLoader<string>()
    const reads = [one.get('a', load), other.get('a', load)]
    await clock.advance(100)
    await call()
    expect(calls).toHaveLength(1)
    ;(await call()).resolve('new')
    await clock.advance(100)
    expect(await Promise.all(reads)).toEqual(['new', 'new'])
    expect(one.stats().fills + other.stats().fills).toBe(2)
  })

  test('who waits for the load of another process is answered the old value when that fails for it too', async () => {
    const { one, other, clock } = await expired({ staleIfError: '1m' })
    const { load, call } = heldLoader<string>()
    const first = one.get('a', load)
    await call()
    const second = other.get('a', broken)
    await clock.advance(20)
    ;(await call()).reject(new Error('broken'))
    await clock.advance(100)
    expect(await Promise.all([first, second])).toEqual(['old', 'old'])
  })

  test('soft timeout: a process that never read it is answered the old value', async () => {
    const { other, clock } = await expired({ staleIfError: '1m' })
    const { load, call } = heldLoader<string>()
    const read = other.get('a', load, { timeout: { soft: '200ms' } })
    await call()
    await clock.advance(200)
    expect(await read).toBe('old')
    ;(await call()).resolve('new')
    await settle()
    expect(await other.get('a', load)).toBe('new')
  })
})

test('an older value in memory is not served once a newer one has been seen, though that is past its lifetime too', async () => {
  const { one, other, clock } = await expired({ staleWhileRevalidate: '1h' })
  const use = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 300) {
      await one.get('in use', () => true)
      await clock.advance(Math.min(left, 300))
    }
  }
  expect(await other.get('a', () => 'newer')).toBe('old')
  await settle()
  await use(10_000)
  const { load } = heldLoader<string>()
  // Memory is asked first; the store, in the background.
  expect(await one.get('a', load)).toBe('old')
  await settle()
  for (let read = 0; read < 3; read++) expect(await one.get('a', load)).toBe('newer')
})

describe('a void value', () => {
  test.each([
    ['before the read', false],
    ['while its load runs', true],
  ])('is never served as stale: invalidated %s', async (_, during) => {
    const { one, other, clock } = await expired({ staleIfError: '1m' })
    const { load, call } = heldLoader<string>()
    if (!during) await one.invalidate({ keys: ['a'] })
    const read = other.get('a', load, { timeout: { soft: '200ms' } })
    await call()
    if (during) await one.invalidate({ keys: ['a'] })
    await clock.advance(200)
    ;(await call()).reject(new Error('broken'))
    await expect(read).rejects.toThrow('broken')
  })

  test('staleWhileRevalidate_invalidatedBeforeTheRead_waits', async () => {
    const { one, other } = await expired({ staleWhileRevalidate: '1m' })
    await one.invalidate({ keys: ['a'] })
    expect(await other.get('a', () => 'new')).toBe('new')
  })

  test('staleWhileRevalidate_invalidatedWhileTheRefreshRuns_theRefreshIsNotKept', async () => {
    const { one, other } = await expired({ staleWhileRevalidate: '1m' })
    const { load, call } = heldLoader<string>()
    expect(await other.get('a', load)).toBe('old')
    await call()
    await one.invalidate({ keys: ['a'] })
    ;(await call()).resolve('too late')
    await settle()
    expect(await other.get('a', () => 'new')).toBe('new')
    expect(await one.get('a', () => 'unexpected')).toBe('new')
  })

  test('a value that was cleared is never served as stale, whoever asks', async () => {
    const { one, other } = await expired({ staleWhileRevalidate: '1m', staleIfError: '1m' })
    await other.clear()
    for (const cache of [one, other]) await expect(cache.get('a', broken)).rejects.toThrow('broken')
  })
})

test('background refresh: a reader that gives up does not end the load that others were promised', async () => {
  const { other } = await expired({ staleWhileRevalidate: '1m' })
  const { load, call } = heldLoader<string>()
  let signal: AbortSignal | undefined
  expect(
    await other.get('a', (context) => {
      signal = context.signal
      return load()
    }),
  ).toBe('old')
  const pending = await call()
  const controller = new AbortController()
  const impatient = other.get('a', load, { staleWhileRevalidate: 0, signal: controller.signal })
  const outcome = expect(impatient).rejects.toThrow(/gave up/)
  await settle()
  controller.abort()
  await outcome
  expect(signal?.aborted).toBe(false)
  pending.resolve('new')
  await settle()
  expect(await other.get('a', load)).toBe('new')
})
