import {
  type Cache,
  createCache,
  defineDependencies,
  defineKeys,
  type ScopedCache,
  type,
} from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countingLoader, errorOf, openCache, openFleet } from '../support/caches.ts'

const keys = defineKeys({
  daily: { key: 'daily:{orgId}:{day}', value: type<number>() },
  byDay: { key: 'by-day:{day}:{orgId}', value: type<number>() },
  user: 'user:{orgId}[:{id}]',
  country: 'country:{code}',
  total: 'total:{month}',
})
const dependencies = defineDependencies({
  tables: {
    revenues: ['daily:{orgId}:{day}', 'by-day:{day}:{orgId}', 'total:*'],
    bookings: {
      invalidates: ['daily:{orgId}:{day}'],
      bind: (row: { org?: number; day?: number }) => ({ orgId: row.org, day: row.day }),
    },
  },
  views: { v_revenues: ['revenues'] },
})
const OUT = errorOf('OUT_OF_SCOPE')
const load = async () => 0

function open(scopes: readonly string[] = []) {
  const { cache } = openCache({
    keys,
    dependencies:
      scopes.length === 0 ? dependencies : defineDependencies({ ...definition, scopes: ['orgId'] }),
    partitionBy: 'orgId',
  })
  return { cache: cache as Cache, own: cache.scope({ orgId: 7 }) as ScopedCache }
}
const definition = {
  tables: {
    revenues: ['daily:{orgId}:{day}', 'by-day:{day}:{orgId}', 'total:*'],
  },
} as const

const all = [7, 8].flatMap((orgId) => [
  keys.daily({ orgId, day: 1 }),
  keys.daily({ orgId, day: 2 }),
  keys.byDay({ orgId, day: 1 }),
  keys.user({ orgId }),
  keys.user({ orgId, id: 1 }),
])
const nobodys = [keys.country({ code: 'IN' }), keys.total({ month: 11 }), 'raw:7']

async function fill(cache: Cache): Promise<void> {
  for (const key of [...all, ...nobodys]) await cache.get(key, load as never)
}
/** What memory has no longer. */
const voided = (cache: Cache) => [...all, ...nobodys].filter((key) => cache.peek(key) === undefined)

