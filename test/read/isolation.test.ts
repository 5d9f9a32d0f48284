import { describe, expect, test, vi } from 'vitest'
import { heldLoader, openCache } from '../support/caches.ts'

type Report = { rows: { amount: number }[]; at?: Date }

const report = (): Report => ({ rows: [{ amount: 1 }] })

describe('freeze', () => {
  test('freeze_plainValues_areTheVeryObject_frozenThroughout', async () => {
    const { cache } = openCache()
    const loaded = report()
    const first = await cache.get('a', () => loaded)
    const second = await cache.get('a', report)
    expect(second).toBe(first)
    expect(Object.isFrozen(second) && Object.isFrozen(second.rows) && Object.isFrozen(second.rows[0])).toBe(
      true,
    )
    expect(() => {
      ;(second.rows[0] as { amount: number }).amount = 2
    }).toThrow(TypeError)
    expect(cache.peek('a')).toEqual(report())
  })

  test.each([
    ['Date', () => new Date(0), (value: Date) => value.setFullYear(1999)],
    ['Map', () => new Map([[1, { a: 1 }]]), (value: Map<number, unknown>) => value.clear()],
    ['Set', () => new Set([1]), (value: Set<number>) => value.add(2)],
    ['Uint8Array', () => Uint8Array.of(1, 2), (value: Uint8Array) => value.fill(9)],
    ['ArrayBuffer', () => Uint8Array.of(1, 2).buffer, (value: ArrayBuffer) => new Uint8Array(value).fill(9)],
  ] as [string, () => unknown, (value: never) => unknown][])(
    'freeze_%s_whichFreezingCannotProtect_isCloned',
    async (_, make, change) => {
      const { cache } = openCache()
      const load = () => ({ nested: [make()] })
      for (const read of [
        () => cache.get('a', load),
        () => cache.get('a', load),
        async () => cache.peek('a') as ReturnType<typeof load>,
        async () => (await cache.getEntry('a', load)).value,
        async () => (await cache.getMany('a'.split(''), () => [load()]))[0] as ReturnType<typeof load>,
      ]) {
        const value = await read()
        expect(value).toEqual(load())
        change(value.nested[0] as never)
        value.nested.push('changed')
      }
      expect(await cache.get('a', load)).toEqual(load())
    },
  )

  test('freeze_loadersOwnObject_isNotChangedUnderTheCache', async () => {
    const { cache } = openCache()
    const dated = { ...report(), at: new Date(0) }
    await cache.get('a', () => dated)
    dated.rows.push({ amount: 2 })
    dated.at.setFullYear(1999)
    expect(cache.peek('a')).toEqual({ ...report(), at: new Date(0) })
    expect(Object.isFrozen(dated)).toBe(false)
  })

  test('freeze_circularValues_areKept', async () => {
    const { cache } = openCache()
    const circle: { self?: unknown; at?: Date } = {}
    circle.self = circle
    const kept = await cache.get('a', () => circle)
    expect(kept.self).toBe(kept)
    const dated: { self?: unknown; at?: Date } = { at: new Date(0) }
    dated.self = dated
    const cloned = await cache.get('b', () => dated)
    expect(cloned.self).toBe(cloned)
    expect(cloned).not.toBe(dated)
  })

  test('freeze_instancesOfClasses_keepTheirClass', async () => {
    class Money {
      constructor(readonly amount: number) {}
      double() {
        return this.amount * 2
      }
    }
    const { cache } = openCache()
    expect((await cache.get('a', () => new Money(2))).double()).toBe(4)
    // Beside a Date it would have to be cloned, and a clone is no Money any more: it is given, but not kept.
    const told = vi.fn()
    cache.on('refused', told)
    const mixed = await cache.get('b', () => ({ money: new Money(2), at: new Date(0) }))
    expect(mixed.money.double()).toBe(4)
    expect(cache.peek('b')).toBeUndefined()
    expect(told).toHaveBeenCalledExactlyOnceWith({
      key: 'b',
      reason: 'uncacheable',
      detail: expect.stringContaining('Money'),
    })
  })
})

