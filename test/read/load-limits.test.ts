import { createCache, defineKeys } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

/** Loaders that are held, and a note of which have been called. */
function held() {
  const called: string[] = []
  const ends = new Map<string, () => void>()
  const load = (key: string) => async () => {
    called.push(key)
    const { promise, resolve } = deferred<void>()
    ends.set(key, () => resolve())
    await promise
    return key
  }
  const end = async (key: string) => {
    ends.get(key)?.()
    await settle()
  }
  return { called, load, end }
}

describe('loads.concurrency', () => {
  test('no more run at once, the others in the order asked, and each gets its own value', async () => {
    const { cache } = openCache({ loads: { concurrency: 2 } })
    const { called, load, end } = held()
    const reads = ['a', 'b', 'c', 'd'].map((key) => cache.get(key, load(key)))
    await settle()
    expect([called, cache.stats().loadsWaiting]).toEqual([['a', 'b'], 2])
    await end('b')
    expect(called).toEqual(['a', 'b', 'c'])
    await end('a')
    await end('c')
    await end('d')
    expect(await Promise.all(reads)).toEqual(['a', 'b', 'c', 'd'])
    expect(cache.stats().loadsWaiting).toBe(0)
  })

  test('a load that fails gives its turn on', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const failing = cache.get('a', async () => {
      throw new Error('down')
    })
    const other = cache.get('b', async () => 2)
    await expect(failing).rejects.toThrow('down')
    expect(await other).toBe(2)
  })

  test('readers of one key share one turn, and a batch is one', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const { called, load, end } = held()
    const reads = [cache.get('a', load('a')), cache.get('a', load('a'))]
    const batch = cache.getMany(['x', 'y', 'z'], (missing) => missing.map((key) => key.toUpperCase()))
    await settle()
    expect([called, cache.stats().loadsWaiting]).toEqual([['a'], 1])
    await end('a')
    expect(await Promise.all([...reads, batch])).toEqual(['a', 'a', ['X', 'Y', 'Z']])
  })

  test('a load that reads through the cache does not wait for itself', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const composite = cache.get('all', async () => [
      await cache.get('one', async () => 1),
      ...(await cache.getMany(['two', 'three'], () => [2, 3])),
    ])
    expect(await composite).toEqual([1, 2, 3])
  })

  test('hits never wait', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    await cache.get('warm', async () => 1)
    const { load, end } = held()
    const slow = cache.get('a', load('a'))
    await settle()
    expect(await cache.get('warm', async () => 2)).toBe(1)
    await end('a')
    await slow
  })

  test('reads that keep nothing take turns too: the source is the same', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const { called, load, end } = held()
    const reads = ['a', 'b'].map((key) => cache.get(key, load(key), { ttl: 0 }))
    await settle()
    expect(called).toEqual(['a'])
    await end('a')
    await end('b')
    expect(await Promise.all(reads)).toEqual(['a', 'b'])
  })

  test('a load that waits holds its claim, so that no other process loads meanwhile', async () => {
    const { fleet, clock } = await openFleet(2, { loads: { concurrency: 1 } })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const { called, load, end } = held()
    const first = one.get('a', load('a'))
    const second = one.get('b', load('b'))
    await settle()
    const elsewhere = other.get('b', load('b, elsewhere'))
    await clock.advance(4_500)
    expect(called).toEqual(['a'])
    await end('a')
    await end('b')
    await clock.advance(100)
    expect(await Promise.all([first, second, elsewhere])).toEqual(['a', 'b', 'b'])
    expect(called).toEqual(['a', 'b'])
  })

  test('what was invalidated while its load waited is loaded after that', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const { load, end } = held()
    const slow = cache.get('a', load('a'))
    let value = 'old'
    const waiting = cache.get('b', async () => value)
    await settle()
    value = 'new'
    await cache.invalidate({ keys: ['b'] })
    const after = cache.get('b', async () => value)
    await end('a')
    expect(await Promise.all([slow, waiting, after])).toEqual(['a', 'new', 'new'])
    expect(await cache.get('b', async () => 'unexpected')).toBe('new')
  })
})

describe('loads.queue', () => {
  test('beyond it a read is refused at once, and the next one may pass again', async () => {
    const { cache } = openCache({ loads: { concurrency: 1, queue: 1 } })
    const { load, end } = held()
    const reads = [cache.get('a', load('a')), cache.get('b', load('b'))]
    await settle()
    await expect(cache.get('c', load('c'))).rejects.toEqual(errorOf('OVERLOADED'))
    await end('a')
    await end('b')
    expect(await Promise.all(reads)).toEqual(['a', 'b'])
    expect(await cache.get('c', async () => 'c')).toBe('c')
  })

  test('a value past its lifetime, where the read takes one, is answered instead', async () => {
    const { cache, clock } = openCache({ loads: { concurrency: 1, queue: 0 }, ttl: '1s' })
    await cache.get('a', async () => 'old')
    await clock.advance(2_000)
    const { load, end } = held()
    const slow = cache.get('b', load('b'))
    await settle()
    expect(await cache.get('a', async () => 'new', { staleIfError: '1m' })).toBe('old')
    await end('b')
    await slow
  })
})

