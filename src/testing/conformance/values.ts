import assert from 'node:assert/strict'
import { decodeEntry } from '../../core/entry.ts'
import { ROOT } from '../../core/stamp.ts'
import type { ReadResult } from '../../core/store.ts'
import { newNonce, type Play, place } from './bench.ts'

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, at) => at)

function payloadOf(value: Uint8Array | undefined): Buffer | undefined {
  const read = value === undefined ? undefined : decodeEntry(value)
  return typeof read === 'object' ? Buffer.from(read.payload) : undefined
}

function textOf({ value }: ReadResult): string | undefined {
  return payloadOf(value)?.toString()
}

/** What comes out is what went in, as long as its stamps say so. */
export const valueCases = {
  async value_ofAnyBytes_comesBackExactly(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const payloads = [
      EVERY_BYTE,
      new Uint8Array(0),
      Buffer.from('₹\u0000\r\n'),
      Buffer.alloc(1_000_000, EVERY_BYTE),
    ]
    for (const [at, payload] of payloads.entries()) {
      await one.put(`bytes:${at}`, { payload })
      const { value } = await other.read(`bytes:${at}`)
      assert.ok(payloadOf(value)?.equals(payload), `payload ${at}`)
    }
  },

  async values_many_comeAsTheyAre_inOrder(bench) {
    const one = await bench.join()
    await one.put('a', { payload: 'first' })
    await one.put('b', { payload: 'second' })
    await one.rotate([ROOT])
    const values = await one.store.values(['b', 'nothing', 'a'].map(place))
    assert.deepEqual(
      values.map((value) => payloadOf(value)?.toString()),
      ['second', undefined, 'first'],
    )
  },

  async value_oneStampMissing_isAMiss_neverAToken(bench) {
    const one = await bench.join()
    const stamps = ['user:*', 'user:{id}']
    for (const lost of one.vector(...stamps)) {
      await one.put('user:1', { stamps })
      assert.ok((await one.read('user:1', undefined, { stamps })).value !== undefined)
      await bench.evict(lost)
      const { value, voided } = await one.read('user:1', undefined, { stamps })
      assert.deepEqual([value, voided], [undefined, true], lost)
    }
  },

  async value_stampRotated_isVoid_othersStay(bench) {
    const one = await bench.join()
    const other = await bench.join()
    await one.put('user:1', { stamps: ['user:{id}', 'user:{id}|1'] })
    await one.put('user:2', { stamps: ['user:{id}', 'user:{id}|2'] })
    await other.rotate(['user:{id}|1'])
    const read = (id: number) =>
      one.read(`user:${id}`, undefined, { stamps: ['user:{id}', `user:{id}|${id}`] })
    const first = await read(1)
    assert.deepEqual([first.value, first.voided, first.tokens[3]], [undefined, true, ''])
    assert.equal(textOf(await read(2)), 'value of user:2')
    await other.rotate(['user:{id}'])
    assert.equal((await read(2)).value, undefined)
  },

  async value_askedUnderOtherStamps_isAMiss(bench) {
    const one = await bench.join()
    await one.put('user:1', { stamps: ['user:*'] })
    await one.put('user:2', { stamps: ['user:*', 'user:{id}'] })
    assert.equal((await one.read('user:1', undefined, { stamps: ['user:*', 'user:{id}'] })).value, undefined)
    assert.equal((await one.read('user:1', undefined, { stamps: ['user:{id}'] })).value, undefined)
  },

  async value_keyInvalidated_isGone_withItsClaim(bench) {
    const one = await bench.join()
    const other = await bench.join()
    await one.put('user:1')
    await one.put('user:2')
    const nonce = newNonce()
    const running = await one.read('user:1', nonce, { takeOver: true })
    await other.rotate([], ['user:1'])
    const { value, voided, holder, tokens } = await one.read('user:1')
    assert.deepEqual([value, voided, holder], [undefined, false, undefined])
    assert.deepEqual(tokens, running.tokens)
    assert.equal(await one.fill('user:1', nonce, running), false)
    assert.equal(textOf(await one.read('user:2')), 'value of user:2')
  },

  async value_itsTimeUp_isGone_itsStampsLiveLonger(bench) {
    const one = await bench.join()
    const nonce = newNonce()
    const granted = await one.read('report', nonce, { stamps: ['report*'] })
    assert.equal(await one.fill('report', nonce, granted, { stamps: ['report*'], ttlMs: 7_200_000 }), true)
    await bench.pass(7_100_000)
    assert.equal(textOf(await one.read('report', undefined, { stamps: ['report*'] })), 'value of report')
    await bench.pass(100_001)
    const gone = await one.read('report', undefined, { stamps: ['report*'] })
    assert.deepEqual([gone.value, gone.voided], [undefined, false])
  },

  async value_prolonged_livesThatMuchLonger_itsStampsToo(bench) {
    const one = await bench.join()
    const nonce = newNonce()
    const granted = await one.read('report', nonce, { stamps: ['report*'] })
    const times = { ttlMs: 600_000, prolongedMs: 7_200_000 }
    assert.equal(await one.fill('report', nonce, granted, { stamps: ['report*'], ...times }), true)
    for (let passed = 0; passed < 5; passed++) {
      await bench.pass(500_000)
      await one.store.prolong(place('report'), 600_000)
    }
    assert.equal(textOf(await one.read('report', undefined, { stamps: ['report*'] })), 'value of report')
    await bench.pass(600_001)
    assert.equal((await one.read('report', undefined, { stamps: ['report*'] })).value, undefined)
    await one.store.prolong(place('report'), 600_000)
    assert.equal((await one.read('report', undefined, { stamps: ['report*'] })).value, undefined)
  },

  async value_shorterFill_doesNotShortenItsStamps(bench) {
    const one = await bench.join()
    const fill = async (key: string, ttlMs: number) => {
      const nonce = newNonce()
      const granted = await one.read(key, nonce, { stamps: ['report*'] })
      assert.equal(await one.fill(key, nonce, granted, { stamps: ['report*'], ttlMs }), true)
    }
    await fill('report:long', 7_200_000)
    await fill('report:short', 1_000)
    await bench.pass(3_600_000)
    const { value } = await one.read('report:long', undefined, { stamps: ['report*'] })
    assert.ok(value !== undefined)
  },

  async value_ofAnotherName_isAnothers_butItsStampsAreShared(bench) {
    const shop = await bench.join({ name: 'shop' })
    const office = await bench.join({ name: 'office' })
    await shop.put('user:1', { stamps: ['user:*'], payload: 'of the shop' })
    assert.equal((await office.read('user:1', undefined, { stamps: ['user:*'] })).value, undefined)
    await office.put('user:1', { stamps: ['user:*'], payload: 'of the office' })
    const read = async () => [
      textOf(await shop.read('user:1', undefined, { stamps: ['user:*'] })),
      textOf(await office.read('user:1', undefined, { stamps: ['user:*'] })),
    ]
    assert.deepEqual(await read(), ['of the shop', 'of the office'])
    await shop.rotate([], ['user:1'])
    assert.deepEqual(await read(), [undefined, 'of the office'])
    await shop.put('user:1', { stamps: ['user:*'], payload: 'again' })
    await shop.rotate(['user:*'])
    assert.deepEqual(await read(), [undefined, undefined])
  },

  async value_ofAnotherNamespace_isUntouched(bench) {
    const here = await bench.join()
    const there = await bench.join({ namespace: `${bench.namespace}-other` })
    await here.put('user:1', { stamps: ['user:*'] })
    await there.put('user:1', { stamps: ['user:*'] })
    await there.rotate(['user:*', ROOT], ['user:1'])
    assert.ok((await here.read('user:1', undefined, { stamps: ['user:*'] })).value !== undefined)
    assert.deepEqual(here.heard, [])
  },

  async value_everythingLost_isGone_underANewEpoch(bench) {
    const one = await bench.join()
    await one.put('user:1')
    const before = await one.read('user:1')
    await bench.lose()
    const after = await one.read('user:1')
    assert.equal(after.value, undefined)
    assert.notEqual(after.epoch, before.epoch)
  },

  async read_hundredItems_judgesAndClaimsEach(bench) {
    const one = await bench.join()
    const keys = Array.from({ length: 100 }, (_, at) => `item:${at}`)
    for (const key of keys.slice(0, 10)) await one.put(key, { stamps: ['item:*', `only|${key}`] })
    await one.rotate(['only|item:3'])
    const items = keys.map((key) => ({
      ...place(key),
      stamps: one.vector('item:*', `only|${key}`),
      claim: { nonce: newNonce(), ttlMs: 60_000, takeOver: false },
    }))
    const { results, positions } = await one.store.read(items)
    assert.equal(results.length, 100)
    for (const [at, result] of results.entries()) {
      const hit = at < 10 && at !== 3
      assert.equal(textOf(result), hit ? `value of item:${at}` : undefined)
      assert.equal(result.claim, hit ? 'none' : 'granted', `item ${at}`)
      assert.equal(result.voided, at === 3)
      assert.equal(result.holder, hit ? undefined : items[at]?.claim.nonce)
      assert.equal(result.tokens.length, 4)
      assert.ok(result.tokens.every((token) => token.length === 16))
      assert.ok(positions.some(({ epoch }) => epoch === result.epoch))
    }
  },

  async read_thousandsOfItems_withStampsOfTheirOwn_isAnswered(bench) {
    const one = await bench.join()
    const items = Array.from({ length: 3_000 }, (_, at) => ({
      ...place(`item:${at}`),
      stamps: one.vector('item:*', `a|${at}`, `b|${at}`, `c|${at}`, `d|${at}`),
      claim: { nonce: newNonce(), ttlMs: 60_000, takeOver: false },
    }))
    const { results } = await one.store.read(items)
    assert.equal(results.filter(({ claim }) => claim === 'granted').length, items.length)
    const again = await one.store.read(items)
    assert.ok(again.results.every(({ holder }, at) => holder === items[at]?.claim.nonce))
    await one.rotate(
      items.flatMap(({ key, stamps }) => [key, ...stamps.slice(3)]),
      items.map(({ key }) => key),
    )
    const after = await one.store.read(items.map(({ claim: _, ...item }) => item))
    assert.ok(after.results.every(({ holder, tokens }) => holder === undefined && tokens[3] === ''))
  },
} satisfies Record<string, Play>
