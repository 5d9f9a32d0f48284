import { type Cache, defineDependencies, defineKeys, type StandardSchema } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, heldLoader, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })

async function pair() {
  const { fleet, clock, store, name } = await openFleet(2, { dependencies })
  const [one, other] = fleet as [Cache, Cache]
  return { one, other, clock, store, name }
}

describe('one load in a fleet', () => {
  test('get_whileAnotherProcessLoads_waitsForItsValue', async () => {
    const { one, other, clock } = await pair()
    const { load, calls, call } = heldLoader<string>()
    const here = one.get('row:1', load)
    await call()
    const there = other.get('row:1', load)
    await clock.advance(100)
    expect(calls).toHaveLength(1)
    ;(await call()).resolve('shared')
    await clock.advance(100)
    expect(await Promise.all([here, there])).toEqual(['shared', 'shared'])
    expect(await other.getEntry('row:1', load)).toMatchObject({ status: 'hit' })
    expect(calls).toHaveLength(1)
  })

  test('get_whileAnotherProcessLoadsForLong_itsClaimIsRenewed', async () => {
    const { one, other, clock } = await pair()
    const slow = heldLoader<string>()
    const here = one.get('row:1', slow.load)
    await slow.call()
    await clock.advance(4_000)
    const patient = vi.fn(async () => 'own')
    const there = other.get('row:1', patient)
    await clock.advance(900)
    expect(patient).not.toHaveBeenCalled()
    ;(await slow.call()).resolve('shared')
    await clock.advance(100)
    expect(await Promise.all([here, there])).toEqual(['shared', 'shared'])
  })

  test('get_whileAnotherProcessLoadsTooLong_loadsByItself_andFillsNothing', async () => {
    const { one, other, clock } = await pair()
    const slow = heldLoader<string>()
    const here = one.get('row:1', slow.load)
    await slow.call()
    const there = other.get<string, string>('row:1', () => 'own')
    await clock.advance(5_100)
    expect(await there).toBe('own')
    expect(other.stats().fills).toBe(0)
    ;(await slow.call()).resolve('shared')
    expect(await here).toBe('shared')
    expect(await other.get<string, string>('row:1', () => 'again')).toBe('shared')
  })

  test('get_whoseClaimHolderDied_takesTheClaimOver_whenItLapses', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { cache: dying } = openCache({ name: 'mortal', instance: 'one', dependencies, store, clock })
    const { cache: living } = openCache({ name: 'mortal', instance: 'other', dependencies, store, clock })
    await Promise.all([dying.ready(), living.ready()])
    const never = heldLoader<string>()
    void dying.get('row:1', never.load).catch(() => {})
    await never.call()
    // It dies: no timer of its fires any more, so nobody renews.
    const closing = dying.close({ timeout: 0 })
    await clock.advance(0)
    await closing
    const taken = living.get<string, string>('row:1', () => 'living')
    await clock.advance(3_200)
    expect(await taken).toBe('living')
    expect(living.stats().fills).toBe(1)
    // What the dead one would have filled is refused.
    ;(await never.call()).resolve('dead')
    await settle()
    expect(await living.get<string, string>('row:1', () => 'again')).toBe('living')
  })

  test('get_whoseClaimHolderFails_doesNotWaitForTheClaimsEnd', async () => {
    const { one, other, clock } = await pair()
    const failing = heldLoader<string>()
    const here = one.get('row:1', failing.load)
    const outcome = expect(here).rejects.toThrow('broken')
    await failing.call()
    const there = other.get<string, string>('row:1', () => 'own')
    await clock.advance(10)
    ;(await failing.call()).reject(new Error('broken'))
    await outcome
    await clock.advance(60)
    expect(await there).toBe('own')
    expect(other.stats().fills).toBe(1)
  })

  test('getMany_partlyLoadedElsewhere_loadsItsOwnPartFirst', async () => {
    const { one, other, clock } = await pair()
    const slow = heldLoader<string>()
    const here = one.get('row:1', slow.load)
    await slow.call()
    const batch = vi.fn(async (missing: readonly string[]) => missing.map(() => 'own'))
    const there = other.getMany<string, string>(['row:1', 'row:2'], batch)
    await settle()
    expect(batch).toHaveBeenCalledExactlyOnceWith(['row:2'], expect.anything())
    expect(await one.get<string, string>('row:2', () => 'late')).toBe('own')
    ;(await slow.call()).resolve('shared')
    await clock.advance(100)
    expect(await there).toEqual(['shared', 'own'])
    expect(await here).toBe('shared')
  })

  test('abort_ofTheReaderWhoLeads_doesNotAbortTheLoadThatOthersShare', async () => {
    const { one } = await pair()
    const controller = new AbortController()
    const { load, call } = heldLoader<string>()
    let loading: AbortSignal | undefined
    const gone = one.get(
      'row:1',
      (context) => {
        loading = context.signal
        return load()
      },
      { signal: controller.signal },
    )
    const outcome = expect(gone).rejects.toThrow('gave up')
    await call()
    // It asks the store, and is told that this very process loads the value already.
    const shared = one.get<string, string>('row:1', () => 'own', { freshness: 'committed' })
    await settle()
    controller.abort()
    await outcome
    expect(loading?.aborted).toBe(false)
    ;(await call()).resolve('shared')
    expect(await shared).toBe('shared')
  })

  test('invalidation_whileOneLoadsAndAnotherWaits_theWaiterGetsNothingFromBefore', async () => {
    const { one, other, clock } = await pair()
    const slow = heldLoader<string>()
    const here = one.get('row:1', slow.load)
    await slow.call()
    const there = other.get<string, string>('row:1', () => 'new')
    await clock.advance(10)
    await one.invalidate({ table: 't', operation: 'insert', rows: [{ id: 1 }] })
    ;(await slow.call()).resolve('old')
    expect(await here).toBe('old')
    await clock.advance(200)
    expect(await there).toBe('new')
    expect(await one.get<string, string>('row:1', () => 'again')).toBe('new')
  })
})

