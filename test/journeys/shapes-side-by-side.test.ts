import { defineDependencies, defineKeys, type } from 'coherent-cache'
import { compressed, jsonCodec, v8Codec } from 'coherent-cache/codecs'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { deferred } from '../support/caches.ts'
import { openRedisCache, uniqueName } from '../support/redis-caches.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
type Old = { readonly name: string }
type New = { readonly first: string; readonly last: string }

/** An application before and after a deploy that changes the shape of its users, on one Redis. */
async function openDeploy() {
  const name = uniqueName()
  const oldKeys = defineKeys({ user: { key: 'user:{id}', value: type<Old>() } })
  const newKeys = defineKeys({ user: { key: 'user:{id}', value: type<New>(), version: 2 } })
  const { cache: before } = openRedisCache({ name, dependencies, keys: oldKeys })
  const { cache: after } = openRedisCache({ name, dependencies, keys: newKeys })
  await Promise.all([before.ready(), after.ready()])
  const loads = { old: 0, new: 0 }
  return {
    before,
    after,
    loads,
    readOld: (id: number, load = async (): Promise<Old> => ({ name: `Asha Rao ${++loads.old}` })) =>
      before.get(oldKeys.user({ id }), load),
    readNew: (id: number) =>
      after.get(newKeys.user({ id }), async () => ({ first: 'Asha', last: `Rao ${++loads.new}` })),
    readManyNew: (ids: readonly number[]) =>
      after.getMany(
        newKeys.user,
        ids.map((id) => ({ id })),
        async (missing) => missing.map(() => ({ first: 'Asha', last: 'of many' })),
      ),
  }
}

describe('a deploy that changes a shape', () => {
  test('readsItsOwnShape_howeverTheReadsInterleave', async () => {
    const { before, after, readOld, readNew, readManyNew } = await openDeploy()
    for (let round = 0; round < 30; round++) {
      const id = round % 3
      const [old, fresh, [many]] = await Promise.all([readOld(id), readNew(id), readManyNew([id])])
      expect(old).toHaveProperty('name')
      expect(fresh).toHaveProperty('last')
      expect(many).toHaveProperty('last')
      if (round % 4 === 3) await (round % 8 === 3 ? before : after).invalidate({ table: 'users' })
    }
  })

  test('waitingForALoadOfTheOldVersion_thenLoadsByItself', async () => {
    const { readOld, readNew, loads } = await openDeploy()
    const loading = deferred<Old>()
    const begun = deferred<void>()
    const old = readOld(1, () => {
      begun.resolve()
      return loading.promise
    })
    await begun.promise
    const fresh = readNew(1)
    loading.resolve({ name: 'Asha Rao' })
    expect(await old).toEqual({ name: 'Asha Rao' })
    expect(await fresh).toEqual({ first: 'Asha', last: 'Rao 1' })
    expect(loads.new).toBe(1)
  })

  test('whatTheOtherVersionReplaced_isStillReadInItsOwnShape_pastItsLifetimeToo', async () => {
    const name = uniqueName()
    const one = defineKeys({ user: { key: 'user:{id}', ttl: '20ms' } })
    const two = defineKeys({ user: { key: 'user:{id}', ttl: '20ms', version: 2 } })
    const options = { name, dependencies, memory: false } as const
    const { cache: before } = openRedisCache({ ...options, keys: one })
    const { cache: after } = openRedisCache({ ...options, keys: two })
    await Promise.all([before.ready(), after.ready()])
    // Kept past its lifetime for whoever would rather have it than wait or fail.
    await before.get(one.user({ id: 1 }), async () => 'old', { staleIfError: '1m' })
    const failing = async () => {
      throw new Error('down')
    }
    await expect(after.get(two.user({ id: 1 }), failing, { staleIfError: '1m' })).rejects.toThrow('down')
  })
})

describe('a deploy that changes the codec', () => {
  test('readsWhatItCan_andLoadsTheRest', async () => {
    const name = uniqueName()
    const caches = [jsonCodec, v8Codec, compressed(jsonCodec, { threshold: 0 })].map(
      (codec) => openRedisCache({ name, dependencies, codec }).cache,
    )
    await Promise.all(caches.map((cache) => cache.ready()))
    const value = { at: new Date(0), tags: new Set(['a']) }
    for (let round = 0; round < 20; round++) {
      const got = await Promise.all(caches.map((cache) => cache.get('user:1', async () => value)))
      for (const one of got) expect(one).toEqual(value)
      if (round % 5 === 4) await caches[round % 3]?.invalidate({ table: 'users' })
    }
  })
})

describe('a schema', () => {
  test.each([
    ['zod', z.object({ age: z.number() })],
    ['valibot', v.object({ age: v.number() })],
  ] as const)('of %s_judgesWhatComesOutOfTheStore', async (_, schema) => {
    const name = uniqueName()
    const keys = defineKeys({ user: { key: 'user:{id}', value: schema } })
    const { cache: other } = openRedisCache({ name, dependencies, memory: false })
    const { cache } = openRedisCache({ name, dependencies, memory: false, keys })
    await Promise.all([other.ready(), cache.ready()])
    const unreadable: string[] = []
    cache.on('unreadable', ({ reason }) => unreadable.push(reason))
    await other.get('user:1', async () => ({ age: 'seven' }))
    const read: { age: number } = await cache.get(keys.user({ id: 1 }), async () => ({ age: 7 }))
    expect(read).toEqual({ age: 7 })
    expect(unreadable.length).toBeGreaterThan(0)
    expect((await cache.getEntry(keys.user({ id: 1 }), async () => ({ age: 8 }))).value).toEqual({ age: 7 })
  })
})
