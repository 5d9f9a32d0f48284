import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { deferred, errorOf, heldLoader, openCache, openFleet } from '../support/caches.ts'

const memoryAlone = async () => openCache()
const sharedStore = async () => {
  const { fleet, clock } = await openFleet(1)
  return { cache: fleet[0] as NonNullable<(typeof fleet)[0]>, clock }
}

describe.each([
  ['memory alone', memoryAlone],
  ['a shared store', sharedStore],
])('over %s', (_, open) => {
  test('load_thatReadsItsOwnKey_isRefused_namingTheCircle', async () => {
    const { cache } = await open()
    const a = () => cache.get<string, number>('a', b)
    const b = () => cache.get<string, number>('b', c)
    const c = (): Promise<number> => cache.get<string, number>('a', () => 1)
    await expect(cache.get('a', b)).rejects.toEqual(
      errorOf('CIRCULAR_LOAD', /Loading "a" reads "b" → "a": it waits for itself/),
    )
    await expect(a()).rejects.toEqual(errorOf('CIRCULAR_LOAD'))
    await expect(cache.getMany<string, number>(['x', 'a'], async () => [1, await a()])).rejects.toEqual(
      errorOf('CIRCULAR_LOAD'),
    )
  })

  test('load_thatReadsItsOwnKey_throughGetManyOrGetEntry_isRefused', async () => {
    const { cache } = await open()
    const many = () => cache.getMany<string, number>(['b', 'a'], () => [1, 2])
    await expect(cache.get<string, unknown>('a', many)).rejects.toEqual(errorOf('CIRCULAR_LOAD'))
    const entry = () => cache.getEntry<string, number>('a', () => 1)
    await expect(cache.get<string, unknown>('a', entry)).rejects.toEqual(errorOf('CIRCULAR_LOAD'))
  })

  test('load_thatReadsOthers_isNoCircle', async () => {
    const { cache } = await open()
    const leaf = vi.fn(async () => 1)
    const sum = async () => {
      const [x, y, z] = await Promise.all([
        cache.get('leaf', leaf),
        cache.get('leaf', leaf),
        cache.getMany<string, number>(['leaf', 'other'], (missing) => missing.map(() => 2)),
      ])
      return x + y + (z[0] as number) + (z[1] as number)
    }
    expect(await cache.get('sum', sum)).toBe(5)
    expect(leaf).toHaveBeenCalledTimes(1)
  })

  /** Two loaders, each of which reads the other's key: whichever comes second must not wait for the first for ever. */
  test('twoLoads_thatWaitForEachOther_end', async () => {
    const { cache, clock } = await open()
    const both = deferred<void>()
    const loads = { a: 0, b: 0 }
    const a = async (): Promise<string> => {
      loads.a++
      await both.promise
      return `a(${await cache.get('b', async () => 'b alone')})`
    }
    const b = async (): Promise<string> => {
      loads.b++
      await both.promise
      return `b(${await cache.get('a', async () => 'a alone')})`
    }
    const reads = Promise.all([cache.get('a', a), cache.get('b', b)])
    await settle()
    both.resolve()
    await within(reads, clock)
    expect(await reads).toEqual([expect.stringMatching(/^a\(b/), expect.stringMatching(/^b\(a/)])
    expect(loads).toEqual({ a: 1, b: 1 })
  })

  test('threeLoads_inARing_end', async () => {
    const { cache, clock } = await open()
    const all = deferred<void>()
    const names = ['a', 'b', 'c']
    const load = (at: number) => async (): Promise<string> => {
      await all.promise
      const next = names[(at + 1) % 3] as string
      return `${names[at]}(${await cache.get(next, async () => `${next} alone`)})`
    }
    const reads = Promise.all(names.map((name, at) => cache.get(name, load(at))))
    await settle()
    all.resolve()
    await within(reads, clock)
    for (const value of await reads) expect(value).toMatch(/^[abc]\(/)
  })

  test('twoBatches_thatWaitForEachOther_end', async () => {
    const { cache, clock } = await open()
    const both = deferred<void>()
    const batch = (mine: string[], theirs: string[]) =>
      cache.getMany(mine, async (missing) => {
        await both.promise
        const others = await cache.getMany(theirs, (names) => names.map((name) => `${name} alone`))
        return missing.map((name) => `${name}(${others.join()})`)
      })
    const reads = Promise.all([batch(['a', 'b'], ['c', 'd']), batch(['c', 'd'], ['a', 'b'])])
    await settle()
    both.resolve()
    await within(reads, clock)
    expect((await reads).flat()).toHaveLength(4)
  })

  test('aBatchAndALoad_thatWaitForEachOther_end', async () => {
    const { cache, clock } = await open()
    const both = deferred<void>()
    const batch = cache.getMany(['a', 'b'], async (missing) => {
      await both.promise
      const c = await cache.get('c', async () => 'c alone')
      return missing.map((name) => `${name}(${c})`)
    })
    const single = cache.get('c', async () => {
      await both.promise
      const parts = await cache.getMany(['b', 'x'], (names) => names.map((name) => `${name} alone`))
      return `c(${parts.join()})`
    })
    const reads = Promise.all([batch, single])
    await settle()
    both.resolve()
    await within(reads, clock)
    expect(await reads).toBeDefined()
  })

  test('aLoadThatWasSuperseded_stillCountsAsWaiting', async () => {
    // b waits for the first load of a; a is invalidated and loaded again by somebody else; then the first load of a
    // reads b. It must not wait for what waits for it.
    const { cache, clock } = await open()
    const go = deferred<void>()
    const first = cache.get('a', async () => {
      await go.promise
      return `a(${await cache.get('b', async () => 'b alone')})`
    })
    await settle()
    const outer = cache.get('b', async () => `b(${await cache.get('a', async () => 'a alone')})`)
    await settle()
    await cache.invalidate({ keys: ['a'] })
    const second = heldLoader<string>()
    const later = cache.get('a', second.load)
    await second.call()
    go.resolve()
    const reads = Promise.all([first, outer])
    await within(reads, clock)
    expect(await reads).toBeDefined()
    ;(await second.call()).resolve('a again')
    expect(await later).toBe('a again')
  })

  test('workThatALoadLeftBehind_mayReadItsKeyLater', async () => {
    const { cache } = await open()
    const later = deferred<void>()
    let background: Promise<number> | undefined
    const first = await cache.get('a', async () => {
      background = later.promise.then(() => cache.get<string, number>('a', () => 2))
      return 1
    })
    expect(first).toBe(1)
    // Some other load is under way, so that the process is certain to look at what surrounds a read.
    const other = heldLoader<number>()
    const unrelated = cache.get('unrelated', other.load)
    await other.call()
    later.resolve()
    expect(await background).toBe(1)
    ;(await other.call()).resolve(0)
    await unrelated
  })
})

test('manyLayersOfComposites_areJoinedQuickly', async () => {
  const { cache } = openCache()
  const layers = 26
  const load = (layer: number) => async (): Promise<number> => {
    if (layer === layers) {
      await settle()
      return 1
    }
    const parts = await Promise.all(
      [0, 1].map((side) => cache.get<string, number>(`l${layer + 1}-${side}`, load(layer + 1))),
    )
    return (parts[0] as number) + (parts[1] as number)
  }
  const started = performance.now()
  expect(await cache.get('l0-0', load(0))).toBe(2 ** layers)
  expect(performance.now() - started).toBeLessThan(2_000)
})

/** Moves the clock until the promise settles, and fails if ten seconds of it do not suffice. */
async function within(
  promise: Promise<unknown>,
  clock: { advance(ms: number): Promise<void> },
): Promise<void> {
  let settled = false
  promise.then(
    () => {
      settled = true
    },
    () => {
      settled = true
    },
  )
  for (let second = 0; second < 100 && !settled; second++) await clock.advance(100)
  expect(settled, 'ended within ten seconds').toBe(true)
}
