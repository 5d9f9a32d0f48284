import { type Cache, defineDependencies, type LoaderContext, type Receipt } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { openCache, openFleet } from '../support/caches.ts'

const LAG = 5_000
const dependencies = defineDependencies({ tables: { prices: ['price:{id}'], orders: ['order:*'] } })
const options = { dependencies, replicaLag: LAG, ttl: 1_000, maxStaleness: '1s' } as const

type AnyCache = Cache<string, string>
type Source = Pick<LoaderContext, 'source' | 'position'>

/** From where a load of the key was told to read; undefined where nothing was loaded. */
async function sourceOf(cache: AnyCache, key: string, read?: Parameters<AnyCache['get']>[2]) {
  let told: Source | undefined
  await cache.get(
    key,
    ({ source, position }) => {
      told = { source, position }
      return 1
    },
    read,
  )
  return told
}

const ANY: Source = { source: 'any', position: undefined }
const PRIMARY: Source = { source: 'primary', position: undefined }

/** Commits a change at a place in the log. */
async function commit(cache: AnyCache, table: string, position?: string): Promise<Receipt> {
  const unit = cache.unitOfWork()
  unit.write(table)
  await unit.prepare()
  expect(unit.wantsPosition).toBe(true)
  if (position !== undefined) unit.setPosition(position)
  return unit.commit()
}

/** Each kind of tier, watched for longer than replicas lag. */
const tiers = {
  async 'memory alone'() {
    const { cache, clock } = openCache(options)
    await clock.advance(LAG)
    return { cache: cache as unknown as AnyCache, clock }
  },
  async 'a store'() {
    const { fleet, clock } = await openFleet(1, options)
    await clock.advance(LAG)
    return { cache: fleet[0] as unknown as AnyCache, clock }
  },
}

describe.each(Object.entries(tiers))('%s', (_, open) => {
  test('source_ofWhatWasInvalidatedLately_isThePrimary_ofTheRest_any', async () => {
    const { cache, clock } = await open()
    expect(await sourceOf(cache, 'price:1')).toEqual(ANY)
    await cache.invalidate({ table: 'prices', rows: [{ id: 1 }], operation: 'insert' })
    expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
    expect(await sourceOf(cache, 'price:2')).toEqual(ANY)
    await clock.advance(LAG - 1)
    expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
    await clock.advance(1_000)
    expect(await sourceOf(cache, 'price:1')).toEqual(ANY)
  })

  test('source_ofAKeyThatWasNamed_isThePrimary', async () => {
    const { cache } = await open()
    await cache.invalidate({ keys: ['price:1'] })
    expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
    expect(await sourceOf(cache, 'price:2')).toEqual(ANY)
  })

  test('source_ofAKeyThatWasNamed_withCoherenceOff_isThePrimary', async () => {
    const { cache } = await open()
    cache.setCoherence('off')
    await cache.invalidate({ keys: ['price:1'] })
    expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
    expect(await sourceOf(cache, 'price:2')).toEqual(ANY)
    await cache.invalidate({ pattern: 'price:{id}' })
    expect(await sourceOf(cache, 'price:3')).toEqual(PRIMARY)
  })

  test('source_afterAnAdHocPattern_isThePrimary_evenOfWhatWasNotCached', async () => {
    const { cache } = await open()
    await cache.invalidate({ pattern: 'pri*' })
    expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
  })

  test('source_afterClear_isThePrimary', async () => {
    const { cache } = await open()
    await cache.clear()
    expect(await sourceOf(cache, 'other')).toEqual(PRIMARY)
  })

  test('position_ofACommit_isTold_untilOneWithoutComes', async () => {
    const { cache } = await open()
    await commit(cache, 'orders', '00000000/00000007')
    expect(await sourceOf(cache, 'order:1')).toEqual({ source: 'primary', position: '00000000/00000007' })
    await commit(cache, 'orders', '00000000/00000005')
    expect(await sourceOf(cache, 'order:2')).toEqual({ source: 'primary', position: '00000000/00000007' })
    await commit(cache, 'orders')
    expect(await sourceOf(cache, 'order:3')).toEqual(PRIMARY)
  })

  test('getMany_isToldWhatIsNewEnoughForAll', async () => {
    const { cache } = await open()
    await commit(cache, 'orders', '07')
    const many = async (...keys: string[]) => {
      let told: Source | undefined
      await cache.getMany(keys, (missing, { source, position }) => {
        told = { source, position }
        return missing.map(() => 1)
      })
      return told
    }
    expect(await many('price:1', 'price:2')).toEqual(ANY)
    expect(await many('price:3', 'order:1')).toEqual({ source: 'primary', position: '07' })
    await cache.invalidate({ table: 'prices', rows: [{ id: 4 }] })
    expect(await many('price:4', 'order:2')).toEqual(PRIMARY)
  })

  test('what the cache cannot judge is loaded from the primary', async () => {
    const { cache } = await open()
    expect(await sourceOf(cache, 'price:1', { ttl: 0 })).toEqual(PRIMARY)
    expect(await sourceOf(cache, 'price:1', { freshness: 'reload' })).toEqual(PRIMARY)
    expect(await sourceOf(cache, 'price:2', { token: 'unreadable' })).toEqual(PRIMARY)
    expect(await sourceOf(cache, 'price:3', { freshness: 'committed' })).toEqual(ANY)
    const unit = cache.unitOfWork()
    await unit.run(async () => {
      expect(await sourceOf(cache, 'price:4')).toEqual(PRIMARY)
    })
    await unit.rollback()
  })

  test('a token names the place that its reader must not be behind, in sessions too', async () => {
    const { cache, clock } = await open()
    const { token } = await commit(cache, 'orders', '00000000/0000002A')
    expect(token).toMatch(/^[\w.~-]+$/)
    const needed = { source: 'primary', position: '00000000/0000002A' }
    expect(await sourceOf(cache, 'price:1', { token })).toEqual(needed)
    // Longer than replicas are said to lag.
    await clock.advance(2 * LAG)
    expect(await sourceOf(cache, 'price:1', { token })).toEqual(needed)
    const session = cache.session(token)
    session.observe(await commit(cache, 'orders', '00000000/00000029'))
    expect(await sourceOf(session as unknown as AnyCache, 'price:2')).toEqual(needed)
    // What was invalidated without a place is not made good by one that another change has.
    await cache.invalidate({ table: 'prices' })
    expect(await sourceOf(cache, 'price:3', { token })).toEqual(PRIMARY)
  })

  test('a mark says from where its data may be read', async () => {
    const { cache } = await open()
    expect(await cache.mark('price:1')).toMatchObject(ANY)
    await commit(cache, 'orders', '07')
    expect(await cache.mark('order:1')).toMatchObject({ source: 'primary', position: '07' })
    await cache.invalidate({ keys: ['price:1'] })
    expect(await cache.mark('price:1')).toMatchObject(PRIMARY)
  })

  test('the parts of a composite are judged for themselves', async () => {
    const { cache } = await open()
    await commit(cache, 'orders', '07')
    let inner: Source | undefined
    const outer = await sourceOf(
      new Proxy(cache, {
        get: (target, name) =>
          name !== 'get'
            ? Reflect.get(target, name)
            : async (key: string, load: (context: LoaderContext) => unknown) =>
                target.get(key, async (context) => {
                  inner = await sourceOf(target, 'order:1')
                  return load(context)
                }),
      }),
      'price:1',
    )
    expect([outer, inner]).toEqual([ANY, { source: 'primary', position: '07' }])
  })
})

