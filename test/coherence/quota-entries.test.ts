import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Place, QuotaEntries, type Quotas } from '../../src/coherence/quota-entries.ts'

interface Item {
  readonly bytes: number
}

/** Keys are `family/tenant/name`; a family in capitals has a room of its own. */
function placeOf(key: string): Place {
  const [family, tenant] = key.split('/')
  return {
    family: family === family?.toUpperCase() ? family : undefined,
    tenant: tenant === '' ? undefined : tenant,
  }
}

function held(quotas: Partial<Quotas>) {
  const gone: string[] = []
  const clock = { now: 0 }
  const entries = new QuotaEntries<Item>(
    { maxEntries: undefined, maxBytes: undefined, perTenant: undefined, families: new Map(), ...quotas },
    placeOf,
    () => clock.now,
    (_, key, reason) => gone.push(`${reason} ${key}`),
  )
  return {
    entries,
    gone,
    clock,
    put: (key: string, bytes = 1) => void entries.set(key, { bytes }, { size: bytes }),
  }
}

describe('quotas', () => {
  test('aTenantOverItsQuota_givesUpWhatItUsedLongestAgo', () => {
    const { entries, gone, put } = held({ perTenant: 3 })
    for (const name of ['a', 'b', 'c']) put(`f/1/${name}`)
    put('f/2/a')
    entries.get('f/1/a')
    put('f/1/d')
    expect(gone).toEqual(['evict f/1/b'])
    put('f/1/e')
    expect(gone).toEqual(['evict f/1/b', 'evict f/1/c'])
    expect([...entries.keys()].sort()).toEqual(['f/1/a', 'f/1/d', 'f/1/e', 'f/2/a'])
  })

  test('aFullRoom_takesFromWhoeverHasMost', () => {
    const { entries, put } = held({ maxEntries: 6, perTenant: 100 })
    put('f/quiet/a')
    put('f/quiet/b')
    for (let at = 0; at < 100; at++) put(`f/noisy/${at}`)
    expect([...entries.keys()]).toEqual([
      'f/quiet/a',
      'f/quiet/b',
      'f/noisy/96',
      'f/noisy/97',
      'f/noisy/98',
      'f/noisy/99',
    ])
  })

  test('amongTenantsThatHaveAsMany_whoeverUsedItsOwnLongestAgo_givesWay', () => {
    const { entries, gone, put } = held({ maxEntries: 3, perTenant: 2 })
    for (const tenant of [1, 2, 3]) put(`f/${tenant}/a`)
    entries.get('f/1/a')
    put('f/4/a')
    expect(gone).toEqual(['evict f/2/a'])
  })

  test('aTenantThatHasUsedNothingForAMinute_givesWayFirst', () => {
    const { entries, gone, clock, put } = held({ maxEntries: 4, perTenant: 100 })
    for (const tenant of ['idle', 'quiet', 'noisy', 'noisy2']) put(`f/${tenant}/a`)
    clock.now = 59_000
    for (const tenant of ['quiet', 'noisy', 'noisy2']) entries.get(`f/${tenant}/a`)
    clock.now = 60_000
    put('f/noisy/b')
    expect(gone).toEqual(['evict f/noisy/a'])
    clock.now = 60_001
    put('f/noisy/c')
    put('f/noisy/d')
    expect(gone).toEqual(['evict f/noisy/a', 'evict f/idle/a', 'evict f/noisy/b'])
  })

  test('familiesWithRoomsOfTheirOwn_displaceNobody_andNobodyDisplacesThem', () => {
    const { entries, gone, put } = held({
      maxEntries: 2,
      families: new Map([
        ['DAILY', 3],
        ['MONTHLY', 1],
      ]),
    })
    for (let at = 0; at < 3; at++) put(`DAILY//${at}`)
    put('MONTHLY//0')
    for (let at = 0; at < 50; at++) put(`other//${at}`)
    expect(gone.every((one) => one.startsWith('evict other'))).toBe(true)
    for (let at = 3; at < 50; at++) put(`DAILY//${at}`)
    expect(entries.peek('MONTHLY//0')).toBeDefined()
    expect([...entries.keys()].filter((key) => key.startsWith('DAILY'))).toHaveLength(3)
    expect([...entries.keys()].filter((key) => key.startsWith('other'))).toEqual(['other//48', 'other//49'])
  })

  test('tooManyBytes_goFromWhoeverHasMost', () => {
    const { entries, put } = held({ maxBytes: 1_000, perTenant: 100 })
    put('f/quiet/a', 50)
    for (let at = 0; at < 20; at++) put(`f/noisy/${at}`, 300)
    expect(entries.peek('f/quiet/a')).toBeDefined()
    expect(entries.calculatedSize).toBeLessThanOrEqual(1_000)
    expect([...entries.keys()].at(-1)).toBe('f/noisy/19')
  })

  test('anEntryLargerThanEverything_isNotTaken_norDisposedOf_andTheOldOneIsGone', () => {
    const { entries, gone, put } = held({ maxBytes: 100, perTenant: 5 })
    put('f/1/a', 10)
    put('f/1/a', 101)
    expect(entries.peek('f/1/a')).toBeUndefined()
    expect(gone).toEqual(['set f/1/a'])
  })

  test('ofNoTenant_entriesHaveNoQuota', () => {
    const { entries, put } = held({ perTenant: 2 })
    for (let at = 0; at < 10; at++) put(`f//${at}`)
    expect(entries.size).toBe(10)
  })

  test('whateverHappens_everyLimitHolds_andTheOrderOfUseIsExact', () => {
    const key = fc.tuple(
      fc.constantFrom('f', 'g', 'DAILY'),
      fc.constantFrom('', '1', '2', '3'),
      fc.nat({ max: 9 }),
    )
    const step = fc.record({
      what: fc.constantFrom('put', 'put', 'put', 'get', 'delete'),
      key: key.map((parts) => parts.join('/')),
      bytes: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const { entries, gone, put } = held({
          maxEntries: 8,
          perTenant: 4,
          maxBytes: 300,
          families: new Map([['DAILY', 5]]),
        })
        // Least recently used first, over everything.
        let order: string[] = []
        const bytes = new Map<string, number>()
        for (const one of steps) {
          gone.length = 0
          if (one.what === 'get') {
            if (entries.get(one.key) !== undefined)
              order = [...order.filter((key) => key !== one.key), one.key]
          } else if (one.what === 'delete') {
            expect(entries.delete(one.key)).toBe(order.includes(one.key))
            order = order.filter((key) => key !== one.key)
          } else {
            put(one.key, one.bytes)
            order = order.filter((key) => key !== one.key)
            for (const key of gone.filter((line) => line.startsWith('evict')).map((line) => line.slice(6))) {
              // The one that its tenant, in its room, used longest ago.
              const [room, tenant] = [placeOf(key).family, placeOf(key).tenant]
              const alike = order.filter(
                (other) => placeOf(other).family === room && placeOf(other).tenant === tenant,
              )
              expect(alike[0]).toBe(key)
              order = order.filter((other) => other !== key)
            }
            if (entries.peek(one.key) !== undefined) order.push(one.key)
            bytes.set(one.key, one.bytes)
          }
          expect([...entries.keys()].sort()).toEqual([...order].sort())
          expect(entries.size).toBe(order.length)
          expect(entries.calculatedSize).toBe(order.reduce((sum, key) => sum + (bytes.get(key) ?? 0), 0))
          expect(entries.calculatedSize).toBeLessThanOrEqual(300)
          const daily = order.filter((key) => key.startsWith('DAILY'))
          expect(daily.length).toBeLessThanOrEqual(5)
          expect(order.length - daily.length).toBeLessThanOrEqual(8)
          for (const tenant of ['1', '2', '3']) {
            for (const room of [daily, order.filter((key) => !key.startsWith('DAILY'))])
              expect(room.filter((key) => placeOf(key).tenant === tenant).length).toBeLessThanOrEqual(4)
          }
        }
      }),
      { numRuns: 400 },
    )
  })
})
