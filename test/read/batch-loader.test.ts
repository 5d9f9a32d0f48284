import { batchLoader, defineDependencies, defineKeys } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({ user: 'user:{id}', other: 'other:{id}' })
const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
const user = (id: number) => keys.user({ id })

/** A loader that tells what it was asked for. */
function telling(options?: Parameters<typeof batchLoader>[1]) {
  const asked: string[][] = []
  const load = batchLoader<string>(async (missing) => {
    asked.push(missing.map(({ key }) => key))
    return missing.map(({ params }) => `user ${params.id}`)
  }, options)
  return { load, asked }
}

describe('gathering', () => {
  test('reads begun together are one load, and each gets its own value', async () => {
    const { cache } = openCache({ keys, loads: { concurrency: 1 } })
    const { load, asked } = telling()
    const reads = [1, 2, 3, 2].map((id) => cache.get<string, string>(user(id), load))
    expect(await Promise.all(reads)).toEqual(['user 1', 'user 2', 'user 3', 'user 2'])
    expect(asked).toEqual([['user:1', 'user:2', 'user:3']])
    expect(cache.stats().loads).toBe(1)
    expect(cache.peek(user(3))).toBe('user 3')
  })

  test('a promise later still belongs to it; what is in the cache does not', async () => {
    const { cache } = openCache({ keys })
    const { load, asked } = telling()
    await cache.get<string, string>(user(1), load)
    await Promise.all(
      [1, 2, 3].map(async (id) => {
        if (id > 2) await Promise.resolve()
        return cache.get<string, string>(user(id), load)
      }),
    )
    expect(asked).toEqual([['user:1'], ['user:2', 'user:3']])
  })

  test('over a store it is one trip for all', async () => {
    const { fleet } = await openFleet(2, { keys })
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    const { load, asked } = telling()
    await one.get<string, string>(user(2), load)
    const reads = [1, 2, 3].map((id) => other.get<string, string>(user(id), load))
    expect(await Promise.all(reads)).toEqual(['user 1', 'user 2', 'user 3'])
    expect(asked).toEqual([['user:2'], ['user:1', 'user:3']])
  })

  test('window: the first waits that long for others', async () => {
    const { cache, clock } = openCache({ keys })
    const { load, asked } = telling({ window: '5ms' })
    const reads = [cache.get<string, string>(user(1), load)]
    await clock.advance(4)
    reads.push(cache.get<string, string>(user(2), load))
    await settle()
    expect(asked).toEqual([])
    await clock.advance(1)
    expect(await Promise.all(reads)).toEqual(['user 1', 'user 2'])
    expect(asked).toEqual([['user:1', 'user:2']])
    expect(clock.pending).toBe(0)
  })

  test('max: a full window closes at once', async () => {
    const { cache, clock } = openCache({ keys })
    const { load, asked } = telling({ window: '1s', max: 2 })
    const reads = [1, 2, 3].map((id) => cache.get<string, string>(user(id), load))
    await settle()
    expect(asked).toEqual([['user:1', 'user:2']])
    await clock.advance(1_000)
    await Promise.all(reads)
    expect(asked).toEqual([['user:1', 'user:2'], ['user:3']])
  })

  test('each loader has windows of its own', async () => {
    const { cache } = openCache({ keys })
    const [one, other] = [telling(), telling()]
    await Promise.all([
      cache.get<string, string>(user(1), one.load),
      cache.get<string, string>(keys.other({ id: 1 }), other.load),
    ])
    expect([one.asked, other.asked]).toEqual([[['user:1']], [['other:1']]])
  })

  test('what it throws reaches everybody, and a wrong shape says so', async () => {
    const { cache } = openCache({ keys })
    const broken = batchLoader<string>(() => Promise.reject(new Error('broken')))
    const reads = [1, 2].map((id) => cache.get<string, string>(user(id), broken))
    for (const read of reads) await expect(read).rejects.toThrow('broken')
    const short = batchLoader<string>(() => [])
    await expect(cache.get<string, string>(user(1), short)).rejects.toEqual(
      errorOf('BATCH_SHAPE', /batchLoader/),
    )
    const map = batchLoader<string>((missing) => new Map(missing.map(({ key }) => [key, key])))
    expect(await cache.get<string, string>(user(1), map)).toBe('user:1')
  })
})

describe('of a family', () => {
  const asked: unknown[] = []
  const users = batchLoader(keys.user, async (missing) => {
    asked.push(missing)
    return new Map(missing.map((item) => [item, `user ${item.params.id}`]))
  })
  beforeEach(() => void asked.splice(0))

  test('its loader is told parameters, in caches that do not know the family too', async () => {
    for (const options of [{ keys }, {}]) {
      const { cache } = openCache(options)
      const reads = [1, 2].map((id) => cache.get(user(id), users))
      expect(await Promise.all(reads)).toEqual(['user 1', 'user 2'])
    }
    const both = [1, 2].map((id) => ({ key: `user:${id}`, params: { id: `${id}` } }))
    expect(asked).toEqual([both, both])
  })

  test('a key of another family is refused, alone, wherever it is read', async () => {
    const { cache } = openCache({ keys })
    const other = keys.other({ id: 1 })
    const mine = cache.get(user(1), users)
    const refused = errorOf('INVALID_ARGUMENT', /batchLoader: "other:1" is no key of the family "user"/)
    await expect(cache.get(other, users)).rejects.toEqual(refused)
    await expect(cache.get(other, users, { ttl: 0 })).rejects.toEqual(refused)
    await expect(cache.get<string, unknown>('all', () => cache.get(other, users))).rejects.toEqual(refused)
    expect(await mine).toBe('user 1')
    expect(asked).toEqual([[{ key: 'user:1', params: { id: '1' } }]])
  })

  test('its options stand third', () => {
    expect(() => batchLoader(keys.user, () => [], { max: 0 })).toThrow(errorOf('INVALID_OPTION') as Error)
    expect(() => batchLoader(keys.user, 7 as never)).toThrow(errorOf('INVALID_ARGUMENT') as Error)
  })
})

