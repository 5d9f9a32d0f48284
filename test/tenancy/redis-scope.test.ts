import { type Dependencies, defineDependencies, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { openRedisCache } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

const keys = defineKeys({
  report: 'report:{orgId}:{day}',
  note: 'note:{id}:{orgId}',
  doc: 'doc:{id}[:{from}[:{orgId}[:{page}]]]',
  country: 'country:{code}',
})
const tables = { revenues: ['report:{orgId}:{day}'] } as const
const all = [7, 77, 8].flatMap((orgId) => [
  keys.report({ orgId, day: 1 }),
  keys.note({ id: 1, orgId }),
  keys.doc({ id: 7, from: 7, orgId }),
  keys.doc({ id: 7, from: 7, orgId, page: 7 }),
])
const mine = all.slice(0, 4)

describe.each([
  ['searching the keys', defineDependencies({ tables })],
  ['by the stamp of the scope', defineDependencies({ tables, scopes: ['orgId'] })],
] as const)('two processes on one Redis, %s', (_, dependencies) => {
  async function open() {
    const options = {
      keys,
      dependencies: dependencies as unknown as Dependencies,
      partitionBy: 'orgId',
    }
    const one = openRedisCache(options)
    const other = openRedisCache({ ...options, name: one.name })
    await Promise.all([one.cache.ready(), other.cache.ready()])
    for (const cache of [one.cache, other.cache])
      for (const key of [...all, keys.country({ code: 'IN' })]) await cache.get(key, async () => 'loaded')
    const kept = async () => {
      const found: string[] = []
      for (const key of all) {
        const mark = await other.cache.getEntry(key, ({ skip }) => {
          skip()
          return 'again'
        })
        if (mark.value === 'loaded') found.push(key)
      }
      return found
    }
    return { own: one.cache.scope({ orgId: 7 }), kept }
  }

  test('clear_inAScope_isHeardByTheOther_forThatTenantAlone', async () => {
    const { own, kept } = await open()
    expect(await own.clear()).toMatchObject({ status: 'applied' })
    const others = all.filter((key) => !mine.includes(key))
    await until(async () => (await kept()).length === others.length, 'the tenant is cleared', 3_000)
    expect(await kept()).toEqual(others)
  })

  test('aTable_inAScope_voidsThatTenantAlone', async () => {
    const { own, kept } = await open()
    await own.invalidate({ table: 'revenues' })
    const others = all.filter((key) => key !== mine[0])
    await until(async () => (await kept()).length === others.length, 'the tenant’s reports are void', 3_000)
    expect(await kept()).toEqual(others)
    await expect(own.invalidate({ keys: [keys.report({ orgId: 77, day: 1 })] })).rejects.toEqual(
      errorOf('OUT_OF_SCOPE'),
    )
  })
})
