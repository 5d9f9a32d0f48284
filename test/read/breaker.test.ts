import { defineKeys } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { heldLoader, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({
  report: { key: 'report:{id}', ttl: '10s', staleIfError: '1h' },
  other: 'other:{id}',
})
const key = (id: number) => keys.report({ id })

/** A loader that fails until told otherwise, and counts its calls. */
function failing() {
  const state = { calls: 0, works: false }
  const load = async () => {
    state.calls++
    if (!state.works) throw new Error(`failure ${state.calls}`)
    return 'new'
  }
  return { state, load }
}

/** A cache whose reports have all expired. */
async function expired(count = 1, options: object = {}) {
  const opened = openCache({ keys, ...options })
  for (let id = 1; id <= count; id++) await opened.cache.get(key(id), () => 'old')
  await opened.clock.advance(10_000)
  return opened
}

describe('a key whose load fails', () => {
  test('rests from its first failure, twice as long each time, and is loaded again after that', async () => {
    const { cache, clock } = await expired()
    const { state, load } = failing()
    const rests: number[] = []
    cache.on('rest', ({ pauseMs, family }) => family === undefined && rests.push(pauseMs))
    const callsAfter = async (milliseconds: number) => {
      await clock.advance(milliseconds)
      for (let read = 0; read < 3; read++) expect(await cache.get(key(1), load)).toBe('old')
      return state.calls
    }
    expect(await callsAfter(0)).toBe(1)
    expect(await callsAfter(999)).toBe(1)
    expect(await callsAfter(1)).toBe(2)
    expect(await callsAfter(1_999)).toBe(2)
    expect(await callsAfter(1)).toBe(3)
    for (let at = 0; at < 6; at++) await callsAfter(30_000)
    expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
    state.works = true
    await clock.advance(30_000)
    expect(await cache.get(key(1), load)).toBe('new')
    await clock.advance(10_000)
    state.works = false
    const { calls } = state
    expect(await cache.get(key(1), load)).toBe('new')
    await clock.advance(1_000)
    expect(await cache.get(key(1), load)).toBe('new')
    expect(state.calls).toBe(calls + 2)
  })

  test('is loaded at once for a reader that has nothing else to answer', async () => {
    const { cache } = await expired()
    const { state, load } = failing()
    expect(await cache.get(key(1), load)).toBe('old')
    await expect(cache.get(key(1), load, { staleIfError: 0 })).rejects.toThrow('failure 2')
    state.works = true
    expect(await cache.get(key(1), load, { staleIfError: 0 })).toBe('new')
    expect(await cache.get(key(1), load)).toBe('new')
  })

  test('a reader with nothing to answer that shares a spared flight gets a load of its own', async () => {
    const { cache, clock } = await expired()
    const { state, load } = failing()
    expect(await cache.get(key(1), load)).toBe('old')
    state.works = true
    const reads = [
      cache.get(key(1), load),
      cache.get(key(1), load, { staleIfError: 0 }),
      cache.getMany([key(1)], async () => [await load()], { staleIfError: 0 }),
    ]
    await settle()
    await clock.advance(100)
    expect(await Promise.all(reads)).toEqual(['old', 'new', ['new']])
  })

  test('invalidated meanwhile is loaded: there is nothing to answer any more', async () => {
    const { cache } = await expired()
    const { state, load } = failing()
    expect(await cache.get(key(1), load)).toBe('old')
    await cache.invalidate({ keys: [key(1)] })
    await expect(cache.get(key(1), load)).rejects.toThrow('failure 2')
    expect(state.calls).toBe(2)
  })

  test('a value that another process has filled meanwhile is answered, rest or not', async () => {
    const { fleet, clock } = await openFleet(2, { keys })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    await one.get(key(1), () => 'old')
    await clock.advance(10_000)
    const { load } = failing()
    expect(await one.get(key(1), load)).toBe('old')
    expect(await other.get(key(1), () => 'new')).toBe('new')
    expect(await one.get(key(1), load)).toBe('new')
  })

  test('with stale while revalidate, background refreshes rest too', async () => {
    const { cache, clock } = await expired(1, { staleWhileRevalidate: '1h' })
    const { state, load } = failing()
    for (let read = 0; read < 20; read++) {
      expect(await cache.get(key(1), load)).toBe('old')
      await clock.advance(100)
    }
    expect(state.calls).toBe(2)
  })

  test('breaker: false loads at every read', async () => {
    const { cache } = await expired(1, { breaker: false })
    const { state, load } = failing()
    for (let read = 0; read < 5; read++) expect(await cache.get(key(1), load)).toBe('old')
    expect(state.calls).toBe(5)
  })
})

describe('a family whose loads fail', () => {
  test('rests as a whole after several in a row, and one load is tried after that', async () => {
    const { cache, clock } = await expired(20)
    const { state, load } = failing()
    const rests: (string | undefined)[] = []
    cache.on('rest', ({ family }) => rests.push(family))
    for (let id = 1; id <= 20; id++) expect(await cache.get(key(id), load)).toBe('old')
    expect(state.calls).toBe(5)
    expect(rests.filter((family) => family === 'report')).toHaveLength(1)
    await clock.advance(1_000)
    const { load: hold, calls, call } = heldLoader<string>()
    const reads = [11, 12, 13].map((id) => cache.get(key(id), hold))
    await settle()
    expect(calls).toHaveLength(1)
    ;(await call()).resolve('new')
    expect(await Promise.all(reads)).toEqual(['new', 'old', 'old'])
    state.works = true
    expect(await cache.get(key(14), load)).toBe('new')
  })

  test('others are not concerned, and a success in between begins the count anew', async () => {
    const { cache } = await expired(10)
    const { state, load } = failing()
    await cache.get(keys.other({ id: 1 }), () => 1)
    for (let id = 1; id <= 4; id++) await cache.get(key(id), load)
    await cache.get(key(99), () => 'fine')
    for (let id = 5; id <= 8; id++) await cache.get(key(id), load)
    expect(state.calls).toBe(8)
    expect(await cache.get(keys.other({ id: 2 }), () => 2)).toBe(2)
  })

  test('a batch that fails counts once', async () => {
    const { cache } = await expired(10)
    const rests: (string | undefined)[] = []
    cache.on('rest', ({ family }) => rests.push(family))
    const ids = Array.from({ length: 10 }, (_, at) => key(at + 1))
    const values = await cache.getMany<string, string>(ids, () => Promise.reject(new Error('down')))
    expect(values).toEqual(ids.map(() => 'old'))
    expect(rests).not.toContain('report')
  })

  test('what is refused for want of a turn says nothing of the source', async () => {
    const { cache } = await expired(2, { loads: { concurrency: 1, queue: 0 } })
    const { load, call } = heldLoader<string>()
    const slow = cache.get('raw', load)
    await call()
    expect(await cache.get(key(1), () => 'new')).toBe('old')
    ;(await call()).resolve('done')
    await slow
    expect(await cache.get(key(1), () => 'new')).toBe('new')
  })
})