test('without replicaLag nothing is known of replicas, and nothing is said', async () => {
  const { cache } = openCache({ dependencies })
  const unit = cache.unitOfWork()
  expect(unit.wantsPosition).toBe(false)
  unit.write('orders')
  unit.setPosition('07')
  await unit.commit()
  expect(await sourceOf(cache as unknown as AnyCache, 'order:1')).toEqual(ANY)
})

test('setPosition_ofWhatIsNoPlace_isRefused', async () => {
  const { cache } = openCache(options)
  const unit = cache.unitOfWork()
  for (const bad of ['', 'a b', '~', '7~q', 'x'.repeat(65), 7, undefined]) {
    expect(() => unit.setPosition(bad as string), String(bad)).toThrow(/is no place in a log/)
  }
})

test('source_beforeReplicasCanHaveCaughtUpWithTheProcessBefore_isThePrimary', async () => {
  const { cache, clock } = openCache(options)
  expect(await sourceOf(cache as unknown as AnyCache, 'price:1')).toEqual(PRIMARY)
  await clock.advance(LAG)
  expect(await sourceOf(cache as unknown as AnyCache, 'price:1')).toEqual(ANY)
})

test('source_whileTheStoreIsAway_isThePrimary', async () => {
  let away = false
  const { fleet, clock } = await openFleet(1, {
    ...options,
    schedule: (step) => {
      if (!away) queueMicrotask(step)
    },
  })
  const [cache] = fleet as unknown as [AnyCache]
  await cache.ready()
  await clock.advance(LAG)
  expect(await sourceOf(cache, 'price:1')).toEqual(ANY)
  away = true
  const reading = sourceOf(cache, 'price:2')
  await clock.advance(1_000)
  expect(await reading).toEqual(PRIMARY)
  expect(await sourceOf(cache, 'price:3')).toEqual(PRIMARY)
})

test('a process with another replicaLag refuses to start in the namespace', async () => {
  const { clock, store, name } = await openFleet(1, options)
  const other = openCache({ ...options, replicaLag: '6s', name, instance: 'other', store, clock })
  await expect(other.cache.ready()).rejects.toThrow(/replicaLag 5000 ms.*replicaLag 6000 ms/)
})

test('source_afterAFailover_isThePrimary_untilReplicasHaveCaughtUp', async () => {
  // It tells the new primary nothing of what it told the old one.
  const { fleet, clock, store } = await openFleet(1, { ...options, failoverWindow: 0 })
  const [cache] = fleet as unknown as [AnyCache]
  await clock.advance(LAG)
  const promote = store.replica()
  await cache.invalidate({ table: 'prices' })
  promote()
  expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
  await clock.advance(2 * LAG)
  expect(await sourceOf(cache, 'price:1')).toEqual(ANY)
})

test.each(Object.entries(tiers))(
  'source_afterAReload_isThePrimary_withoutItNobodyHasChangedAnything, %s',
  async (_, open) => {
    const { cache, clock } = await open()
    await sourceOf(cache, 'price:1')
    expect(await sourceOf(cache, 'price:1', { freshness: 'reload' })).toEqual(PRIMARY)
    // What the reload has brought has ended: a replica that lags would show what was before it.
    await clock.advance(2_000)
    expect(await sourceOf(cache, 'price:1')).toEqual(PRIMARY)
    await clock.advance(LAG)
    expect(await sourceOf(cache, 'price:1')).toEqual(ANY)
  },
)
