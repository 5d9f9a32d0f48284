import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { memoryStore } from 'coherent-cache/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeEntry, encodeEntry, type StoredEntry } from '../../src/core/entry.ts'
import type { StoreDriver } from '../../src/core/store.ts'
import { withChecksum, withoutChecksum } from '../../src/stores/redis/checksum.ts'
import { openCache } from '../support/caches.ts'
import { openClient, openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import type { TestClient } from '../support/redis-clients.ts'
import { until } from '../support/until.ts'

const dependencies = defineDependencies({ tables: { users: ['user:{id}'] } })
const VALUE = { id: 12_345, name: '₹', tags: ['a', 'b'] }

/** What can happen to stored bytes. */
const damage = fc.oneof(
  fc.record({ cut: fc.nat() }),
  fc.record({ flip: fc.nat(), by: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ append: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
  fc.record({ replace: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ payload: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({ format: fc.constantFrom('CC0', 'CC2', 'CCx', 'XX1', '\u0000\u0000\u0000') }),
)
type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never

function damaged(stored: Buffer, how: Damage): Buffer {
  const bytes = Buffer.from(stored)
  if ('cut' in how) return bytes.subarray(0, how.cut % bytes.length)
  if ('append' in how) return Buffer.concat([bytes, how.append])
  if ('replace' in how) return Buffer.from(how.replace)
  if ('format' in how) {
    bytes.write(how.format, 0, 'latin1')
    return bytes
  }
  if ('payload' in how) {
    const entry = decodeEntry(withoutChecksum(bytes)) as StoredEntry
    // Without the checksum that belongs to it.
    const other = Buffer.from(encodeEntry({ ...entry, payload: how.payload }))
    return Buffer.concat([other, bytes.subarray(-4)])
  }
  const at = how.flip % bytes.length
  bytes[at] = (bytes[at] as number) ^ how.by
  return bytes
}

function unpolluted(): void {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
}

describe('bytes that are not what was stored, in process', () => {
  /** A store that gives back, as valid, what `mangle` makes of a value that stands in Redis. */
  function mangling(mangle: () => (stored: Buffer) => Uint8Array): StoreDriver {
    const driver = memoryStore()
    return {
      ...driver,
      connect(session) {
        const store = driver.connect(session)
        const read = store.read.bind(store)
        store.read = async (items) => {
          const reply = await read(items)
          const results = reply.results.map((result) =>
            result.value === undefined
              ? result
              : {
                  ...result,
                  value: withoutChecksum(mangle()(Buffer.from(withChecksum(result.value)))),
                },
          )
          return { ...reply, results }
        }
        return store
      },
    }
  }

  test('any damage is a miss and an event, never an exception or another value', async () => {
    let how: Damage | undefined
    const { cache } = openCache({
      dependencies,
      memory: false,
      store: mangling(() => (stored) => (how === undefined ? stored : damaged(stored, how))),
    })
    await cache.ready()
    const unreadable: string[] = []
    cache.on('unreadable', ({ reason }) => unreadable.push(reason))
    await fc.assert(
      fc.asyncProperty(damage, async (given) => {
        how = undefined
        await cache.get('user:1', async () => VALUE, { freshness: 'committed' })
        how = given
        unreadable.length = 0
        const loaded = { fresh: true }
        const got = await cache.get<string, unknown>('user:1', async () => loaded, { freshness: 'committed' })
        expect(got).toEqual(loaded)
        expect(unreadable).toHaveLength(1)
        await cache.invalidate({ keys: ['user:1'] })
      }),
      { numRuns: 3_000 },
    )
    unpolluted()
  }, 30_000)

  test('decodeEntry_any_neverThrows', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const read = decodeEntry(bytes)
        expect(['string', 'object']).toContain(typeof read)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('in Redis', () => {
  let cache: Cache
  let admin: TestClient
  let name: string
  let unreadable: string[]
  const at = (kind: 'v' | 'c') => `cc:{${name}.0}:${kind}:${name}:user:1`

  beforeEach(async () => {
    name = uniqueName()
    ;({ cache } = openRedisCache({ name, dependencies, memory: false }) as unknown as { cache: Cache })
    await cache.ready()
    admin = openClient()
    unreadable = []
    cache.on('unreadable', ({ reason }) => unreadable.push(reason))
  })

  /** Reads what somebody has put in the place of the value: it is loaded, told, and from then on a hit again. */
  async function expectMiss(told = true): Promise<void> {
    const user = row(`row ${Math.random()}`)
    unreadable.length = 0
    const read = () => cache.get('user:1', user.load, { freshness: 'committed' })
    expect(await read()).toBe(user.value)
    if (told) expect(unreadable).toHaveLength(1)
    expect(await read()).toBe(user.value)
    expect(user.loads).toBe(1)
    expect(cache.health().store.status).toBe('connected')
  }

  async function stored(): Promise<Buffer> {
    await cache.get('user:1', async () => VALUE, { freshness: 'committed' })
    return (await admin.callBuffer('GET', at('v'))) as Buffer
  }

  test('damaged bytes, some hundreds of them', async () => {
    await cache.get('user:1', async () => VALUE)
    const whole = await stored()
    const start = 5 + 16 * (2 + Number.parseInt(whole.toString('latin1', 3, 5), 16))
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const bytes = await stored()
        const put = damaged(bytes, how)
        await admin.call('SET', at('v'), put)
        // Damage to the fingerprint is a void value like any other: nobody can tell it from an old one.
        const void_ = !put.subarray(0, start).equals(bytes.subarray(0, start))
        await expectMiss(!void_ || put.toString('latin1', 0, 3) !== 'CC1')
      }),
      { numRuns: 300 },
    )
    unpolluted()
  }, 30_000)

  test('a number that has lost a digit is not another number', async () => {
    await cache.get('user:1', async () => 12_345)
    const whole = (await admin.callBuffer('GET', at('v'))) as Buffer
    await admin.call('SET', at('v'), whole.subarray(0, -1))
    await expectMiss()
    await cache.invalidate({ keys: ['user:1'] })
    await cache.get('user:1', async () => 12_345)
    const again = (await admin.callBuffer('GET', at('v'))) as Buffer
    // The entry cut short, the checksum left where it was.
    await admin.call('SET', at('v'), Buffer.concat([again.subarray(0, -6), again.subarray(-4)]))
    await expectMiss()
  })

  test('values of another format, older or newer, and of nobody', async () => {
    for (const text of ['CC0', 'CC2', 'CC9', '{"json":true}', '', 'CC', 'x'.repeat(100_000)]) {
      const bytes = await stored()
      const put = Buffer.concat([Buffer.from(text), bytes.subarray(Math.min(3, text.length))])
      await admin.call('SET', at('v'), text.startsWith('CC') && text.length === 3 ? put : text)
      await expectMiss()
    }
  })

  test('values of another codec or shape, their checksum intact', async () => {
    const bytes = await stored()
    const entry = decodeEntry(withoutChecksum(bytes)) as StoredEntry
    const changes: Partial<StoredEntry>[] = [
      { codec: 2 },
      { codec: 255 },
      { version: 2 },
      { version: 0 },
      { payload: Buffer.from([9, 9, 9]) },
      { payload: Buffer.from('\u0000{"a":') },
      { payload: Buffer.from('\u0001{"$":["Map",5]}') },
      { payload: new Uint8Array(0) },
      { loadedAt: Number.NaN },
      { lifetimeMs: -1 },
    ]
    for (const change of changes) {
      const now = decodeEntry(withoutChecksum(await stored())) as StoredEntry
      await admin.call(
        'SET',
        at('v'),
        Buffer.from(withChecksum(encodeEntry({ ...entry, fingerprint: now.fingerprint, ...change }))),
      )
      await expectMiss()
    }
  })

  test('a payload that names __proto__ pollutes nothing', async () => {
    for (const text of [
      '\u0000{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}',
      '\u0001{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
      '\u0001{"$":["Object",{"__proto__":{"polluted":1}}]}',
    ]) {
      const entry = decodeEntry(withoutChecksum(await stored())) as StoredEntry
      const put = encodeEntry({ ...entry, payload: Buffer.from(text) })
      await admin.call('SET', at('v'), Buffer.from(withChecksum(put)))
      const got = await cache.get<string, unknown>('user:1', async () => ({}), { freshness: 'committed' })
      expect((got as { polluted?: unknown }).polluted).toBeUndefined()
      expect(structuredClone(got) as { polluted?: unknown }).not.toHaveProperty('polluted')
      unpolluted()
      await cache.invalidate({ keys: ['user:1'] })
    }
  })

  test('a value that its schema refuses', async () => {
    const keys = defineKeys({ user: { key: 'user:{id}', value: z.object({ age: z.number() }) } })
    const opened = openRedisCache({ name, dependencies, memory: false, keys })
    await opened.cache.ready()
    const told: string[] = []
    opened.cache.on('unreadable', ({ reason }) => told.push(reason))
    // Another release of the application, whose values had another shape.
    await cache.get('user:1', async () => ({ age: 'old' }))
    expect(await opened.cache.get(keys.user({ id: 1 }), async () => ({ age: 7 }))).toEqual({ age: 7 })
    expect(told).toHaveLength(1)
  })

  test('keys of another type in the place of everything of ours', async () => {
    const base = `cc:{${name}.0}:`
    const registration = ((await admin.call('ZRANGE', `${base}maps`, 0, -1)) as string[])[0]
    const places = [
      at('v'),
      at('c'),
      `${base}s:|`,
      `${base}s:user:{id}`,
      `${base}s:|map|${registration}`,
      `${base}state`,
      `${base}maps`,
      `${base}holders`,
      `${base}map:${registration}`,
    ]
    for (const place of places) {
      for (const kind of ['list', 'string', 'hash'] as const) {
        await stored()
        await admin.call('UNLINK', place)
        if (kind === 'list') await admin.call('RPUSH', place, 'a', 'b')
        else if (kind === 'hash') await admin.call('HSET', place, 'a', 'b')
        else await admin.call('SET', place, 'not ours')
        const user = row(`${place} ${kind}`)
        expect((await cache.invalidate({ table: 'users' })).status, `${place} ${kind}`).toBe('applied')
        expect(await cache.get('user:1', user.load, { freshness: 'committed' })).toBe(user.value)
        expect(await cache.get('user:1', user.load, { freshness: 'committed' })).toBe(user.value)
        await until(
          async () => {
            await cache.get('user:1', user.load)
            return cache.health().memoryLease !== 'lost'
          },
          `a heartbeat after ${place} ${kind}`,
          3_000,
        )
        expect(cache.health().store.status, `${place} ${kind}`).toBe('connected')
        expect(user.loads, `${place} ${kind}`).toBeLessThanOrEqual(2)
      }
    }
  }, 30_000)

  test('anything published on its channel', async () => {
    const { cache: reader } = openRedisCache({ name, dependencies })
    await reader.ready()
    const user = row(0)
    const channel = `cc:{${name}.0}`
    const epoch = (await admin.call('HGET', `${channel}:state`, 'epoch')) as string
    const messages = [
      '',
      'x',
      '::',
      `${epoch}:1`,
      `${epoch}:1:`,
      `${epoch}:1:{}`,
      `${epoch}:99999999999999999999:{"s":[],"k":[]}`,
      `${epoch}:5:{"s":["|"],"k":["__proto__"],"n":"${name}","e":1}`,
      `${epoch}:-1:{"s":[],"k":[]}`,
      `${'z'.repeat(16)}:1:{"s":[],"k":[],"c":{"id":1}}`,
      'x'.repeat(1_000_000),
    ]
    for (const message of messages) {
      await admin.call('PUBLISH', channel, message)
      await admin.call('PUBLISH', `${channel}:ack:${name}`, message)
      user.value++
      await cache.invalidate({ table: 'users' })
      await until(
        async () => (await reader.get('user:1', user.load)) === user.value,
        message.slice(0, 40),
        3_000,
      )
    }
    unpolluted()
  }, 30_000)
})