describe('reading in a scope', () => {
  test('itsOwnKeys_areReadAsEver', async () => {
    const { cache, own } = open()
    const counting = countingLoader()
    expect(await own.get(keys.daily({ orgId: 7, day: 1 }), counting.load)).toBe(1)
    expect(await cache.get(keys.daily({ orgId: '7', day: 1 }), counting.load)).toBe(1)
    expect(own.peek(keys.daily({ orgId: 7, day: 1 }))).toBe(1)
    expect(await own.getMany(keys.daily, [{ orgId: 7, day: 1 }], async () => [9])).toEqual([1])
    expect((await own.getEntry(keys.daily({ orgId: 7, day: 1 }), counting.load)).status).toBe('hit')
    // Text that a family could have built is as good as built by it.
    expect(await own.get('daily:7:1', counting.load)).toBe(1)
    const mark = await own.mark(keys.daily({ orgId: 7, day: 2 }))
    expect(await own.set(keys.daily({ orgId: 7, day: 2 }), 5, { mark })).toBe(true)
    expect(own.scope).toEqual({ orgId: '7' })
  })

  const outside = [
    ['of another tenant', keys.daily({ orgId: 8, day: 1 })],
    ['of one whose name begins alike', keys.daily({ orgId: 77, day: 1 })],
    ['where the tenant stands in another place', keys.byDay({ orgId: 8, day: 7 })],
    ['of no tenant', keys.country({ code: '7' })],
    ['raw', 'raw:7'],
    ['raw, like a key with a piece too many', 'daily:7:1:x'],
    ['spelt otherwise', 'daily:%37:1'],
  ] as const

  test.each(outside)('aKey_%s_isRefusedAtOnce', async (_, key) => {
    const { cache, own } = open()
    await cache.get(key, load as never)
    let loads = 0
    const never = async () => ++loads
    await expect(own.get(key, never as never)).rejects.toEqual(OUT)
    await expect(own.getEntry(key, never as never)).rejects.toEqual(OUT)
    await expect(own.getMany([keys.daily({ orgId: 7, day: 1 }), key], never as never)).rejects.toEqual(OUT)
    await expect(own.mark(key)).rejects.toEqual(OUT)
    await expect(own.set(key, 1 as never, { mark: {} as never })).rejects.toEqual(OUT)
    expect(() => own.peek(key)).toThrow(OUT as never)
    await expect(own.invalidate({ keys: [keys.daily({ orgId: 7, day: 1 }), key] })).rejects.toEqual(OUT)
    const repository = { read: async (asked: string) => `${++loads} ${asked}` }
    await expect(own.wrap(repository, { read: { key: (asked) => asked } }).read(key)).rejects.toEqual(OUT)
    await expect(own.session().get(key, never as never)).rejects.toEqual(OUT)
    expect(loads).toBe(0)
    expect(cache.peek(key)).toBe(0)
  })

  test('byParameters_ofAnotherTenant_isRefused', async () => {
    const { own } = open()
    const asked = own.getMany(
      keys.daily,
      [
        { orgId: 7, day: 1 },
        { orgId: 8, day: 1 },
      ],
      async () => [1, 2],
    )
    await expect(asked).rejects.toEqual(OUT)
  })

  test('whatIsNoKey_isRefusedAsEver', async () => {
    const { own } = open()
    await expect(own.get('', load as never)).rejects.toEqual(errorOf('INVALID_KEY'))
    await expect(own.getMany(3 as never, [], load as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
  })

  test('sharedFamilies_mayBeRead_andNotInvalidated', async () => {
    const { cache } = open()
    const own = cache.scope({ orgId: 7 }, { shared: [keys.country] })
    expect(await own.get(keys.country({ code: 'IN' }), async () => 'India')).toBe('India')
    await expect(own.get(keys.total({ month: 1 }), load)).rejects.toEqual(OUT)
    await expect(own.invalidate({ keys: [keys.country({ code: 'IN' })] })).rejects.toEqual(OUT)
    await expect(own.invalidate({ pattern: keys.country.pattern() })).rejects.toEqual(OUT)
    expect(cache.peek(keys.country({ code: 'IN' }))).toBe('India')
  })

  test('noParameterValue_reachesAnotherTenant', async () => {
    const { own } = open()
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('7', '8', ':7', '7:', '%37', '*', '{orgId}'),
    )
    await fc.assert(
      fc.asyncProperty(text, text, async (orgId, day) => {
        const key = keys.daily({ orgId, day })
        const read = own.get(key, async () => 1)
        if (orgId === '7') await read
        else await expect(read).rejects.toEqual(OUT)
      }),
      { numRuns: 300 },
    )
  })
})

describe('invalidating in a scope', () => {
  test('aTableWithoutRows_voidsThisTenant_andWhatNamesNone', async () => {
    const { cache, own } = open()
    await fill(cache)
    const receipt = await own.invalidate({ table: 'revenues' })
    expect(receipt.status).toBe('applied')
    // The tenant stands last in by-day: without a scope in the map, that pattern is void as a whole.
    expect(voided(cache)).toEqual([
      keys.daily({ orgId: 7, day: 1 }),
      keys.daily({ orgId: 7, day: 2 }),
      keys.byDay({ orgId: 7, day: 1 }),
      keys.byDay({ orgId: 8, day: 1 }),
      keys.total({ month: 11 }),
    ])
  })

  test('whereTheMapDeclaresTheScope_noOtherTenantIsTouched', async () => {
    const { cache, own } = open(['orgId'])
    await fill(cache)
    await own.invalidate({ table: 'revenues' })
    expect(
      voided(cache).filter((key) => keys.byDay.parse(key)?.orgId === '8' || key.startsWith('daily:8')),
    ).toEqual([])
    expect(voided(cache)).toContain(keys.byDay({ orgId: 7, day: 1 }))
    expect(voided(cache)).toContain(keys.daily({ orgId: 7, day: 2 }))
  })

  test('aView_isConfinedToo', async () => {
    const { cache, own } = open()
    await fill(cache)
    await own.invalidate({ table: 'v_revenues' })
    expect(voided(cache)).not.toContain(keys.daily({ orgId: 8, day: 1 }))
    expect(voided(cache)).toContain(keys.daily({ orgId: 7, day: 1 }))
  })

  test('rows_bindTheRest', async () => {
    const { cache, own } = open()
    await fill(cache)
    await own.invalidate({ table: 'bookings', operation: 'insert', rows: [{ org: 7, day: 2 }] })
    expect(voided(cache)).toEqual([keys.daily({ orgId: 7, day: 2 })])
    await own.invalidate({ table: 'bookings', operation: 'insert', rows: [{ day: 1 }] })
    expect(voided(cache)).toContain(keys.daily({ orgId: 7, day: 1 }))
    expect(voided(cache)).not.toContain(keys.daily({ orgId: 8, day: 1 }))
  })

  test.each([
    [
      'by column',
      {
        table: 'revenues',
        operation: 'insert',
        rows: [
          { orgId: 7, day: 1 },
          { org_id: 8, day: 1 },
        ],
      },
    ],
    ['by function', { table: 'bookings', operation: 'insert', rows: [{ org: 8, day: 1 }] }],
    [
      'that came from there',
      { table: 'revenues', rows: [{ before: { orgId: 8, day: 1 }, after: { orgId: 7, day: 1 } }] },
    ],
  ] as const)('rowsOfAnotherTenant_%s_areRefused_andNothingIsApplied', async (_, request) => {
    const { cache, own } = open()
    await fill(cache)
    await expect(own.invalidate(request)).rejects.toEqual(OUT)
    expect(voided(cache)).toEqual([])
  })

  test('aBindThatThrows_voidsTheTenantAlone', async () => {
    const { cache } = openCache({
      keys,
      partitionBy: 'orgId',
      dependencies: defineDependencies({
        tables: {
          broken: {
            invalidates: ['daily:{orgId}:{day}'],
            bind: () => {
              throw new Error('no')
            },
          },
        },
      }),
    })
    await fill(cache as Cache)
    await cache.scope({ orgId: 7 }).invalidate({ table: 'broken', rows: [{}] })
    expect(voided(cache as Cache)).toEqual([
      keys.daily({ orgId: 7, day: 1 }),
      keys.daily({ orgId: 7, day: 2 }),
    ])
  })

  test('patterns_areTheTenants_orRefused', async () => {
    const { cache, own } = open()
    await fill(cache)
    await own.invalidate({ pattern: keys.daily.pattern({ orgId: 7 }) })
    await own.invalidate({ pattern: keys.user.pattern({ orgId: 7 }) })
    expect(voided(cache)).toEqual(all.filter((key) => key.startsWith('daily:7') || key.startsWith('user:7')))
    for (const pattern of [
      keys.daily.pattern(),
      keys.daily.pattern({ day: 1 }),
      keys.daily.pattern({ orgId: 8 }),
      keys.user.pattern(),
      'daily:7:*',
      'daily:7*',
      '*',
      'daily:{orgId}:{day}',
    ])
      await expect(own.invalidate({ pattern }), pattern).rejects.toEqual(OUT)
  })

  test('scopes_areTheTenants_orRefused', async () => {
    const { cache, own } = open(['orgId'])
    await fill(cache)
    await own.invalidate({ scope: { orgId: 7 } as never })
    expect(voided(cache).every((key) => key.includes('7'))).toBe(true)
    expect(voided(cache)).toHaveLength(5)
    await expect(own.invalidate({ scope: { orgId: 8 } as never })).rejects.toEqual(OUT)
    await expect(own.invalidate({ scope: { currency: 'INR' } as never })).rejects.toEqual(OUT)
  })

  test.each([[[]], [['orgId']]])(
    'clear_withScopes_%j_voidsEveryKeyOfTheTenant_andNoOther',
    async (scopes) => {
      const { cache, own } = open(scopes)
      await fill(cache)
      await own.clear()
      expect(voided(cache)).toEqual(all.slice(0, 5))
    },
  )

  test('clear_whereCoherenceIsOff_voidsAllTheSame', async () => {
    const { cache, own } = open(['orgId'])
    cache.setCoherence('off', { family: 'daily' })
    await fill(cache)
    await own.clear()
    expect(voided(cache)).toEqual(all.slice(0, 5))
  })

  test.each(['doc:{id}[:{from}[:{orgId}]]', 'doc:{id}[:{from}[:{orgId}[:{page}]]]'] as const)(
    'clear_theTenantLateInTheTailOf_%s_voidsItsKeysAndNoOther',
    async (template) => {
      const own = defineKeys({ doc: template, user: 'user:{orgId}' })
      const doc = own.doc as (params: object) => string
      for (const dependencies of [
        defineDependencies({ tables: { docs: ['doc:{id}*'] } }),
        defineDependencies({ tables: { docs: ['doc:*'] }, scopes: ['orgId'] }),
      ]) {
        const { cache } = openCache({ keys: own, dependencies, partitionBy: 'orgId' })
        const mine = [
          doc({ id: 1, from: 2, orgId: 7 }),
          doc({ id: 7, from: 7, orgId: 7 }),
          own.user({ orgId: 7 }),
        ]
        if (template.includes('page')) mine.push(doc({ id: 1, from: 2, orgId: 7, page: 3 }))
        const others = [
          ...[doc({ id: 7 }), doc({ id: 7, from: 7 }), doc({ id: 7, from: 7, orgId: 77 })],
          ...[doc({ id: 7, from: 7, orgId: 8 }), own.user({ orgId: 8 })],
        ]
        for (const key of [...mine, ...others]) await cache.get(key, load as never)
        const receipt = await cache.scope({ orgId: 7 }).clear()
        expect(receipt.status).toBe('applied')
        expect(mine.map((key) => cache.peek(key))).toEqual(mine.map(() => undefined))
        expect(others.map((key) => cache.peek(key))).toEqual(others.map(() => 0))
        await cache.close()
      }
    },
  )

  test('severalRequests_areRefusedAsAWhole', async () => {
    const { cache, own } = open()
    await fill(cache)
    const requests = [{ table: 'revenues' }, { keys: [keys.daily({ orgId: 8, day: 1 })] }]
    await expect(own.invalidate(requests)).rejects.toEqual(OUT)
    expect(voided(cache)).toEqual([])
  })

  test('insideAUnit_itHoldsAgainAtTheCommit_forTheTenantAlone', async () => {
    const { cache, own } = open()
    const unit = cache.unitOfWork()
    await unit.run(async () => {
      await own.invalidate({ table: 'revenues' })
    })
    await fill(cache)
    await unit.commit()
    expect(voided(cache)).toContain(keys.daily({ orgId: 7, day: 1 }))
    expect(voided(cache)).not.toContain(keys.daily({ orgId: 8, day: 1 }))
  })

  test('othersInTheFleet_withOtherMaps_areToldTheSame', async () => {
    const { fleet, store, clock, name } = await openFleet(1, { keys, dependencies, partitionBy: 'orgId' })
    const elsewhere = defineDependencies({ tables: { revenues: ['daily:{orgId}:*', 'user:{orgId}*'] } })
    const { cache: other } = openCache({
      name,
      instance: 'other',
      store,
      clock,
      keys,
      dependencies: elsewhere,
      partitionBy: 'orgId',
    })
    await other.ready()
    await fill(other as Cache)
    await (fleet[0] as Cache).scope({ orgId: 7 }).invalidate({ table: 'revenues' })
    const gone = voided(other as Cache)
    expect(gone).toContain(keys.daily({ orgId: 7, day: 1 }))
    expect(gone).toContain(keys.daily({ orgId: 7, day: 2 }))
    expect(gone).not.toContain(keys.daily({ orgId: 8, day: 1 }))
  })
})

describe('badScopes', () => {
  test('areRefused', () => {
    const { cache } = open()
    const parameter = errorOf('INVALID_PARAMETER') as never
    for (const scope of [
      {},
      null,
      7,
      { day: 1 },
      { orgId: 7, day: 1 },
      { orgId: null },
      { orgId: {} },
      { orgId: undefined },
    ])
      expect(() => cache.scope(scope as never), JSON.stringify(scope)).toThrow(parameter)
    expect(() => cache.scope({ orgId: 7 }, { shared: [keys.daily] })).toThrow(/without \{orgId\}/)
    expect(() => cache.scope({ orgId: 7 }, { share: [] } as never)).toThrow(/Did you mean "shared"/)
    const { cache: plain } = openCache({ keys })
    expect(() => plain.scope({ orgId: 7 })).toThrow(/partitionBy/)
    expect(() => createCache({ name: 'never', keys, partitionBy: 'nobody' })).toThrow(/no key family/)
  })
})
