import assert from 'node:assert/strict'
import { Pattern } from '../../core/pattern.ts'
import { ROOT } from '../../core/stamp.ts'
import type { Position } from '../../core/store.ts'
import { newNonce, type Play } from './bench.ts'

const pattern = (text: string) => new Pattern(text, 'a conformance case')

/** Every invalidation is heard, by everybody, in order, with its number. */
export const messageCases = {
  async rotations_byTwo_areHeardByBoth_inOneOrder(bench) {
    const one = await bench.join()
    const other = await bench.join()
    assert.deepEqual([one.subscriptions, other.subscriptions], [1, 1])
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? one : other).rotate([`stamp:${at}`])),
    )
    const furthest = new Map<number, Position>()
    for (const { positions } of replies) {
      for (const position of positions) {
        const known = furthest.get(position.partition)
        if (known === undefined || known.sequence < position.sequence)
          furthest.set(position.partition, position)
      }
    }
    assert.ok(furthest.size > 0)
    await one.hears([...furthest.values()])
    await other.hears([...furthest.values()])
    for (const partition of furthest.keys()) {
      const [mine, others] = [one, other].map(({ heard }) => heard.filter((m) => m.partition === partition))
      assert.deepEqual(mine, others)
      assert.equal(mine?.length, 40)
      const first = mine?.[0]?.sequence ?? 0
      assert.deepEqual(
        mine?.map(({ sequence }) => sequence),
        Array.from({ length: 40 }, (_, at) => first + at),
      )
      assert.deepEqual(new Set(mine?.map(({ epoch }) => epoch)).size, 1)
    }
  },

  async rotation_ofNothing_isPublishedAllTheSame_asItWas(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const cause = {
      id: 'change-1',
      process: one.label,
      tables: ['orders', 'größe'],
      unit: 'checkout',
      trace: '00-a-b-01',
    }
    const { positions } = await one.store.rotate({ stamps: ['never:*', '|currency=₹'], keys: [], cause })
    await other.hears(positions)
    const [message] = other.heardOnce()
    assert.deepEqual(
      [message?.stamps, message?.keys, message?.everyKey],
      [['never:*', '|currency=₹'], [], false],
    )
    assert.deepEqual(message?.cause, cause)
    assert.deepEqual(
      positions.map(({ partition }) => partition),
      [...new Set(other.heard.map(({ partition }) => partition))].sort((a, b) => a - b),
    )
  },

  async rotation_ofKeys_namesThem_toTheirOwnNameOnly(bench) {
    const shop = await bench.join({ name: 'shop' })
    const sameShop = await bench.join({ name: 'shop' })
    const office = await bench.join({ name: 'office' })
    const { positions } = await shop.rotate(['user:*'], ['user:1', 'user:₹'])
    await Promise.all([sameShop.hears(positions), office.hears(positions)])
    assert.deepEqual(sameShop.heardOnce()[0]?.keys, ['user:1', 'user:₹'])
    assert.deepEqual(
      office.heardOnce().map(({ keys, stamps }) => [keys, stamps]),
      [[[], ['user:*']]],
    )
  },

  async readsAndFills_areNotHeard_butReplacementsAre(bench) {
    const one = await bench.join()
    const other = await bench.join()
    await one.put('user:1')
    await one.put('user:1')
    const publish = async () => {
      const nonce = newNonce()
      const granted = await one.read('user:1', nonce, { takeOver: true })
      assert.equal(await one.fill('user:1', nonce, granted, { publish: true }), true)
    }
    await publish()
    await one.rotate([], ['user:1'], 'last')
    await publish()
    const { positions } = await one.rotate([ROOT], [], 'end')
    await other.hears(positions)
    const heard = other.heardOnce()
    assert.equal(heard.length, 4)
    // Of two partitions either may be heard first.
    const named = (id: string) => {
      const message = heard.find(({ cause }) => cause?.id === id)
      return [message?.keys, message?.stamps]
    }
    assert.deepEqual(named('last'), [['user:1'], []])
    assert.deepEqual(named('end'), [[], [ROOT]])
    // A replacement tells its key, whether or not the store still had a value: memories may.
    const replacements = heard.filter(({ cause }) => cause?.id !== 'last' && cause?.id !== 'end')
    for (const { keys, stamps } of replacements) assert.deepEqual([keys, stamps], [['user:1'], []])
  },

  async sweep_voidsValuesAndClaims_ofItsKeysAlone_theMessageLast(bench) {
    const shop = await bench.join({ name: 'shop' })
    const office = await bench.join({ name: 'office' })
    for (const key of ['report:1', 'report:1:a', 'report:2', 'user:1']) await shop.put(key)
    await office.put('report:1')
    const nonce = newNonce()
    const running = await shop.read('report:1:b', nonce)
    assert.equal(running.claim, 'granted')
    const other = newNonce()
    const untouched = await shop.read('user:2', other)

    const { positions } = await shop.store.sweep([pattern('report:1*'), pattern('other:*')], shop.cause())
    assert.equal(await shop.fill('report:1:b', nonce, running), false)
    assert.equal(await shop.fill('user:2', other, untouched), true)
    const found = async (key: string) => (await shop.read(key)).value !== undefined
    assert.deepEqual(
      await Promise.all(['report:1', 'report:1:a', 'report:1:b', 'report:2', 'user:1'].map(found)),
      [false, false, false, true, true],
    )
    assert.ok((await office.read('report:1')).value !== undefined)
    await shop.hears(positions)
    await office.hears(positions)
    assert.deepEqual(
      shop.heardOnce().map(({ everyKey, stamps, keys }) => [everyKey, stamps, keys]),
      [[true, [], []]],
    )
    assert.deepEqual(
      office.heardOnce().map(({ everyKey }) => everyKey),
      [false],
    )
  },

  async sweep_ofManyKeys_leavesNone(bench) {
    const one = await bench.join()
    const keys = Array.from({ length: 1_500 }, (_, at) => `page:${at}:[x]`)
    await Promise.all(keys.map((key) => one.put(key)))
    await one.store.sweep([pattern('page:*')], one.cause())
    const values = await Promise.all(keys.map((key) => one.read(key)))
    assert.equal(values.filter(({ value, voided }) => value !== undefined || voided).length, 0)
  },

  async close_endsHearing(bench) {
    const one = await bench.join()
    const other = await bench.join()
    await other.store.close()
    const { positions } = await one.rotate(['user:*'])
    await one.hears(positions)
    assert.deepEqual(other.heard, [])
  },
} satisfies Record<string, Play>
