import { type Cache, defineDependencies, type UnitOfWork } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { countingLoader, deferred, errorOf, heldLoader, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({
  scopes: ['orgId'],
  tables: { payments: ['pay:{id}'], ledger: ['ledger:*'] },
})
const row = (id: number) => ({ operation: 'insert', rows: [{ id }] }) as const

describe('states', () => {
  test('unit_commit_rotatesWhatWasWritten_onlyThen', async () => {
    const { cache } = openCache({ dependencies })
    const { load } = countingLoader()
    await cache.get('pay:1', load)
    const unit = cache.unitOfWork({ name: 'checkout', trace: 't1' })
    expect(unit.state).toBe('open')
    expect(unit.id).toMatch(/^checkout-[\w-]{16}$/)
    unit.write('payments', row(1))
    expect(unit.writes).toEqual([{ table: 'payments', ...row(1) }])
    expect(await cache.get('pay:1', load)).toBe(1)
    await unit.prepare()
    expect(unit.state).toBe('prepared')
    expect(await cache.get('pay:1', load)).toBe(1)
    const receipt = await unit.commit()
    expect(unit.state).toBe('committed')
    expect(receipt).toMatchObject({ status: 'applied', stamps: ['pay:{id}|1'], keys: [] })
    expect(await cache.get('pay:1', load)).toBe(2)
  })

  test('unit_rollback_rotatesNothing', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('pay:1', () => 1)
    for (const prepared of [false, true]) {
      const unit = cache.unitOfWork()
      unit.write('payments', row(1))
      if (prepared) await unit.prepare()
      await unit.rollback()
      expect(unit.state).toBe('rolledBack')
    }
    expect(cache.peek('pay:1')).toBe(1)
    expect(cache.stats().invalidations).toBe(0)
  })

  test('unit_commitWithoutPrepare_doesBoth', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    unit.write('payments')
    expect((await unit.commit()).stamps).toEqual(['pay:{id}'])
  })

  test('unit_empty_commitsToNothing', async () => {
    const { cache } = openCache({ dependencies })
    expect(await cache.unitOfWork().commit()).toMatchObject({
      status: 'applied',
      stamps: [],
      keys: [],
      token: '1',
    })
    expect(cache.stats().invalidations).toBe(0)
  })

  test('unit_afterPrepare_refusesWrites', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    await unit.prepare()
    await unit.prepare()
    for (const late of [
      () => unit.write('payments'),
      () => unit.invalidate({ table: 'ledger' }),
      () => unit.savepoint(),
    ])
      expect(late).toThrow(errorOf('UNIT_CLOSED', /Declare every write before prepare/) as Error)
    expect((await unit.commit()).stamps).toEqual([])
  })

  test('unit_ended_refusesEverythingElse', async () => {
    const { cache } = openCache({ dependencies })
    const committed = cache.unitOfWork()
    await committed.commit()
    await expect(committed.commit()).rejects.toEqual(errorOf('UNIT_CLOSED', /committed/))
    await expect(committed.prepare()).rejects.toEqual(errorOf('UNIT_CLOSED'))
    await expect(committed.rollback()).rejects.toEqual(errorOf('UNIT_CLOSED'))
    expect(() => committed.write('payments')).toThrow(errorOf('UNIT_CLOSED') as Error)
    const dropped = cache.unitOfWork()
    await dropped.rollback()
    await dropped.rollback()
    await expect(dropped.commit()).rejects.toEqual(errorOf('UNIT_CLOSED', /rolled back/))
    await expect(dropped.prepare()).rejects.toEqual(errorOf('UNIT_CLOSED'))
  })

  test.each([
    ['no table', [''], 'INVALID_ARGUMENT'],
    ['rows that are none', ['payments', { rows: [5] }], 'INVALID_ARGUMENT'],
    ['unknown operation', ['payments', { operation: 'merge' }], 'INVALID_OPTION'],
  ] as const)('write_%s_refused_andNothingIsDeclared', (_, args, code) => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    expect(() => unit.write(...(args as unknown as [string]))).toThrow(errorOf(code) as Error)
    expect(unit.writes).toEqual([])
  })

  test.each([
    ['unknown scope', { scope: { country: 'IN' } }, 'UNKNOWN_SCOPE'],
    ['bad scope value', { scope: { orgId: null } }, 'INVALID_PARAMETER'],
    ['unusable pattern', { pattern: 'a b' }, 'INVALID_PATTERN'],
    ['capture of nobody', { pattern: 'x:{id}' }, 'INVALID_PATTERN'],
  ] as const)(
    'invalidate_%s_isRefusedWhereItIsDeclared_soThatTheCommitCannotFail',
    async (_, request, code) => {
      const { cache } = openCache({ dependencies })
      const unit = cache.unitOfWork()
      unit.write('payments')
      expect(() => unit.invalidate(request as never)).toThrow(errorOf(code) as Error)
      expect((await unit.commit()).stamps).toEqual(['pay:{id}'])
    },
  )

  test('invalidate_refusedInsideAUnit_doesNotPoisonTheUnit', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    await unit.run(async () => {
      await expect(cache.invalidate({ scope: { country: 'IN' } } as never)).rejects.toEqual(
        errorOf('UNKNOWN_SCOPE'),
      )
      unit.write('payments')
    })
    expect((await unit.commit()).stamps).toEqual(['pay:{id}'])
  })

  test('unitOfWork_unknownOption_refused', () => {
    const { cache } = openCache()
    expect(() => cache.unitOfWork({ nmae: 'x' } as never)).toThrow(
      errorOf('INVALID_OPTION', /Did you mean "name"/) as Error,
    )
  })
})

