import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ForeignMap, type Skeleton, skeletonDigest } from '../../src/core/skeleton.ts'
import { registrationStamp } from '../../src/core/stamp.ts'
import type { Store } from '../../src/core/store.ts'
import { ForeignMaps } from '../../src/write/foreign-maps.ts'
import { type Deferred, deferred } from '../support/caches.ts'

const OWN = 'own-------------'

function skeleton(patterns: readonly string[], scopes: readonly string[] = []) {
  const map: Skeleton = {
    format: 1,
    tables: { orders: { bound: patterns, whole: [], stable: [] } },
    patterns,
    scopes,
  }
  const text = JSON.stringify(map)
  return { text, digest: skeletonDigest(text) }
}

const one = skeleton(['order:{orgId}:*'], ['orgId'])
const two = skeleton(['basket:{orgId}:*'])
const ORDERS = [{ table: 'orders', operation: 'insert', rows: [{ org_id: 7 }] }] as const

/** A store that has these skeletons. */
function holding(texts: Readonly<Record<string, string>>) {
  let asked = 0
  const store = {
    skeleton: async (digest: string) => {
      asked++
      return texts[digest]
    },
  } as unknown as Store
  return {
    store,
    get asked() {
      return asked
    },
  }
}

describe('a change', () => {
  test('meet_strangers_givesTheirStamps_once', async () => {
    const maps = new ForeignMaps(OWN)
    const { store } = holding({ [one.digest]: one.text, [two.digest]: two.text })
    const change = maps.change(ORDERS)
    expect(await change.expected()).toEqual(new Set())
    expect(await change.meet([OWN, one.digest], store)).toEqual(new Set(['order:{orgId}:*|7']))
    expect(await change.meet([OWN, one.digest, two.digest], store)).toEqual(new Set(['basket:{orgId}:*|7']))
    expect(await change.meet([OWN, one.digest, two.digest], store)).toEqual(new Set())
  })

  test('meet_patternsThatBindByAFunction_rotateWhole', async () => {
    const tables = { orders: { bound: ['order:{orgId}:*'], whole: ['basket:{orgId}:*'], stable: [] } }
    const text = JSON.stringify({ format: 1, tables, patterns: [], scopes: [] } satisfies Skeleton)
    const digest = skeletonDigest(text)
    const { store } = holding({ [digest]: text })
    const stamps = await new ForeignMaps(OWN).change(ORDERS).meet([digest], store)
    expect(stamps).toEqual(new Set(['order:{orgId}:*|7', 'basket:{orgId}:*']))
  })

  test('expected_mapsMetBefore_areKnown_withoutAsking', async () => {
    const maps = new ForeignMaps(OWN)
    const held = holding({ [one.digest]: one.text })
    await maps.change(ORDERS).meet([one.digest], held.store)
    const next = maps.change(ORDERS)
    expect(await next.expected()).toEqual(new Set(['order:{orgId}:*|7']))
    expect(await next.meet([one.digest], held.store)).toEqual(new Set())
    expect(held.asked).toBe(1)
  })

  test('meet_anotherChangeLoadsTheMapMeanwhile_stillGivesItsStamps', async () => {
    const maps = new ForeignMaps(OWN)
    const { store } = holding({ [one.digest]: one.text })
    const first = maps.change(ORDERS)
    const second = maps.change(ORDERS)
    await first.expected()
    await second.expected()
    // Both have rotated before either knew of the map.
    expect(await second.meet([one.digest], store)).toEqual(new Set(['order:{orgId}:*|7']))
    expect(await first.meet([one.digest], store)).toEqual(new Set(['order:{orgId}:*|7']))
  })

  test('meet_anOlderReplyComesMeanwhile_stillGivesItsStamps', async () => {
    const maps = new ForeignMaps(OWN)
    const slow: Deferred<string> = deferred()
    const store = { skeleton: () => slow.promise } as unknown as Store
    const change = maps.change(ORDERS)
    const met = change.meet([one.digest], store)
    await maps.change(ORDERS).meet([OWN], store)
    slow.resolve(one.text)
    expect(await met).toEqual(new Set(['order:{orgId}:*|7']))
  })

  test.each([
    ['is gone', undefined],
    ['is of another map', two.text],
    ['is no skeleton', 'null'],
    ['is cut short', one.text.slice(0, -5)],
    ['was emptied', JSON.stringify({ format: 1, tables: {}, patterns: [], scopes: [] })],
  ])('meet_aSkeletonThat %s_voidsItsRegistration_andAsksAgain', async (_, text) => {
    const maps = new ForeignMaps(OWN)
    const texts: Record<string, string> = text === undefined ? {} : { [one.digest]: text }
    const { store } = holding(texts)
    const change = maps.change(ORDERS)
    expect(await change.meet([one.digest], store)).toEqual(new Set([registrationStamp(one.digest)]))
    expect(await change.meet([one.digest], store)).toEqual(new Set())
    texts[one.digest] = one.text
    expect(await maps.change(ORDERS).meet([one.digest], store)).toEqual(new Set(['order:{orgId}:*|7']))
  })

  test('meet_theStoreFails_rejects_andNothingIsTakenForMet', async () => {
    const maps = new ForeignMaps(OWN)
    const failing = { skeleton: () => Promise.reject(new Error('away')) } as unknown as Store
    const change = maps.change(ORDERS)
    await expect(change.meet([one.digest], failing)).rejects.toThrow('away')
    const { store } = holding({ [one.digest]: one.text })
    expect(await change.meet([one.digest], store)).toEqual(new Set(['order:{orgId}:*|7']))
  })

  test('without_stampsThatSomeMapLacks_namesItsRegistration', async () => {
    const maps = new ForeignMaps(OWN)
    const { store } = holding({ [one.digest]: one.text, [two.digest]: two.text })
    const change = maps.change([])
    await change.meet([one.digest, two.digest], store)
    expect(change.without('order:{orgId}:*')).toEqual([registrationStamp(two.digest)])
    expect(change.without('order:{orgId}:*|7')).toEqual([registrationStamp(two.digest)])
    expect(change.without('|orgId=7')).toEqual([registrationStamp(two.digest)])
    expect(change.without('|')).toEqual([])
  })
})

