import { type Cache, defineKeys, type Loader, type ReadOptions } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import type { Store, StoreDriver } from '../../src/core/store.ts'
import { countingLoader, deferred, openCache, openFleet } from '../support/caches.ts'
import { openRedisCache } from '../support/redis-caches.ts'

const RELOAD = { freshness: 'reload' } as const
const keys = defineKeys({ user: 'user:{id}', small: { key: 'small:{id}', maxEntryBytes: 2_000 } })
const key = keys.small({ id: 1 })

const skipping =
  (value: string): Loader<string> =>
  ({ skip }) => {
    skip()
    return value
  }
const ending =
  (value: string): Loader<string> =>
  ({ setTtl }) => {
    setTtl(0)
    return value
  }

/** What a reload may bring and not keep, and how it is asked for. */
const unkept: [string, Loader<unknown>, ReadOptions][] = [
  ['of a loader that skips it', skipping('new'), RELOAD],
  ['of a lifetime of 0, by its loader', ending('new'), RELOAD],
  ['of a lifetime of 0, by its reader', () => 'new', { ...RELOAD, ttl: 0 }],
  ['that is too large', () => 'new'.repeat(10_000), RELOAD],
  ['that no codec takes', () => new (class Row {})(), RELOAD],
]

/** Two processes of one application that share their values. */
const shared: [string, () => Promise<readonly [Cache, Cache]>][] = [
  [
    'the in-process store',
    async () => {
      const { fleet } = await openFleet(2, { keys })
      return [fleet[0] as Cache, fleet[1] as Cache]
    },
  ],
  [
    'a real Redis',
    async () => {
      const one = openRedisCache({ keys })
      const other = openRedisCache({ keys, name: one.name })
      await Promise.all([one.cache.ready(), other.cache.ready()])
      return [one.cache as Cache, other.cache as Cache]
    },
  ],
]

const alone = unkept.filter(([title]) => title !== 'that no codec takes')

describe.each(shared)('over %s, a reload', (_, open) => {
  test.each(unkept)('%s leaves nothing older', async (_, load, options) => {
    const [cache, other] = await open()
    for (const one of [cache, other]) expect(await one.get(key, () => 'old')).toBe('old')
    expect(await cache.get(key, load, options)).not.toBe('old')
    expect(cache.peek(key)).toBeUndefined()
    expect(await cache.get(key, () => 'newer')).toBe('newer')
    expect(await other.get(key, () => 'newest', { freshness: 'committed' })).toBe('newer')
  })

  test('of many, of a lifetime of 0, leaves nothing older', async () => {
    const [cache] = await open()
    const two = [keys.user({ id: 1 }), keys.user({ id: 2 })]
    const load = (value: string) => async (missing: readonly string[]) => missing.map(() => value)
    await cache.getMany(two, load('old'))
    expect(await cache.getMany(two, load('new'), { ...RELOAD, ttl: 0 })).toEqual(['new', 'new'])
    expect(await cache.getMany(two, load('newer'))).toEqual(['newer', 'newer'])
  })

  test('that is kept voids nothing', async () => {
    const [cache] = await open()
    const told = vi.fn()
    cache.on('invalidated', told)
    await cache.get(key, () => 'old')
    await cache.get(key, () => 'new', RELOAD)
    expect(await cache.get(key, () => 'newer')).toBe('new')
    expect(told).not.toHaveBeenCalled()
  })
})

describe('with memory alone, a reload', () => {
  test.each(alone)('%s leaves nothing older, and tells of it', async (_, load, options) => {
    const { cache } = openCache({ keys })
    const told = vi.fn()
    cache.on('invalidated', told)
    await cache.get(key, () => 'old')
    await cache.get(key, load, options)
    expect(cache.peek(key)).toBeUndefined()
    expect(told.mock.calls.map(([{ receipt }]) => receipt.keys)).toEqual([[key]])
    expect(await cache.get(key, () => 'newer')).toBe('newer')
  })

  test('that keeps nothing has a load that began before it keep nothing either', async () => {
    const { cache } = openCache({ keys })
    const held = deferred<string>()
    const before = cache.get(key, () => held.promise)
    await settle()
    await cache.get(key, skipping('new'), RELOAD)
    held.resolve('old')
    expect(await before).toBe('old')
    expect(cache.peek(key)).toBeUndefined()
  })

  test('inside a unit voids nothing: what it saw may be rolled back', async () => {
    const { cache } = openCache({ keys })
    await cache.get(key, () => 'old')
    const unit = cache.unitOfWork()
    await unit.run(() => cache.get(key, () => 'uncommitted', { ...RELOAD, ttl: 0 }))
    await unit.run(() => cache.get(key, skipping('uncommitted'), RELOAD))
    await unit.rollback()
    expect(cache.peek(key)).toBe('old')
  })

  test('that fails leaves what there is', async () => {
    const { cache } = openCache({ keys })
    await cache.get(key, () => 'old')
    await expect(cache.get(key, () => Promise.reject(new Error('no')), RELOAD)).rejects.toThrow('no')
    expect(cache.peek(key)).toBe('old')
  })
})