describe('calls that overlap', () => {
  /** A unit whose prepare waits until the test lets its bind function answer. */
  const slow = (consistency: 'bounded' | 'committed') => {
    const answer = deferred<{ id: number }>()
    const map = defineDependencies({
      tables: { payments: { invalidates: ['pay:{id}'], bind: () => answer.promise } },
    })
    const { cache, clock } = openCache({ dependencies: map, consistency })
    const unit = cache.unitOfWork()
    unit.write('payments', row(1))
    return { cache, clock, unit, answer }
  }

  test('commit_whilePrepareIsUnderWay_losesNothing', async () => {
    const { unit, answer } = slow('bounded')
    const preparing = unit.prepare()
    const committing = unit.commit()
    answer.resolve({ id: 1 })
    await preparing
    expect((await committing).stamps).toEqual(['pay:{id}|1'])
  })

  test('commit_twiceAtOnce_rotatesOnce', async () => {
    const { cache, unit, answer } = slow('bounded')
    const told = vi.fn()
    unit.onCommitted(told)
    const both = Promise.allSettled([unit.commit(), unit.commit()])
    answer.resolve({ id: 1 })
    const outcomes = await both
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(cache.stats().invalidations).toBe(1)
    expect(told).toHaveBeenCalledTimes(1)
  })

  test.each(['bounded', 'committed'] as const)(
    'rollback_whilePrepareIsUnderWay_%s_leavesNothingBlocked',
    async (consistency) => {
      const { cache, unit, answer } = slow(consistency)
      const preparing = unit.prepare().catch(() => {})
      await unit.rollback()
      answer.resolve({ id: 1 })
      await preparing
      await settle()
      await cache.get('pay:1', () => 1)
      expect(cache.peek('pay:1')).toBe(1)
      expect(unit.state).toBe('rolledBack')
    },
  )

  test('rollback_whileLocksAreBeingTaken_leavesNothingLocked', async () => {
    const steps: (() => void)[] = []
    let hold = false
    const { fleet, clock } = await openFleet(1, {
      dependencies,
      consistency: 'committed',
      schedule: (step) => {
        if (hold) steps.push(step)
        else queueMicrotask(step)
      },
    })
    const cache = fleet[0] as Cache
    await cache.ready()
    await clock.advance(10_000)
    const unit = cache.unitOfWork()
    unit.write('payments', row(1))
    hold = true
    const preparing = unit.prepare().catch(() => {})
    await settle()
    expect(steps.length).toBeGreaterThan(0)
    const rolling = unit.rollback()
    hold = false
    for (const step of steps.splice(0)) step()
    await preparing
    await rolling
    await settle()
    for (const step of steps.splice(0)) step()
    await clock.advance(1_000)
    const { load } = countingLoader()
    await cache.get('pay:1', load)
    expect(await cache.get('pay:1', load)).toBe(1)
    await clock.advance(20_000)
    expect(clock.pending).toBeLessThan(5)
  })
})