describe('a skeleton from a store', () => {
  const written = [one.text, two.text]

  test('read_any_neverThrows', () => {
    const json = fc.jsonValue()
    const almost = fc.record(
      {
        format: fc.oneof(fc.constant(1), json),
        tables: fc.oneof(
          fc.dictionary(
            fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')),
            fc.record({ bound: json, whole: json, stable: json }, { requiredKeys: [] }),
          ),
          json,
        ),
        patterns: json,
        scopes: json,
      },
      { requiredKeys: [] },
    )
    const text = fc.oneof(
      fc.string(),
      almost.map((value) => JSON.stringify(value)),
      json.map((value) => JSON.stringify(value)),
      fc
        .tuple(fc.constantFrom(...written), fc.nat(), fc.nat(), fc.string())
        .map(([from, at, length, put]) => {
          const start = at % from.length
          return from.slice(0, start) + put + from.slice(start + (length % 9))
        }),
    )
    fc.assert(
      fc.asyncProperty(text, async (given) => {
        const map = ForeignMap.read(given)
        if (map === undefined) return
        // Whatever could be read can be used.
        for (const name of await map.stamps(ORDERS)) expect(typeof name).toBe('string')
        map.has('order:{orgId}:*|7')
      }),
      { numRuns: 3_000 },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('read_nestedDeeply_orHuge_isNone', () => {
    expect(ForeignMap.read(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toBeUndefined()
    expect(ForeignMap.read(`{"format":1,"tables":{},"x":"${'x'.repeat(4_100_000)}"}`)).toBeUndefined()
  })
})
