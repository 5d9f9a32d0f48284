import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { bindMysql2 } from 'coherent-cache/mysql2'
import { expect, test } from 'vitest'
import { countingLoader, errorOf, openCache, openFleet } from '../support/caches.ts'

// What one tenant's view is told of another tenant's rows: refused, and nothing else suffers for it.
const keys = defineKeys({ report: 'report:{orgId}:{day}', user: 'user:{orgId}:{id}' })
const revenues = defineDependencies({ tables: { revenues: ['report:{orgId}:{day}'] } })
const users = defineDependencies({ tables: { users: ['user:{orgId}:{id}'] } })
const OUT = errorOf('OUT_OF_SCOPE')
const own = keys.report({ orgId: 7, day: 1 })
const others = keys.report({ orgId: 8, day: 1 })
const load = async () => 0
const open = () => openCache({ keys, dependencies: revenues, partitionBy: 'orgId' }).cache as Cache

test.each([
  ['update', [{ orgId: 8, day: 1 }]],
  [undefined, [{ orgId: 8, day: 1 }]],
  ['truncate', [{ orgId: 8, day: 1 }]],
  ['upsert', [{ after: { orgId: 8, day: 1 } }]],
  ['insert', Array.from({ length: 1_001 }, (_, day) => ({ orgId: 8, day }))],
] as const)('rows_ofAnotherTenant_areRefused_whateverWasDone: %s', async (operation, rows) => {
  const cache = open()
  await cache.get(others, load)
  await expect(
    cache.scope({ orgId: 7 }).invalidate({ table: 'revenues', operation, rows } as never),
  ).rejects.toEqual(OUT)
  expect(cache.peek(others)).toBe(0)
})

test('view_ofAnotherTenant_insideAScope_doesNotVoidForThatScope', async () => {
  const cache = open()
  await cache.get(own, load)
  const view = cache.scope({ orgId: 8 })
  await expect(cache.runInScope({ orgId: 7 }, () => view.invalidate({ table: 'revenues' }))).rejects.toEqual(
    OUT,
  )
  expect(cache.peek(own)).toBe(0)
})

test('refusal_insideAUnit_leavesTheUnitWhole', async () => {
  const cache = open()
  const counting = countingLoader()
  await cache.get(own, counting.load)
  const view = cache.scope({ orgId: 7 })
  const unit = cache.unitOfWork()
  await unit.run(async () => {
    unit.write('revenues', { operation: 'insert', rows: [{ orgId: 7, day: 1 }] })
    await expect(
      view.invalidate({ table: 'revenues', operation: 'insert', rows: [{ orgId: 8, day: 1 }] }),
    ).rejects.toEqual(OUT)
  })
  expect((await unit.commit()).status).toBe('applied')
  expect(await cache.get(own, counting.load)).toBe(2)
})

test('refusal_byTheMapOfAnotherProcess_isNoOutageOfTheStore', async () => {
  const shared = { keys, partitionBy: 'orgId' }
  const { fleet, store, clock, name } = await openFleet(1, { ...shared, dependencies: users })
  const cache = fleet[0] as unknown as Cache
  const { cache: other } = openCache({
    ...shared,
    name,
    instance: 'other',
    store,
    clock,
    dependencies: revenues,
  })
  await other.ready()
  await other.get(others, load)
  await cache.get(keys.user({ orgId: 9, id: 1 }), load)
  const view = cache.scope({ orgId: 7 })
  const receipt = await view.invalidate({
    table: 'revenues' as never,
    operation: 'insert',
    rows: [{ orgId: 8, day: 1 }],
  })
  expect([receipt.status, cache.health().store.status]).toEqual(['applied', 'connected'])
  // This map does not know the table, so nobody can tell whose rows they are: all that hangs on it is void.
  expect(other.peek(others)).toBeUndefined()
})

test('invalidation_ofOneTenant_insideATransaction_doesNotNarrowWhatItWrote', async () => {
  const cache = open()
  const answer = async () => [{ serverStatus: 3 }, []]
  const connection = { query: answer, execute: answer, release() {}, destroy() {} }
  const pool = { query: answer, execute: answer, getConnection: async () => connection }
  const db = bindMysql2(pool as unknown as Parameters<typeof bindMysql2>[0], cache)
  await cache.get(others, async () => 'old')
  await db.transaction(async (tx) => {
    await tx.execute('UPDATE revenues SET amount = 0')
    await cache.scope({ orgId: 7 }).invalidate({ table: 'revenues' })
  })
  expect(await cache.get(others, async () => 'new')).toBe('new')
})
