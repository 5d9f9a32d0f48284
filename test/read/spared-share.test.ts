import { type Cache, type Codec, defineKeys } from 'coherent-cache'
import { jsonCodec } from 'coherent-cache/codecs'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { deferred, openFleet } from '../support/caches.ts'

test('read_thatSharesALoadWhichIsSpared_hasOneOfItsOwn', async () => {
  let gate: Promise<void> = Promise.resolve()
  const slow: Codec = {
    id: 20,
    name: 'slow',
    encode: (value) => jsonCodec.encode(value),
    decode: async (bytes) => {
      await gate
      return jsonCodec.decode(bytes)
    },
  }
  const keys = defineKeys({
    a: { key: 'a:{id}', ttl: '10s', staleIfError: '1h' },
    b: { key: 'b:{id}', codec: slow },
  })
  const { fleet, clock, store, name } = await openFleet(2, { keys })
  const [one, other] = fleet as unknown as [Cache, Cache]
  const a = keys.a({ id: 1 })
  const b = keys.b({ id: 1 })
  await other.get(b, async () => 'b')
  await one.get(a, async () => 'old')
  for (let left = 10_000; left > 0; left -= 400) {
    await one.get('in use', async () => 1)
    await clock.advance(400)
  }
  // Its source fails, and is given a rest.
  expect(await one.get(a, () => Promise.reject(new Error('earlier')))).toBe('old')
  store.evictKey(name, name, a, 'value')
  const decoding = deferred<void>()
  gate = decoding.promise
  const many = one.getMany([a, b] as string[], async () => ['x', 'y'])
  await settle()
  let loads = 0
  const committed = one
    .get(a, async () => `load ${++loads}`, { freshness: 'committed', staleIfError: 0 })
    .catch((error: Error) => `rejected: ${error.message}`)
  await settle()
  decoding.resolve()
  await settle()
  await clock.advance(200)
  expect(await many).toEqual(['old', 'b'])
  expect(await committed).toBe('load 1')
})