describe('the rules hold', () => {
  test('invalidated while the window is open: reads from before and after are not mixed up', async () => {
    const { cache, clock } = openCache({ keys, dependencies })
    let value = 'old'
    const loads: string[][] = []
    const load = batchLoader<string>(
      async (missing) => {
        loads.push(missing.map(({ key }) => key))
        return missing.map(() => value)
      },
      { window: '5ms' },
    )
    const before = cache.get<string, string>(user(1), load)
    value = 'new'
    await cache.invalidate({ table: 'users', rows: [{ id: 1 }] })
    const after = cache.get<string, string>(user(1), load)
    await clock.advance(10)
    expect(await after).toBe('new')
    expect(await before).toBe('new')
    expect(await cache.get<string, string>(user(1), load)).toBe('new')
  })

  test('invalidated while the load runs: that value alone is not kept', async () => {
    const { cache } = openCache({ keys, dependencies })
    const held = deferred<void>()
    const load = batchLoader<string>(async (missing) => {
      await held.promise
      return missing.map(() => 'old')
    })
    const reads = [1, 2].map((id) => cache.get<string, string>(user(id), load))
    await settle()
    await cache.invalidate({ table: 'users', rows: [{ id: 1 }], operation: 'insert' })
    held.resolve()
    await Promise.all(reads)
    expect([cache.peek(user(1)), cache.peek(user(2))]).toEqual([undefined, 'old'])
  })

  test('the signal is aborted when the last waiter has gone, not before', async () => {
    const { cache } = openCache({ keys })
    const controllers = [new AbortController(), new AbortController()]
    let signal: AbortSignal | undefined
    const load = batchLoader<string>((_, context) => {
      signal = context.signal
      return new Promise<string[]>(() => {})
    })
    const outcomes = controllers.map((controller, id) =>
      expect(cache.get<string, string>(user(id), load, { signal: controller.signal })).rejects.toEqual(
        errorOf('ABORTED'),
      ),
    )
    await settle()
    controllers[0]?.abort()
    await outcomes[0]
    expect(signal?.aborted).toBe(false)
    controllers[1]?.abort()
    await outcomes[1]
    expect(signal?.aborted).toBe(true)
  })

  test('who gives up while the window is open is not loaded for', async () => {
    const { cache, clock } = openCache({ keys })
    const { load, asked } = telling({ window: '5ms' })
    const controller = new AbortController()
    const gone = cache.get<string, string>(user(1), load, { signal: controller.signal })
    const stays = cache.get<string, string>(user(2), load)
    controller.abort()
    await expect(gone).rejects.toEqual(errorOf('ABORTED'))
    await clock.advance(5)
    expect(await stays).toBe('user 2')
    expect(asked).toEqual([['user:2']])
    expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
  })

  test('inside another load, inside a unit, and with ttl: 0 it loads the one key at once', async () => {
    const { cache } = openCache({ keys })
    const { load, asked } = telling({ window: '1h' })
    const nested = await cache.get<string, unknown>('all', async () => [
      await cache.get<string, string>(user(1), load),
      await cache.get<string, string>(user(2), load),
    ])
    expect(nested).toEqual(['user 1', 'user 2'])
    const unit = cache.unitOfWork()
    expect(await unit.run(() => cache.get<string, string>(user(3), load))).toBe('user 3')
    await unit.rollback()
    expect(await cache.get<string, string>(user(4), load, { ttl: 0 })).toBe('user 4')
    expect(asked).toEqual([['user:1'], ['user:2'], ['user:3'], ['user:4']])
  })

  test('stale while revalidate and refreshes of several keys are one load', async () => {
    const { cache, clock } = openCache({ keys, ttl: '10s', staleWhileRevalidate: '1m' })
    const { load, asked } = telling()
    const read = () => Promise.all([1, 2].map((id) => cache.getEntry<string, string>(user(id), load)))
    await read()
    await clock.advance(10_000)
    expect((await read()).map(({ status }) => status)).toEqual(['stale', 'stale'])
    await settle()
    expect((await read()).map(({ status }) => status)).toEqual(['hit', 'hit'])
    expect(asked).toEqual([
      ['user:1', 'user:2'],
      ['user:1', 'user:2'],
    ])
  })
})

test.each([
  [() => batchLoader(undefined as never), 'INVALID_ARGUMENT'],
  [() => batchLoader(() => [], { window: -1 }), 'INVALID_DURATION'],
  [() => batchLoader(() => [], { max: 0 }), 'INVALID_OPTION'],
  [() => batchLoader(() => [], { windw: 1 } as never), 'INVALID_OPTION'],
] as const)('batchLoader_badOptions_refused %#', (make, code) => {
  expect(make).toThrow(errorOf(code, /batchLoader/) as Error)
})