describe('clone', () => {
  test('clone_eachReader_getsItsOwn', async () => {
    const { cache } = openCache({ memory: { isolate: 'clone' } })
    const loaded = report()
    const values = [
      await cache.get('a', () => loaded),
      await cache.get('a', report),
      cache.peek('a') as Report,
    ]
    expect(new Set([loaded, ...values]).size).toBe(4)
    for (const value of values) value.rows.push({ amount: 2 })
    loaded.rows.push({ amount: 3 })
    expect(cache.peek('a')).toEqual(report())
  })

  test('clone_readersOfOneLoad_shareNothing', async () => {
    const { cache } = openCache({ memory: { isolate: 'clone' } })
    const { load, call } = heldLoader<Report>()
    const reads = [cache.get('a', load), cache.get('a', load)]
    ;(await call()).resolve(report())
    const [one, other] = (await Promise.all(reads)) as [Report, Report]
    one.rows.push({ amount: 2 })
    expect(other).toEqual(report())
  })

  test.each([
    ['function', () => ({ run: () => 1 })],
    ['class instance', () => new (class Money {})()],
  ])('clone_%s_isGivenButNotKept', async (_, make) => {
    const { cache } = openCache({ memory: { isolate: 'clone' } })
    const loaded = make()
    expect(await cache.get<string, object>('a', () => loaded)).toBe(loaded)
    expect(cache.stats().fillsRefused).toEqual({ uncacheable: 1 })
  })
})

test('none_isTheVeryObject', async () => {
  const { cache } = openCache({ memory: { isolate: 'none' } })
  const loaded = { at: new Date(0), run: () => 1 }
  expect(await cache.get('a', () => loaded)).toBe(loaded)
  expect(await cache.get('a', () => ({ ...loaded }))).toBe(loaded)
  expect(Object.isFrozen(loaded)).toBe(false)
})

describe('values that are not kept', () => {
  test('refused_readersOfOneLoad_cannotChangeEachOthers', async () => {
    for (const isolate of ['freeze', 'clone'] as const) {
      const { cache } = openCache({ memory: { isolate } })
      const { load, call } = heldLoader<Report>()
      const reads = [cache.get('a', load), cache.get('a', load)]
      await call()
      await cache.invalidate({ keys: ['a'] })
      ;(await call()).resolve(report())
      const [one, other] = (await Promise.all(reads)) as [Report, Report]
      expect(cache.stats().fillsRefused).toEqual({ invalidated: 1 })
      try {
        one.rows.push({ amount: 2 })
      } catch {
        // Frozen: as good.
      }
      expect(other).toEqual(report())
    }
  })

  test('skipped_isLeftAsItIs', async () => {
    const { cache } = openCache()
    const stream = { open: true, read: () => 'data' }
    const value = await cache.get('a', (context) => {
      context.skip()
      return stream
    })
    expect(value).toBe(stream)
    expect(Object.isFrozen(value)).toBe(false)
  })

  test('bypassed_isLeftAsItIs', async () => {
    const { cache } = openCache()
    const loaded = report()
    expect(await cache.get('a', () => loaded, { ttl: 0 })).toBe(loaded)
    expect(Object.isFrozen(loaded)).toBe(false)
  })
})

test('deepValues_neverBreakARead', async () => {
  let deep: unknown = 1
  for (let depth = 0; depth < 50_000; depth++) deep = [deep]
  for (const memory of [
    { maxBytes: 1e9, isolate: 'none' },
    { isolate: 'freeze' },
    { isolate: 'clone' },
  ] as const) {
    const { cache } = openCache({ memory })
    expect(await cache.get<string, unknown>('a', () => deep)).toBe(deep)
  }
})