describe('savepoints', () => {
  const stampsOf = async (unit: UnitOfWork) => [...(await unit.commit()).stamps].sort()

  test('savepoint_released_keepsItsWrites_rolledBack_dropsThem', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    unit.write('payments', row(1))
    const kept = unit.savepoint()
    unit.write('payments', row(2))
    kept.release()
    const dropped = unit.savepoint()
    unit.write('payments', row(3))
    unit.invalidate({ table: 'ledger' })
    dropped.rollback()
    unit.write('payments', row(4))
    expect(await stampsOf(unit)).toEqual(['pay:{id}|1', 'pay:{id}|2', 'pay:{id}|4'])
  })

  test('savepoint_nested_outerRollbackDropsTheInnerOnesToo', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    unit.write('payments', row(1))
    const outer = unit.savepoint()
    unit.write('payments', row(2))
    const inner = unit.savepoint()
    unit.write('payments', row(3))
    inner.release()
    outer.rollback()
    expect(await stampsOf(unit)).toEqual(['pay:{id}|1'])
  })

  test('savepoint_innerOneEndedAfterItsOuterOne_dropsNothingElse', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    const outer = unit.savepoint()
    unit.write('payments', row(1))
    const inner = unit.savepoint()
    outer.rollback()
    unit.write('payments', row(2))
    unit.write('payments', row(3))
    // As clean-up code does that knows only its own savepoint, which the outer one has taken with it.
    inner.rollback()
    expect(await stampsOf(unit)).toEqual(['pay:{id}|2', 'pay:{id}|3'])
  })

  test('savepoint_outerReleased_innerRolledBack_dropsNothingElse', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    const outer = unit.savepoint()
    const inner = unit.savepoint()
    outer.release()
    unit.write('payments', row(1))
    inner.rollback()
    expect(await stampsOf(unit)).toEqual(['pay:{id}|1'])
  })

  test('savepoint_endedTwice_refused', () => {
    const { cache } = openCache({ dependencies })
    const savepoint = cache.unitOfWork().savepoint()
    savepoint.release()
    expect(() => savepoint.release()).toThrow(errorOf('UNIT_CLOSED') as Error)
    expect(() => savepoint.rollback()).toThrow(errorOf('UNIT_CLOSED') as Error)
  })
})

describe('onCommitted', () => {
  test('onCommitted_isToldTheReceipt_afterTheRotation', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('pay:1', () => 1)
    const unit = cache.unitOfWork()
    unit.write('payments')
    const told = vi.fn(() => expect(cache.peek('pay:1')).toBeUndefined())
    unit.onCommitted(told)
    const receipt = await unit.commit()
    expect(told).toHaveBeenCalledExactlyOnceWith(receipt)
  })

  test('onCommitted_afterARollback_isNotTold', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    const told = vi.fn()
    unit.onCommitted(told)
    await unit.rollback()
    expect(told).not.toHaveBeenCalled()
  })

  test('onCommitted_thatThrows_harmsNobody_andIsTold', async () => {
    const { cache } = openCache({ dependencies })
    const errors = vi.fn()
    cache.on('listenerError', errors)
    const unit = cache.unitOfWork()
    const told = vi.fn()
    unit.onCommitted(() => {
      throw new Error('broken')
    })
    unit.onCommitted(async () => {
      throw new Error('broken later')
    })
    unit.onCommitted(told)
    expect(() => unit.onCommitted(5 as never)).toThrow(errorOf('INVALID_ARGUMENT') as Error)
    await unit.commit()
    expect(told).toHaveBeenCalledTimes(1)
    await settle()
    expect(errors.mock.calls).toEqual([
      [{ event: 'onCommitted', error: new Error('broken') }],
      [{ event: 'onCommitted', error: new Error('broken later') }],
    ])
  })
})