describe('a load that waits for its turn', () => {
  test.each(['memory alone', 'a store'])(
    'does not when a load that has one comes to wait for it: over %s',
    async (where) => {
      const clock = manualClock()
      const store = where === 'a store' ? { store: memoryStore({ clock }) } : {}
      const { cache } = openCache({ ...store, loads: { concurrency: 1 }, clock })
      await cache.ready()
      const { promise, resolve } = deferred<void>()
      const whole = cache.get('whole', async () => {
        await promise
        return `whole of a ${await cache.get<string, string>('part', () => 'part of its own')}`
      })
      await settle()
      const part = cache.get<string, string>('part', () => 'part')
      await settle()
      expect(cache.stats().loadsWaiting).toBe(1)
      resolve()
      expect(await part).toBe('part')
      expect(await whole).toBe('whole of a part')
      expect(cache.stats().loadsWaiting).toBe(0)
    },
  )

  test('does not when that one comes to wait for what waits for it', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const { promise, resolve } = deferred<void>()
    const whole = cache.get('whole', async () => {
      await promise
      return `whole of a ${await cache.get<string, string>('middle', async () => `middle of a ${await part()}`)}`
    })
    const part = () => cache.get<string, string>('part', () => 'part')
    await settle()
    const waiting = part()
    await settle()
    resolve()
    expect(await whole).toBe('whole of a middle of a part')
    expect(await waiting).toBe('part')
  })

  test('is never begun once all its readers have given up, and its turn goes on', async () => {
    const { cache } = openCache({ loads: { concurrency: 1 } })
    const { called, load, end } = held()
    const first = cache.get('a', load('a'))
    await settle()
    const abort = new AbortController()
    const given = expect(cache.get('b', load('b'), { signal: abort.signal })).rejects.toEqual(
      errorOf('ABORTED'),
    )
    const third = cache.get('c', load('c'))
    await settle()
    abort.abort()
    await given
    await end('a')
    await end('c')
    expect(await Promise.all([first, third])).toEqual(['a', 'c'])
    expect(called).toEqual(['a', 'c'])
    expect(cache.stats().loadErrors).toBe(0)
  })
})

describe('a limit of one family', () => {
  const keys = defineKeys({
    report: { key: 'report:{id}', loads: { concurrency: 1 } },
    rate: 'rate:{id}',
  })

  test('holds its loads alone, under the limit of the cache', async () => {
    const { cache } = openCache({ keys, loads: { concurrency: 2 } })
    const { called, load, end } = held()
    const names = [keys.report({ id: 1 }), keys.report({ id: 2 }), keys.rate({ id: 1 }), keys.rate({ id: 2 })]
    const reads: Promise<unknown>[] = []
    for (const name of names) {
      reads.push(cache.get(name, load(name)))
      await settle()
    }
    expect(called).toEqual(['report:1', 'rate:1'])
    await end('report:1')
    expect(called).toHaveLength(3)
    for (const name of ['rate:1', ...names, ...names]) await end(name)
    expect(await Promise.all(reads)).toEqual(names)
  })

  test('a batch over families takes a turn of each, and never deadlocks with another', async () => {
    const both = defineKeys({
      a: { key: 'a:{id}', loads: { concurrency: 1 } },
      b: { key: 'b:{id}', loads: { concurrency: 1 } },
    })
    const { cache } = openCache({ keys: both })
    const load = async (missing: readonly string[]) => {
      await settle()
      return missing
    }
    const batches = [
      cache.getMany(['a:1', 'b:1'], load),
      cache.getMany(['b:2', 'a:2'], load),
      cache.getMany(['a:3', 'b:3'], load),
    ]
    expect(await Promise.all(batches)).toEqual([
      ['a:1', 'b:1'],
      ['b:2', 'a:2'],
      ['a:3', 'b:3'],
    ])
  })
})

test.each([
  [{ concurrency: 0 }, 'loads.concurrency'],
  [{ concurrency: 1.5 }, 'loads.concurrency'],
  [{ concurrency: 1, queue: -1 }, 'loads.queue'],
  [{ concurency: 1 }, 'concurrency'],
  [5, 'loads'],
])('createCache refuses loads: %j', (loads, named) => {
  expect(() => createCache({ name: 'shop', loads: loads as never, store: memoryStore() })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(named) }),
  )
})
