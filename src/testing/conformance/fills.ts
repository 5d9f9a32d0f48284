import assert from 'node:assert/strict'
import { newNonce, type Play, type Process } from './bench.ts'

const stamps = ['user:{id}', 'user:{id}|1']

/** Claims `user:1`, does something in between, and tells whether the fill was taken all the same. */
async function refusedAfter(
  one: Process,
  between: (nonce: string) => unknown,
): Promise<{ readonly stored: boolean; readonly visible: boolean }> {
  const nonce = newNonce()
  const granted = await one.read('user:1', nonce, { stamps })
  assert.equal(granted.claim, 'granted')
  await between(nonce)
  const stored = await one.fill('user:1', nonce, granted, { stamps })
  return { stored, visible: (await one.read('user:1', undefined, { stamps })).value !== undefined }
}

const refused = { stored: false, visible: false }

/** A value gets in only under its own claim and a vector that is still current. */
export const fillCases = {
  async fill_nothingHappened_isStored_once(bench) {
    const one = await bench.join()
    assert.deepEqual(await refusedAfter(one, () => {}), { stored: true, visible: true })
    const nonce = newNonce()
    const granted = await one.read('user:2', nonce)
    assert.equal(await one.fill('user:2', nonce, granted), true)
    assert.equal(await one.fill('user:2', nonce, granted), false)
  },

  async fill_anyStampOfTheVectorRotated_isRefused(bench) {
    const one = await bench.join()
    const other = await bench.join()
    for (const stamp of one.vector(...stamps)) {
      assert.deepEqual(await refusedAfter(one, () => other.rotate([stamp])), refused, stamp)
    }
  },

  async fill_rotatedAndCreatedAnew_isRefused(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const outcome = await refusedAfter(one, async () => {
      await other.rotate(stamps)
      await other.read('user:2', newNonce(), { stamps })
    })
    assert.deepEqual(outcome, refused)
  },

  async fill_strangersStampRotated_isStored(bench) {
    const one = await bench.join()
    const outcome = await refusedAfter(one, () => one.rotate(['user:{id}|2', 'order:*']))
    assert.deepEqual(outcome, { stored: true, visible: true })
  },

  async fill_stampEvicted_isRefused(bench) {
    const one = await bench.join()
    assert.deepEqual(await refusedAfter(one, () => bench.evict('user:{id}|1')), refused)
  },

  async fill_keyInvalidated_isRefused(bench) {
    const one = await bench.join()
    const other = await bench.join()
    assert.deepEqual(await refusedAfter(one, () => other.rotate([], ['user:1'])), refused)
  },

  async fill_underAnothersNonce_isRefused(bench) {
    const one = await bench.join()
    const granted = await one.read('user:1', newNonce(), { stamps })
    assert.equal(await one.fill('user:1', newNonce(), granted, { stamps }), false)
  },

  async fill_underAnotherEpoch_isRefused(bench) {
    const one = await bench.join()
    const nonce = newNonce()
    const granted = await one.read('user:1', nonce, { stamps })
    const epoch = [...granted.epoch].reverse().join('')
    assert.equal(await one.fill('user:1', nonce, { ...granted, epoch }, { stamps }), false)
  },

  async fill_everythingLost_isRefused(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const outcome = await refusedAfter(one, async () => {
      await bench.lose()
      await other.read('user:1', newNonce(), { stamps })
    })
    assert.deepEqual(outcome, refused)
  },

  async fill_withoutClaim_isRefused(bench) {
    const one = await bench.join()
    const known = await one.read('user:1', newNonce())
    assert.equal(await one.fill('user:2', newNonce(), known), false)
    assert.equal((await one.read('user:2')).value, undefined)
  },
} satisfies Record<string, Play>
