import { defineKeys, type } from 'coherent-cache'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

const keys = defineKeys({ daily: { key: 'daily:{orgId}:{date}', value: type<{ revenue: number }>() } })

class Reports {
  #queries = 0
  prefix = 'org'
  get queries() {
    return this.#queries
  }
  async daily(orgId: number, _date: string) {
    this.#queries++
    return { revenue: orgId * 100 }
  }
  async both(orgId: number) {
    const one = await this.daily(orgId, 'x')
    const other = await this.daily(orgId, 'x')
    return one.revenue + other.revenue
  }
  label() {
    return `${this.prefix}:${this.#queries}`
  }
}

const wrapped = () => {
  const { cache, clock } = openCache({ keys })
  const repository = new Reports()
  const reports = cache.wrap(repository, { daily: { key: (orgId, date) => keys.daily({ orgId, date }) } })
  return { cache, clock, repository, reports }
}

describe('wrap', () => {
  test('wrap_configuredMethod_isReadThroughTheCache', async () => {
    const { cache, repository, reports } = wrapped()
    expect(await reports.daily(7, '2026-11-20')).toEqual({ revenue: 700 })
    expect(await reports.daily(7, '2026-11-20')).toEqual({ revenue: 700 })
    expect(repository.queries).toBe(1)
    expect(cache.peek('daily:7:2026-11-20')).toEqual({ revenue: 700 })
  })

  test('wrap_otherMembers_passThrough_withTheRepositoryAsThis', () => {
    const { repository, reports } = wrapped()
    expect(reports.label()).toBe('org:0')
    expect(reports.queries).toBe(0)
    expect(reports).toBeInstanceOf(Reports)
    expect(reports.constructor).toBe(Reports)
    reports.prefix = 'unit'
    expect(repository.prefix).toBe('unit')
    expect('daily' in reports).toBe(true)
    expect(Object.keys(reports)).toEqual(['prefix'])
    expect(reports.label).toBe(reports.label)
    const { label } = reports
    expect(label()).toBe('unit:0')
  })

  test('wrap_callsWithinTheRepository_areItsOwn', async () => {
    const { repository, reports } = wrapped()
    expect(await reports.both(1)).toBe(200)
    expect(repository.queries).toBe(2)
  })

  test('wrap_keyUndefined_passesTheCallThrough', async () => {
    const { cache } = openCache({ keys })
    const repository = new Reports()
    const reports = cache.wrap(repository, {
      daily: { key: (orgId, date) => (orgId === 0 ? undefined : keys.daily({ orgId, date })) },
    })
    await reports.daily(0, 'x')
    await reports.daily(0, 'x')
    expect(repository.queries).toBe(2)
    expect(cache.stats()).toMatchObject({ misses: 0, bypasses: 0 })
  })

  test('wrap_options_areThoseOfARead', async () => {
    const { cache, clock } = openCache({ keys })
    const repository = new Reports()
    const reports = cache.wrap(repository, {
      daily: { key: (orgId, date) => keys.daily({ orgId, date }), ttl: '2s' },
    })
    await reports.daily(1, 'x')
    await clock.advance(1_999)
    await reports.daily(1, 'x')
    expect(repository.queries).toBe(1)
    await clock.advance(1)
    await reports.daily(1, 'x')
    expect(repository.queries).toBe(2)
  })

  test('wrap_methodThatFails_rejectsAsThrown', async () => {
    const { cache } = openCache()
    const error = new Error('broken')
    const repository = {
      find: vi.fn(async (_id: number): Promise<string> => {
        throw error
      }),
    }
    const reports = cache.wrap(repository, { find: { key: (id) => `find:${id}` } })
    await expect(reports.find(1)).rejects.toBe(error)
    await expect(reports.find(1)).rejects.toBe(error)
    expect(repository.find).toHaveBeenCalledTimes(2)
  })

  test('wrap_keyThatThrows_isARejection_asTheMethodsOwnFailureWouldBe', async () => {
    const { reports } = wrapped()
    const read = reports.daily(null as never, 'x')
    await expect(read).rejects.toEqual(errorOf('INVALID_PARAMETER', /daily: parameter orgId/))
  })

  test.each([
    ['frozen', Object.freeze({ find: async (id: number) => id, label: () => 'frozen' })],
    ['sealed', Object.seal({ find: async (id: number) => id, label: () => 'sealed' })],
    [
      'of no prototype',
      Object.assign(Object.create(null), { find: async (id: number) => id, label: () => 'bare' }),
    ],
  ])(
    'wrap_%sRepository_works',
    async (_, repository: { find(id: number): Promise<number>; label(): string }) => {
      const { cache } = openCache()
      const reports = cache.wrap(repository, { find: { key: (id) => `find:${id}` } })
      expect(await reports.find(1)).toBe(1)
      expect(cache.peek('find:1')).toBe(1)
      expect(reports.label()).toBe(repository.label())
      expect(Object.keys(reports)).toEqual(['find', 'label'])
      expect({ ...reports }).toEqual({ find: expect.any(Function), label: expect.any(Function) })
    },
  )

  test('wrap_prototypeMethods_ofASubclass_areFound', async () => {
    class Special extends Reports {
      override async daily(orgId: number, date: string) {
        return { revenue: (await super.daily(orgId, date)).revenue + 1 }
      }
    }
    const { cache } = openCache({ keys })
    const reports = cache.wrap(new Special(), {
      daily: { key: (orgId, date) => keys.daily({ orgId, date }) },
    })
    expect(await reports.daily(1, 'x')).toEqual({ revenue: 101 })
    expect(cache.peek('daily:1:x')).toEqual({ revenue: 101 })
  })

  test('wrap_twice_isTwoWrappers', async () => {
    const { cache, repository, reports } = wrapped()
    const again = cache.wrap(reports, { label: undefined } as never as Record<never, never>)
    expect(await again.daily(1, 'x')).toEqual({ revenue: 100 })
    expect(await reports.daily(1, 'x')).toEqual({ revenue: 100 })
    expect(repository.queries).toBe(1)
  })
})

describe('refused', () => {
  const key = () => 'a'

  test.each([
    ['no repository', null, {}, 'INVALID_ARGUMENT', /null is no repository/],
    ['unknown method', {}, { find: { key } }, 'INVALID_ARGUMENT', /has no method "find"/],
    ['member that is no method', { find: 5 }, { find: { key } }, 'INVALID_ARGUMENT', /has no method "find"/],
    ['no key', { find() {} }, { find: {} }, 'INVALID_ARGUMENT', /find needs a key/],
    [
      'key that is no function',
      { find() {} },
      { find: { key: 'a' } },
      'INVALID_ARGUMENT',
      /find needs a key/,
    ],
    ['misspelt option', { find() {} }, { find: { key, tll: '5s' } }, 'INVALID_OPTION', /"tll"/],
    ['bad option', { find() {} }, { find: { key, ttl: 'x' } }, 'INVALID_DURATION', /ttl/],
  ] as const)('wrap_%s_refused', (_, repository, methods, code, message) => {
    const { cache } = openCache()
    expect(() => cache.wrap(repository as never, methods as never)).toThrow(errorOf(code, message) as Error)
  })
})
