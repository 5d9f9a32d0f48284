import assert from 'node:assert/strict'
import { newNonce, type Play, place } from './bench.ts'

/** The right of one load to fill one key. */
export const claimCases = {
  async claim_nothingStored_isGranted_withStampsCreated(bench) {
    const one = await bench.join()
    const before = await one.read('user:1', undefined, { stamps: ['user:*'] })
    assert.deepEqual(
      [before.value, before.voided, before.claim, before.holder],
      [undefined, false, 'none', undefined],
    )
    assert.equal(before.tokens[2], '')

    const nonce = newNonce()
    const granted = await one.read('user:1', nonce, { stamps: ['user:*'] })
    assert.deepEqual([granted.claim, granted.holder, granted.value], ['granted', nonce, undefined])
    assert.ok(granted.tokens.every((token) => token.length === 16))
    assert.equal(new Set(granted.tokens).size, 3)

    const after = await one.read('user:1', undefined, { stamps: ['user:*'] })
    assert.deepEqual(after.tokens, granted.tokens)
    assert.deepEqual([after.claim, after.holder], ['none', nonce])
  },

  async claim_heldByAnother_isNotGranted(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const first = newNonce()
    const held = await one.read('user:1', first)
    const refused = await other.read('user:1', newNonce())
    assert.deepEqual([refused.claim, refused.holder, refused.tokens], ['held', first, held.tokens])
    assert.equal((await other.read('user:2', newNonce())).claim, 'granted')
  },

  async claim_fiftyAtOnce_isGrantedToOne(bench) {
    const fleet = [await bench.join(), await bench.join()]
    const found = await Promise.all(
      Array.from({ length: 50 }, (_, at) => (fleet[at % 2] ?? fleet[0])?.read('user:1', newNonce())),
    )
    const granted = found.filter((one) => one?.claim === 'granted')
    assert.equal(granted.length, 1)
    assert.equal(found.filter((one) => one?.claim === 'held').length, 49)
    assert.equal(new Set(found.map((one) => one?.holder)).size, 1)
  },

  async claim_takenOver_refusesTheFillOfTheFirst(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const before = await one.read('user:1', first)
    const after = await other.read('user:1', second, { takeOver: true })
    assert.deepEqual([after.claim, after.holder], ['granted', second])
    assert.equal(await one.fill('user:1', first, before), false)
    assert.equal(await other.fill('user:1', second, after), true)
  },

  async claim_validValueThere_isNotTaken_unlessOver(bench) {
    const one = await bench.join()
    await one.put('user:1')
    const hit = await one.read('user:1', newNonce())
    assert.ok(hit.value !== undefined)
    assert.deepEqual([hit.claim, hit.holder], ['none', undefined])
    const nonce = newNonce()
    const over = await one.read('user:1', nonce, { takeOver: true })
    assert.deepEqual([over.value, over.claim, over.holder], [undefined, 'granted', nonce])
    // The value stays for others until it is replaced.
    assert.ok((await one.read('user:1')).value !== undefined)
  },

  async claim_besideAValidValue_isTaken_theValueComesWithIt(bench) {
    const one = await bench.join()
    const other = await bench.join()
    await one.put('user:1')
    const [first, second] = [newNonce(), newNonce()]
    const granted = await one.read('user:1', first, { beside: true })
    assert.ok(granted.value !== undefined)
    assert.deepEqual([granted.claim, granted.holder], ['granted', first])
    const held = await other.read('user:1', second, { beside: true })
    assert.ok(held.value !== undefined)
    assert.deepEqual([held.claim, held.holder], ['held', first])
    // Who does not ask for it is answered as ever.
    assert.equal((await other.read('user:1', second)).claim, 'none')
    assert.equal(await one.fill('user:1', first, granted, { payload: 'newer' }), true)
    assert.equal((await other.read('user:1', second, { beside: true })).claim, 'granted')
  },

  async claim_besideAVoidValue_isTaken_withoutIt(bench) {
    const one = await bench.join()
    await one.put('user:1', { stamps: ['user:*'] })
    await one.rotate(['user:*'])
    const nonce = newNonce()
    const granted = await one.read('user:1', nonce, { stamps: ['user:*'], beside: true })
    assert.deepEqual([granted.value, granted.claim], [undefined, 'granted'])
    await one.rotate(['user:*'])
    assert.equal(await one.fill('user:1', nonce, granted, { stamps: ['user:*'] }), false)
  },

  async claim_underVoidVector_fallsToTheNext(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const before = await one.read('user:1', first, { stamps: ['user:*'] })
    await other.rotate(['user:*'])
    const after = await other.read('user:1', second, { stamps: ['user:*'] })
    assert.deepEqual([after.claim, after.holder], ['granted', second])
    assert.notEqual(after.tokens[2], before.tokens[2])
    assert.equal(await one.fill('user:1', first, before, { stamps: ['user:*'] }), false)
    assert.equal(await other.fill('user:1', second, after, { stamps: ['user:*'] }), true)
  },

  async claim_notRenewed_lapses(bench) {
    const one = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const before = await one.read('user:1', first, { ttlMs: 30_000 })
    await bench.pass(20_000)
    assert.equal((await one.read('user:1', second)).claim, 'held')
    await bench.pass(10_001)
    assert.equal(await one.fill('user:1', first, before), false)
    assert.equal((await one.read('user:1', second)).claim, 'granted')
  },

  async renew_byItsHolder_prolongs_byOthers_doesNot(bench) {
    const one = await bench.join()
    const nonce = newNonce()
    const granted = await one.read('user:1', nonce, { ttlMs: 30_000 })
    await bench.pass(20_000)
    assert.equal(await one.store.renew(place('user:1'), newNonce(), 90_000), false)
    assert.equal(await one.store.renew(place('user:1'), nonce, 30_000), true)
    await bench.pass(20_000)
    assert.equal((await one.read('user:1', newNonce())).holder, nonce)
    assert.equal(await one.fill('user:1', nonce, granted), true)
    assert.equal(await one.store.renew(place('user:1'), nonce, 30_000), false)
    assert.equal(await one.store.renew(place('user:2'), nonce, 30_000), false)
  },

  async release_byItsHolder_frees_byOthers_doesNot(bench) {
    const one = await bench.join()
    const nonce = newNonce()
    const granted = await one.read('user:1', nonce)
    await one.store.release(place('user:1'), newNonce())
    assert.equal((await one.read('user:1', newNonce())).holder, nonce)
    await one.store.release(place('user:1'), nonce)
    await one.store.release(place('user:1'), nonce)
    assert.equal(await one.fill('user:1', nonce, granted), false)
    assert.equal((await one.read('user:1', newNonce())).claim, 'granted')
  },
} satisfies Record<string, Play>