test('a reload while the store is away: what it was to replace is not answered once it is back', async () => {
  const clock = manualClock()
  let away = false
  const store = memoryStore({
    clock,
    schedule: (step) => {
      if (!away) queueMicrotask(step)
    },
  })
  const { cache } = openCache({ keys, store, clock })
  await cache.ready()
  await cache.get(key, () => 'old')
  away = true
  const { load } = countingLoader()
  const reload = cache.get(key, load, RELOAD)
  await clock.advance(1_000)
  expect(await reload).toBe(1)
  away = false
  await clock.advance(5_000)
  expect(cache.health()).toMatchObject({ store: { status: 'connected' }, queue: { length: 0 } })
  expect(await cache.get(key, () => 'newer')).toBe('newer')
})

test('a reload that has lost its claim to nobody leaves nothing older', async () => {
  const { fleet, store, name } = await openFleet(1, { keys })
  const [cache] = fleet as [Cache]
  await cache.get(key, () => 'old')
  const held = deferred<string>()
  const reload = cache.get(key, () => held.promise, RELOAD)
  await settle()
  store.evictKey(name, name, key, 'claim')
  held.resolve('new')
  expect(await reload).toBe('new')
  expect(await cache.get(key, () => 'newer')).toBe('newer')
})

test('a reload that has lost its claim to nobody, on a real Redis, leaves nothing older', async () => {
  const { cache, client, name } = openRedisCache({ keys })
  await cache.ready()
  await cache.get(key, () => 'old')
  const load: Loader<string> = async () => {
    expect(await client.call('UNLINK', `cc:{${name}.0}:c:${name}:${key}`)).toBe(1)
    return 'new'
  }
  expect(await cache.get(key, load, RELOAD)).toBe('new')
  expect(await cache.get(key, () => 'newer')).toBe('newer')
})

test('a reload while its partition cannot be read leaves nothing older', async () => {
  const clock = manualClock()
  const behind = memoryStore({ clock })
  let moving = false
  const store: StoreDriver = {
    ...behind,
    connect(session) {
      const inner = behind.connect(session)
      const read: Store['read'] = async (items) => {
        const reply = await inner.read(items)
        if (!moving) return reply
        // As of a Cluster that is moving the slot to another server.
        const results = reply.results.map((one) => ({
          ...one,
          value: undefined,
          epoch: '',
          locked: true,
          claim: 'none' as const,
        }))
        return { positions: [], results }
      }
      return new Proxy(inner, {
        get(target, name) {
          if (name === 'read') return read
          const found: unknown = Reflect.get(target, name)
          return typeof found === 'function' ? found.bind(target) : found
        },
      })
    },
  }
  const { cache } = openCache({ keys, store, clock })
  await cache.ready()
  await cache.get(key, () => 'old')
  moving = true
  expect(await cache.get(key, () => 'new', RELOAD)).toBe('new')
  moving = false
  expect(await cache.get(key, () => 'newer')).toBe('newer')
})

test.each([
  ['another process', 1],
  ['its own', 0],
])('a reload that ends after a later one of %s leaves the value of that one', async (_, at) => {
  const { fleet } = await openFleet(2, { keys })
  const [cache, other] = [fleet[0], fleet[at]] as [Cache, Cache]
  await cache.get(key, () => 'old')
  const held = deferred<string>()
  const first = cache.get(key, () => held.promise, RELOAD)
  await settle()
  expect(await other.get(key, () => 'second', RELOAD)).toBe('second')
  await settle()
  held.resolve('first')
  expect(await first).toBe('first')
  expect(await cache.get(key, () => 'newer')).toBe('second')
})

test.each([
  ['another process', 1],
  ['its own', 0],
])('a reload that a fill by hand of %s overtakes leaves the key to that', async (_, at) => {
  const { fleet } = await openFleet(2, { keys })
  const [cache, other] = [fleet[0], fleet[at]] as [Cache, Cache]
  await cache.get(key, () => 'old')
  const held = deferred<string>()
  const reload = cache.get(key, () => held.promise, RELOAD)
  await settle()
  const mark = await other.mark(key)
  held.resolve('new')
  expect(await reload).toBe('new')
  expect(await other.set(key, 'by hand', { mark })).toBe(true)
  expect(await cache.get(key, () => 'newer')).toBe('by hand')
})

test.each([
  ['another process', 1],
  ['its own', 0],
])('a reload that a later one of %s overtakes leaves the key to that one', async (_, at) => {
  const { fleet } = await openFleet(2, { keys })
  const [cache, other] = [fleet[0], fleet[at]] as [Cache, Cache]
  await cache.get(key, () => 'old')
  const held = [deferred<string>(), deferred<string>()] as const
  const first = cache.get(key, () => held[0].promise, RELOAD)
  await settle()
  const second = other.get(key, () => held[1].promise, RELOAD)
  await settle()
  held[0].resolve('first')
  expect(await first).toBe('first')
  expect(cache.peek(key)).toBeUndefined()
  held[1].resolve('second')
  expect(await second).toBe('second')
  expect(await cache.get(key, () => 'newer')).toBe('second')
})
