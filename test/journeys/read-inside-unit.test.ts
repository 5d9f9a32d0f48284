import { defineDependencies } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { countingLoader, heldLoader, openCache } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { t: ['row:*'] } })

describe('a read inside a unit', () => {
  test('read_insideAUnit_fillsNothing_andIsToldToUseThePrimary', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    await unit.run(async () => {
      unit.write('t')
      const entry = await cache.getEntry('row:1', ({ source }) => source)
      expect(entry).toMatchObject({
        value: 'primary',
        status: 'bypass',
        tier: 'loader',
        expiresAt: undefined,
      })
      expect(await cache.getMany<string, number>(['row:1', 'row:2'], () => [1, 2])).toEqual([1, 2])
    })
    expect(cache.stats()).toMatchObject({ entries: 0, bypasses: 3, fills: 0 })
    await unit.rollback()
    expect(await cache.get<string, string>('row:1', () => 'committed')).toBe('committed')
  })

  test('read_ofAUnitWhoseAdapterSaysNothing_isNotAnsweredFromTheCache', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('row:1', () => 'cached')
    const unit = cache.unitOfWork()
    expect(unit.untouched).toBe(false)
    await unit.run(async () => {
      expect(cache.peek('row:1')).toBeUndefined()
      expect(await cache.get<string, string>('row:1', () => 'own')).toBe('own')
    })
    expect(cache.peek('row:1')).toBe('cached')
  })

  test('read_whileTheUnitHasCertainlyWrittenNothing_isAnsweredFromTheCache', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('row:1', () => 'cached')
    const unit = cache.unitOfWork()
    unit.setUntouched(true)
    await unit.run(async () => {
      expect(unit.untouched).toBe(true)
      expect(await cache.get<string, string>('row:1', () => 'own')).toBe('cached')
      expect(
        await cache.getMany<string, string>(['row:1', 'row:2'], (missing) => missing.map(() => 'own')),
      ).toEqual(['cached', 'own'])
      expect(await cache.get<string, string>('row:1', () => 'own', { ttl: 0 })).toBe('own')
      unit.write('t')
      expect(unit.untouched).toBe(false)
      expect(await cache.get<string, string>('row:1', () => 'own')).toBe('own')
    })
    expect(cache.peek('row:2')).toBeUndefined()
  })

  test('read_expired_insideAnUntouchedUnit_isNotServedStale_norRefreshedInTheBackground', async () => {
    const { cache, clock } = openCache({ dependencies, ttl: '1s' })
    const swr = { staleWhileRevalidate: '1m' } as const
    await cache.get<string, string>('row:1', () => 'cached', swr)
    await clock.advance(1_000)
    const unit = cache.unitOfWork()
    unit.setUntouched(true)
    await unit.run(async () => {
      expect(await cache.get<string, string>('row:1', () => 'own', swr)).toBe('own')
      expect(await cache.getMany<string, string>(['row:1'], () => ['own'], swr)).toEqual(['own'])
    })
    expect(cache.stats().fills).toBe(1)
  })

  test('read_insideAUnit_neitherJoinsNorLeadsASharedLoad', async () => {
    const { cache } = openCache({ dependencies })
    const shared = heldLoader<string>()
    const outside = cache.get('row:1', shared.load)
    await shared.call()
    const unit = cache.unitOfWork()
    unit.setUntouched(true)
    await unit.run(async () => {
      expect(await cache.get<string, string>('row:1', () => 'own')).toBe('own')
    })
    const inside = heldLoader<string>()
    const own = unit.run(() => cache.get('row:2', inside.load))
    await inside.call()
    // Somebody outside does not get what a transaction sees.
    expect(await cache.get<string, string>('row:2', () => 'committed')).toBe('committed')
    ;(await inside.call()).resolve('uncommitted')
    expect(await own).toBe('uncommitted')
    ;(await shared.call()).resolve('shared')
    expect(await outside).toBe('shared')
    expect([cache.peek('row:1'), cache.peek('row:2')]).toEqual(['shared', 'committed'])
  })

  test('read_nestedInALoaderInsideAUnit_isInsideTheUnitToo', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('row:2', () => 'cached')
    const unit = cache.unitOfWork()
    const value = await unit.run(() =>
      cache.get('row:1', async () => `${await cache.get<string, string>('row:2', () => 'own')}!`),
    )
    expect(value).toBe('own!')
    expect(cache.stats().entries).toBe(1)
  })

  test('read_wrappedMethod_insideAUnit_isLikeAnyOther', async () => {
    const { cache } = openCache({ dependencies })
    const { load } = countingLoader()
    const reports = cache.wrap(
      { find: async (_id: number) => load() },
      { find: { key: (id) => `row:${id}` } },
    )
    expect(await reports.find(1)).toBe(1)
    expect(await cache.unitOfWork().run(() => reports.find(1))).toBe(2)
    expect(await reports.find(1)).toBe(1)
  })
})

describe('how a unit ends', () => {
  test('rollback_invalidatesNothing_savepointsDroppedEither', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('row:1', () => 'cached')
    const unit = cache.unitOfWork()
    await unit.run(async () => {
      const savepoint = unit.savepoint()
      unit.write('t')
      savepoint.rollback()
    })
    await unit.commit()
    expect(cache.peek('row:1')).toBe('cached')
    const dropped = cache.unitOfWork()
    dropped.write('t')
    await dropped.prepare()
    await dropped.rollback()
    expect(cache.peek('row:1')).toBe('cached')
    expect(cache.stats().invalidations).toBe(0)
  })

  test('commit_makesWhatOthersFilledMeanwhileVoid', async () => {
    const { cache } = openCache({ dependencies })
    let committed = 'old'
    const unit = cache.unitOfWork()
    await unit.run(async () => unit.write('t'))
    // Between the write and the commit others rightly read and keep what is committed.
    expect(await cache.get<string, string>('row:1', () => committed)).toBe('old')
    committed = 'new'
    await unit.commit()
    expect(await cache.get<string, string>('row:1', () => committed)).toBe('new')
  })
})
