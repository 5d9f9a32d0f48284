import { type Cache, defineDependencies } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { heldLoader, openCache, openFleet } from '../support/caches.ts'

// The dashboard is put together from parts; both hang on the table the parts are read from.
const dependencies = defineDependencies({ tables: { t: ['part:*', 'dashboard:*'] } })

describe.each([
  ['memory alone', async () => openCache({ dependencies }).cache],
  ['a shared store', async () => (await openFleet(1, { dependencies })).fleet[0] as Cache],
])('over %s', (_, open) => {
  test('composite_ofAPart_isInvalidatedWithIt', async () => {
    const cache = await open()
    let version = 1
    const part = () => cache.get<string, number>('part:1', () => version)
    const dashboard = () => cache.get<string, number>('dashboard:1', part)
    expect(await dashboard()).toBe(1)
    version = 2
    await cache.invalidate({ table: 't' })
    expect(await dashboard()).toBe(2)
    expect(await part()).toBe(2)
  })

  test('composite_whosePartWasReadBeforeTheInvalidation_isNotKept', async () => {
    const cache = await open()
    let version = 1
    const slow = heldLoader<void>()
    const dashboard = cache.get('dashboard:1', async () => {
      const part = await cache.get<string, number>('part:1', () => version)
      await slow.load()
      return part
    })
    const rest = await slow.call()
    version = 2
    await cache.invalidate({ table: 't' })
    rest.resolve()
    expect(await dashboard).toBe(1)
    expect(await cache.get<string, number>('dashboard:1', () => version)).toBe(2)
  })

  test('composite_begunAfterTheInvalidation_neverGetsAPartFromBefore', async () => {
    const cache = await open()
    let version = 1
    const old = heldLoader<number>()
    const running = cache.get('part:1', old.load)
    await old.call()
    version = 2
    await cache.invalidate({ table: 't' })
    const dashboard = await cache.get('dashboard:1', () => cache.get<string, number>('part:1', () => version))
    expect(dashboard).toBe(2)
    ;(await old.call()).resolve(1)
    expect(await running).toBe(1)
    expect(await cache.get<string, number>('dashboard:1', () => 9)).toBe(2)
  })

  test('parts_areSharedAmongComposites', async () => {
    const cache = await open()
    const { load, calls, call } = heldLoader<number>()
    const boards = [1, 2, 3].map((id) => cache.get(`dashboard:${id}`, () => cache.get('part:1', load)))
    ;(await call()).resolve(7)
    expect(await Promise.all(boards)).toEqual([7, 7, 7])
    expect(calls).toHaveLength(1)
  })
})

test('nestedRead_inAFleet_asksTheStore_ratherThanAMemoryThatMayBeBehind', async () => {
  // A composite filled under the newest stamps must not hold a part that a lagging memory still answers with.
  const held: (() => void)[] = []
  let hold = false
  const { fleet } = await openFleet(2, {
    dependencies,
    schedule: (step, what) => {
      if (hold && what === 'message') held.push(step)
      else queueMicrotask(step)
    },
  })
  const [writer, reader] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  let version = 1
  const part = () => reader.get<string, number>('part:1', () => version)
  expect(await part()).toBe(1)
  hold = true
  version = 2
  await writer.invalidate({ table: 't' })
  expect(await part()).toBe(1)
  expect(await reader.get('dashboard:1', part)).toBe(2)
})