describe('values in the store', () => {
  const schema: StandardSchema<number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] },
    },
  }

  test('value_survivesTheProcessThatLoadedIt', async () => {
    const { one, other, clock } = await pair()
    await one.get('row:1', () => ({ at: new Date(0), missing: undefined }))
    await one.close()
    await clock.advance(10_000)
    expect(await other.getEntry('row:1', () => 'loaded' as never)).toMatchObject({
      value: { at: new Date(0), missing: undefined },
      status: 'hit',
      tier: 'store',
      age: 10_000,
    })
  })

  test('value_thatNoStoreCouldGiveBack_isGivenButNotKept', async () => {
    const { one, other } = await pair()
    const told = vi.fn()
    one.on('refused', told)
    expect(typeof (await one.get('row:1', () => ({ run: () => 1 }))).run).toBe('function')
    expect(told).toHaveBeenCalledExactlyOnceWith({
      key: 'row:1',
      reason: 'uncacheable',
      detail: expect.stringContaining('value.run is a function'),
    })
    expect(one.stats().entries).toBe(0)
    expect(await other.get<string, unknown>('row:1', () => 1)).toBe(1)
  })

  test('value_ofAnotherVersionOfItsShape_isNotRead', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const open = (instance: string, version: number) =>
      openCache({
        name: 'shapes',
        instance,
        store,
        clock,
        keys: defineKeys({ user: { key: 'user:{id}', version } }),
      }).cache
    const old = open('old', 1)
    const fresh = open('new', 2)
    await Promise.all([old.ready(), fresh.ready()])
    const told = vi.fn()
    fresh.on('unreadable', told)
    await old.get('user:1', () => 'old shape')
    expect(await fresh.get<string, string>('user:1', () => 'new shape')).toBe('new shape')
    expect(told).toHaveBeenCalledWith({ key: 'user:1', reason: 'version 1 of its shape' })
    expect(await fresh.get<string, string>('user:1', () => 'again')).toBe('new shape')
  })

  test('value_thatItsSchemaRefuses_isAMiss', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { cache: loose } = openCache({
      name: 'schema',
      instance: 'a',
      store,
      clock,
      keys: defineKeys({ n: 'n:{id}' }),
    })
    const keys = defineKeys({ n: { key: 'n:{id}', value: schema } })
    const { cache: strict } = openCache({ name: 'schema', instance: 'b', store, clock, keys })
    await Promise.all([loose.ready(), strict.ready()])
    await loose.get('n:1', () => 'text')
    await loose.get('n:2', () => 2)
    const told = vi.fn()
    strict.on('unreadable', told)
    expect(await strict.get(keys.n({ id: 1 }), () => 1)).toBe(1)
    expect(await strict.get(keys.n({ id: 2 }), () => 9)).toBe(2)
    expect(told).toHaveBeenCalledExactlyOnceWith({ key: 'n:1', reason: 'not a number' })
  })

  test('value_ofOneApplication_isNotReadByAnother_butItsInvalidationsReachIt', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { cache: shop } = openCache({ name: 'shop', namespace: 'company', store, clock, dependencies })
    const { cache: admin } = openCache({ name: 'admin', namespace: 'company', store, clock, dependencies })
    await Promise.all([shop.ready(), admin.ready()])
    await shop.get('row:1', () => 'shop')
    expect(await admin.get<string, string>('row:1', () => 'admin')).toBe('admin')
    await admin.invalidate({ table: 't', operation: 'insert', rows: [{ id: 1 }] })
    await settle()
    expect(await shop.get<string, string>('row:1', () => 'again')).toBe('again')
  })

  test('value_withMemoryOff_isReadFromTheStore', async () => {
    const { fleet } = await openFleet(1, { dependencies, memory: false })
    const cache = fleet[0] as Cache
    const { load } = countingLoader()
    expect(await cache.get('row:1', load)).toBe(1)
    expect(await cache.getEntry('row:1', load)).toMatchObject({ value: 1, tier: 'store' })
    expect(cache.stats().hits).toEqual({ memory: 0, store: 1, stale: 0 })
    await cache.invalidate({ table: 't' })
    expect(await cache.get('row:1', load)).toBe(2)
  })
})