describe('the ambient unit', () => {
  test('run_isAmbient_acrossAwaits_andNowhereElse', async () => {
    const { cache } = openCache()
    const { cache: other } = openCache()
    const unit = cache.unitOfWork()
    expect(cache.currentUnit()).toBeUndefined()
    const value = await unit.run(async () => {
      await settle()
      expect(cache.currentUnit()).toBe(unit)
      expect(other.currentUnit()).toBeUndefined()
      return 1
    })
    expect(value).toBe(1)
    expect(unit.run(() => cache.currentUnit())).toBe(unit)
    expect(cache.currentUnit()).toBeUndefined()
    expect(() =>
      unit.run(() => {
        throw new Error('broken')
      }),
    ).toThrow('broken')
    expect(cache.currentUnit()).toBeUndefined()
  })

  test('run_nested_theInnerUnitIsAmbient', async () => {
    const { cache } = openCache()
    const outer = cache.unitOfWork()
    const inner = cache.unitOfWork()
    await outer.run(async () => {
      await inner.run(async () => expect(cache.currentUnit()).toBe(inner))
      expect(cache.currentUnit()).toBe(outer)
    })
  })

  test('currentUnit_inWorkThatOutlivesTheUnit_isNone', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    const later = deferred<void>()
    let background: Promise<unknown> | undefined
    await unit.run(async () => {
      unit.write('payments', row(1))
      background = later.promise.then(async () => {
        expect(cache.currentUnit()).toBeUndefined()
        await cache.get('pay:1', () => 1)
        return cache.invalidate({ table: 'ledger' })
      })
    })
    await unit.commit()
    // Another unit is open, so that the process is certain to look at what surrounds a read.
    const { load, call } = heldLoader<number>()
    const unrelated = cache.unitOfWork().run(() => cache.get('x', load))
    later.resolve()
    expect(await background).toMatchObject({ status: 'applied', stamps: ['ledger:*'] })
    expect(cache.peek('pay:1')).toBe(1)
    ;(await call()).resolve(1)
    await unrelated
  })

  test('invalidate_insideAUnit_holdsAtOnce_andAgainAtTheCommit', async () => {
    const { cache } = openCache({ dependencies })
    const { load } = countingLoader()
    await cache.get('ledger:1', load)
    const unit = cache.unitOfWork()
    await unit.run(() => cache.invalidate({ table: 'ledger' }))
    // Somebody else reads what is not committed yet, and keeps it.
    expect(await cache.get('ledger:1', load)).toBe(2)
    expect(await cache.get('ledger:1', load)).toBe(2)
    await unit.commit()
    expect(await cache.get('ledger:1', load)).toBe(3)
  })
})

describe('committed mode, with memory alone', () => {
  test('prepare_keepsReadersFromFilling_untilTheCommit', async () => {
    const { cache } = openCache({ dependencies, consistency: 'committed' })
    const { load } = countingLoader()
    await cache.get('pay:1', load)
    const unit = cache.unitOfWork()
    unit.write('payments', row(1))
    await unit.prepare()
    expect(cache.peek('pay:1')).toBeUndefined()
    expect(await cache.get('pay:1', load)).toBe(2)
    expect(await cache.get('pay:1', load)).toBe(3)
    expect(await cache.get('pay:2', load)).toBe(4)
    expect(await cache.get('pay:2', load)).toBe(4)
    await unit.commit()
    expect(await cache.get('pay:1', load)).toBe(5)
    expect(await cache.get('pay:1', load)).toBe(5)
  })

  test('prepare_thenRollback_letsReadersFillAgain', async () => {
    const { cache } = openCache({ dependencies, consistency: 'committed' })
    const { load } = countingLoader()
    const unit = cache.unitOfWork()
    unit.write('payments', row(1))
    await unit.prepare()
    // A load that ran across the lock read what may have been rolled back: it is not kept.
    const { load: slow, call } = heldLoader<number>()
    const across = cache.get('pay:1', slow)
    await call()
    await unit.rollback()
    ;(await call()).resolve(7)
    expect(await across).toBe(7)
    expect(cache.peek('pay:1')).toBeUndefined()
    expect(await cache.get('pay:1', load)).toBe(1)
    expect(await cache.get('pay:1', load)).toBe(1)
  })

  test('prepare_twoUnitsOverOneStamp_bothMustEnd', async () => {
    const { cache } = openCache({ dependencies, consistency: 'committed' })
    const { load } = countingLoader()
    const units = [cache.unitOfWork(), cache.unitOfWork()]
    for (const unit of units) {
      unit.write('payments', row(1))
      await unit.prepare()
    }
    await units[0]?.commit()
    expect(await cache.get('pay:1', load)).toBe(1)
    expect(await cache.get('pay:1', load)).toBe(2)
    await units[1]?.rollback()
    expect(await cache.get('pay:1', load)).toBe(3)
    expect(await cache.get('pay:1', load)).toBe(3)
  })
})
