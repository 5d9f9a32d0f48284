import { randomBytes } from 'node:crypto'
import { type CacheOptions, defineKeys, type } from 'coherent-cache'
import { type Codec, compressed, encrypted, jsonCodec, superjsonCodec, v8Codec } from 'coherent-cache/codecs'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { SuperJSON } from 'superjson'
import { describe, expect, test } from 'vitest'
import { countingLoader, openCache } from '../support/caches.ts'

type Options = Partial<Pick<CacheOptions, 'codec' | 'keys'>>

/** Caches of one name over one store; without memory, so that each read sees what the store gives. */
async function openPair(one: Options, other: Options) {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const open = (instance: string, options: Options) => {
    const { cache } = openCache({ name: 'codecs', instance, store, clock, memory: false, ...options })
    const unreadable: string[] = []
    cache.on('unreadable', ({ reason }) => unreadable.push(reason))
    return { cache, unreadable }
  }
  const pair = [open('one', one), open('other', other)] as const
  await Promise.all(pair.map(({ cache }) => cache.ready()))
  return pair
}

describe('codec', () => {
  test('ofTheCache_isUsedForWhatTheStoreKeeps', async () => {
    const used: string[] = []
    const codec: Codec = {
      id: 16,
      name: 'noted',
      encode(value, context) {
        used.push(`encode ${JSON.stringify(context)}`)
        return jsonCodec.encode(value)
      },
      decode(bytes, context) {
        used.push(`decode ${JSON.stringify(context)}`)
        return jsonCodec.decode(bytes)
      },
    }
    const keys = defineKeys({ report: { key: 'report:{id}', version: 3 } })
    const [{ cache }] = await openPair({ codec, keys }, {})
    const load = countingLoader()
    expect(await cache.get(keys.report({ id: 7 }), load.load)).toBe(1)
    expect(await cache.get(keys.report({ id: 7 }), load.load)).toBe(1)
    await cache.get('raw', load.load)
    const place = JSON.stringify({ cache: 'codecs', family: 'report', version: 3, key: 'report:7' })
    expect(used).toEqual([
      `encode ${place}`,
      `decode ${place}`,
      `encode ${JSON.stringify({ cache: 'codecs', version: 1, key: 'raw' })}`,
    ])
  })

  test('ofAFamily_standsOverTheCaches', async () => {
    const keys = defineKeys({ set: { key: 'set:{id}', codec: v8Codec }, other: 'other:{id}' })
    const [{ cache }, { cache: plain, unreadable }] = await openPair(
      { keys, codec: compressed(jsonCodec) },
      { keys: {} },
    )
    await cache.get(keys.set({ id: 1 }), async () => new Set([1]))
    await cache.get(keys.other({ id: 1 }), async () => 1)
    await plain.get('set:1', async () => 0)
    await plain.get('other:1', async () => 0)
    expect(unreadable).toEqual([
      expect.stringContaining('codec 2 instead of 1'),
      expect.stringContaining('codec 33 instead of 1'),
    ])
  })

  test('inMemoryAlone_isNeverAsked', async () => {
    const refusing: Codec = {
      id: 16,
      name: 'refusing',
      encode: () => {
        throw new Error('asked')
      },
      decode: () => {
        throw new Error('asked')
      },
    }
    const { cache } = openCache({ codec: refusing })
    const load = countingLoader()
    expect(await cache.get('a', load.load)).toBe(1)
    expect(await cache.get('a', load.load)).toBe(1)
  })

  test('othersSideBySide_missRatherThanMisread', async () => {
    const [json, v8] = await openPair({ codec: jsonCodec }, { codec: v8Codec })
    const load = countingLoader()
    expect(await json.cache.get('a', load.load)).toBe(1)
    expect(await v8.cache.get('a', load.load)).toBe(2)
    expect(v8.unreadable).toHaveLength(1)
    expect(await v8.cache.get('a', load.load)).toBe(2)
    expect(await json.cache.get('a', load.load)).toBe(3)
    expect(new Set(json.unreadable)).toEqual(new Set(['codec 2 instead of 1 (json)']))
  })

  test('thatTakesItsTime_isWaitedFor', async () => {
    const slow: Codec = {
      id: 17,
      name: 'slow',
      encode: async (value) => jsonCodec.encode(value),
      decode: async (bytes) => jsonCodec.decode(bytes),
    }
    const [{ cache }] = await openPair({ codec: slow }, {})
    const load = countingLoader()
    expect(await cache.get('a', load.load)).toBe(1)
    expect(await cache.get('a', load.load)).toBe(1)
    expect(await cache.getMany(['a', 'b'], async (missing) => missing.map(() => 'many'))).toEqual([1, 'many'])
    expect(await cache.getMany(['a', 'b'], async () => [])).toEqual([1, 'many'])
  })

  test.each([false, true])('thatFails_later_%s_costsALoad_neverTheRead', async (later) => {
    let failing = false
    const fails = () => {
      if (failing) throw new Error('broken')
    }
    const codec: Codec = {
      id: 18,
      name: 'failing',
      encode: (value) => {
        const made = () => {
          fails()
          return jsonCodec.encode(value)
        }
        return later ? Promise.resolve().then(made) : made()
      },
      decode: (bytes) => {
        const made = () => {
          fails()
          return jsonCodec.decode(bytes)
        }
        return later ? Promise.resolve().then(made) : made()
      },
    }
    const [{ cache, unreadable }] = await openPair({ codec: codec }, {})
    const refused: unknown[] = []
    cache.on('refused', ({ reason, detail }) => refused.push([reason, detail]))
    const load = countingLoader()
    expect(await cache.get('a', load.load)).toBe(1)
    failing = true
    expect(await cache.get('a', load.load)).toBe(2)
    expect(new Set(unreadable)).toEqual(new Set(['broken']))
    expect(refused).toEqual([['uncacheable', 'broken']])
  })

  test('whatItRefuses_isGivenToTheReader_andKeptNowhere', async () => {
    const [{ cache }] = await openPair({ codec: v8Codec }, {})
    const refused: unknown[] = []
    cache.on('refused', ({ reason }) => refused.push(reason))
    class Money {
      cents = 1
    }
    expect(await cache.get('a', async () => new Money())).toEqual(new Money())
    expect(refused).toEqual(['uncacheable'])
  })

  test('anEncryptedValue_putInAnotherKeysPlace_isAMiss', async () => {
    const codec = encrypted(jsonCodec, { keys: { k: randomBytes(32) }, current: 'k' })
    const kept = new Map<string, Uint8Array>()
    // An attacker in the store: every value that is decoded is the first one that was encoded.
    const swapping: Codec = {
      ...codec,
      encode: (value, context) => {
        kept.set(context.key, codec.encode(value, context) as Uint8Array)
        return kept.values().next().value as Uint8Array
      },
    }
    const [{ cache, unreadable }] = await openPair({ codec: swapping }, {})
    expect(await cache.get('salary:1', async () => 100)).toBe(100)
    expect(await cache.get('salary:2', async () => 200)).toBe(200)
    expect(await cache.get('salary:1', async () => 0)).toBe(100)
    expect(await cache.get('salary:2', async () => 300)).toBe(300)
    expect(unreadable.length).toBeGreaterThan(0)
    for (const reason of unreadable) expect(reason).toContain('not what was encrypted')
  })

  test('aKeyThatIsRotated_costsNothing_untilItIsLeftOut', async () => {
    const keys = { old: randomBytes(32), new: randomBytes(32) }
    const [before, after] = await openPair(
      { codec: encrypted(jsonCodec, { keys, current: 'old' }) },
      { codec: encrypted(jsonCodec, { keys, current: 'new' }) },
    )
    const load = countingLoader()
    await before.cache.get('a', load.load)
    expect(await after.cache.get('a', load.load)).toBe(1)
    await after.cache.get('b', load.load)
    expect(await before.cache.get('b', load.load)).toBe(2)
    expect([...before.unreadable, ...after.unreadable]).toEqual([])
  })

  test('aClassThatASerializerKeeps_comesOutOfTheStoreAsItself', async () => {
    class Money {
      constructor(readonly cents = 0) {}
      get shown() {
        return `${this.cents / 100} INR`
      }
    }
    const superjson = new SuperJSON()
    superjson.registerClass(Money)
    const codec = superjsonCodec(superjson, { classes: [Money], id: 16 })
    const keys = defineKeys({ price: { key: 'price:{id}', value: type<{ price: Money }>(), codec } })
    const [{ cache }] = await openPair({ keys }, {})
    const load = async () => ({ price: new Money(1_250) })
    await cache.get(keys.price({ id: 1 }), load)
    const { value, tier } = await cache.getEntry(keys.price({ id: 1 }), load)
    expect(tier).toBe('store')
    expect(value.price.shown).toBe('12.5 INR')
    expect(Object.isFrozen(value.price)).toBe(true)
  })

  test('oneObjectInSeveralPlaces_isReadInReasonableTime', async () => {
    const [{ cache }] = await openPair({ codec: v8Codec }, {})
    let value: unknown = { leaf: true }
    for (let depth = 0; depth < 40; depth++) value = [value, value]
    await cache.get('a', async () => value)
    const { tier } = await cache.getEntry('a', async () => undefined)
    expect(tier).toBe('store')
  })
})

test.each([1, 3, 15, 32, 99, 300])('codecOfOnesOwn_withAnIdOfTheLibrary_isRefused: %d', (id) => {
  const mine = { id, name: 'mine', encode: jsonCodec.encode, decode: jsonCodec.decode }
  expect(() => openCache({ codec: mine })).toThrow(/16 to 31/)
})