describe('maps differ', () => {
  const older = defineDependencies({ tables: { t: ['row:{id}'] } })
  const newer = defineDependencies({ tables: { t: ['row:{id}', 'summary:*'], u: ['row:{id}'] } })

  test('writerWithAnOldMap_voidsWhatANewReaderHangsOnIt', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { cache: writer } = openCache({
      name: 'deploy',
      instance: 'old',
      store,
      clock,
      dependencies: older,
    })
    const { cache: reader } = openCache({
      name: 'deploy',
      instance: 'new',
      store,
      clock,
      dependencies: newer,
    })
    await Promise.all([writer.ready(), reader.ready()])
    expect(await reader.get<string, number>('summary:1', () => 1)).toBe(1)
    expect(await reader.get<string, number>('row:1', () => 1)).toBe(1)
    await writer.invalidate({ table: 't', operation: 'insert', rows: [{ id: 2 }] })
    await settle()
    expect(await reader.get<string, number>('summary:1', () => 2)).toBe(2)
    expect(await reader.get<string, number>('row:1', () => 2)).toBe(1)
    // A table that the old map does not even name.
    await writer.invalidate({ table: 'u', operation: 'insert', rows: [{ id: 1 }] })
    await settle()
    expect(await reader.get<string, number>('row:1', () => 3)).toBe(3)
  })

  test('valueFilledByAnOldMap_isNotBelievedByANewReader', async () => {
    const clock = manualClock()
    const store = memoryStore({ clock })
    const { cache: old } = openCache({ name: 'deploy2', instance: 'old', store, clock, dependencies: older })
    const { cache: fresh } = openCache({
      name: 'deploy2',
      instance: 'new',
      store,
      clock,
      dependencies: newer,
    })
    await Promise.all([old.ready(), fresh.ready()])
    await old.get('summary:1', () => 'filled without its stamp')
    expect(await fresh.get<string, string>('summary:1', () => 'loaded')).toBe('loaded')
  })
})
