import assert from 'node:assert/strict'
import type { LoadSource } from '../../core/load-source.ts'
import { keyStamp, type StampName } from '../../core/stamp.ts'
import { type Bench, newNonce, type Play, type Process } from './bench.ts'

const LAG_MS = 60_000
const ANY: LoadSource = { source: 'any', position: undefined }
const PRIMARY: LoadSource = { source: 'primary', position: undefined }
const at = (position: string): LoadSource => ({ source: 'primary', position })

/** A process of a namespace that has been watched for longer than replicas lag. */
async function settled(bench: Bench): Promise<Process> {
  const one = await bench.join({ replicaLagMs: LAG_MS })
  // Every partition watches from its first step on.
  await rotate(one, ['beginning'])
  await bench.pass(LAG_MS + 1_000)
  return one
}

function rotate(one: Process, stamps: readonly StampName[], position?: string) {
  return one.store.rotate({ stamps, keys: [], cause: one.cause(), position })
}

async function sourceOf(one: Process, ...stamps: readonly StampName[]): Promise<LoadSource> {
  return (await one.read('user:1', undefined, { stamps })).from
}

/** From where a load may read, where replicas of the database lag. */
export const replicaCases = {
  async source_withoutReplicas_isAny_whateverWasRotated(bench) {
    const one = await bench.join()
    await rotate(one, ['user:*'])
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
  },

  async source_whereNothingIsKnownYet_isThePrimary_untilReplicasHaveCaughtUp(bench) {
    const one = await bench.join({ replicaLagMs: LAG_MS })
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    await bench.pass(LAG_MS / 2)
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    await bench.pass(LAG_MS / 2 + 1_000)
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
  },

  async source_ofWhatWasRotatedLately_isThePrimary_ofTheRest_any(bench) {
    const one = await settled(bench)
    await rotate(one, ['user:*'])
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    assert.deepEqual(await sourceOf(one, 'order:*'), ANY)
    const claimed = await one.read('user:1', newNonce(), { stamps: ['user:*'] })
    assert.deepEqual([claimed.claim, claimed.from], ['granted', PRIMARY])
    const missing = await one.read('user:2', newNonce(), { stamps: ['user:*|7'] })
    assert.deepEqual([missing.claim, missing.from], ['granted', ANY])
    await bench.pass(LAG_MS - 1_000)
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    await bench.pass(2_000)
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
  },

  async source_forAnotherProcess_isTheSame(bench) {
    const one = await settled(bench)
    const other = await bench.join({ replicaLagMs: LAG_MS })
    await rotate(other, ['user:*'], '0000000000000005')
    assert.deepEqual(await sourceOf(one, 'user:*'), at('0000000000000005'))
    assert.deepEqual(await sourceOf(other, 'user:*'), at('0000000000000005'))
    assert.deepEqual(await sourceOf(other, 'order:*'), ANY)
  },

  async source_ofSeveralKeys_isJudgedForEach(bench) {
    const one = await settled(bench)
    await rotate(one, ['user:*'], '05')
    const { results } = await one.store.read(
      [['user:*'], ['order:*'], ['user:*', 'order:*']].map((stamps, number) => {
        const key = `key:${number}`
        return { key, shard: key, stamps: one.vector(...stamps) }
      }),
    )
    assert.deepEqual(
      results.map(({ from }) => from),
      [at('05'), ANY, at('05')],
    )
  },

  async position_isTheFurthestOfAllThatTheKeyHangsOn(bench) {
    const one = await settled(bench)
    await rotate(one, ['user:*'], '07')
    await rotate(one, ['user:*'], '05')
    await rotate(one, ['order:*'], '06')
    await rotate(one, ['page:*'], '10')
    assert.deepEqual(await sourceOf(one, 'user:*'), at('07'))
    assert.deepEqual(await sourceOf(one, 'order:*'), at('06'))
    assert.deepEqual(await sourceOf(one, 'user:*', 'order:*'), at('07'))
  },

  async position_isNotKnown_whileARotationWithoutOneIsRecent(bench) {
    const one = await settled(bench)
    await rotate(one, ['user:*', 'order:*'], '07')
    await rotate(one, ['user:*'])
    await rotate(one, ['user:*'], '08')
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    assert.deepEqual(await sourceOf(one, 'order:*'), at('07'))
    assert.deepEqual(await sourceOf(one, 'order:*', 'user:*'), PRIMARY)
    await bench.pass(LAG_MS - 10_000)
    // Before the one that was told last, but after that in the log.
    await rotate(one, ['user:*'], '06')
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    await bench.pass(20_000)
    assert.deepEqual((await sourceOf(one, 'user:*')).source, 'primary')
    await bench.pass(LAG_MS)
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
  },

  async source_isRemembered_forAsLongAsReplicasLag_whateverIsRotatedMeanwhile(bench) {
    const one = await settled(bench)
    await rotate(one, ['other:*'])
    await bench.pass(LAG_MS * 0.6)
    for (let round = 0; round < 6; round++) {
      const stamp = `round:${round}:*`
      await rotate(one, [stamp], `0${round}`)
      await bench.pass(LAG_MS * 0.45)
      await rotate(one, ['other:*'])
      assert.deepEqual(await sourceOf(one, stamp), at(`0${round}`))
      await bench.pass(LAG_MS * 0.45)
      await rotate(one, ['other:*'])
      assert.deepEqual(await sourceOf(one, stamp), at(`0${round}`))
      await bench.pass(LAG_MS * 0.2)
      assert.deepEqual(await sourceOf(one, stamp), ANY)
      assert.deepEqual(await sourceOf(one, 'other:*'), PRIMARY)
    }
  },

  async source_underASoftLock_isThePrimary_andAfterIt(bench) {
    const one = await bench.join({ replicaLagMs: LAG_MS, lockMs: 1_000 })
    await one.read('user:1')
    await bench.pass(LAG_MS + 1_000)
    await one.store.lock({ stamps: ['user:*'], lock: 'a lock', cause: one.cause() })
    const under = await one.read('user:1', undefined, { stamps: ['user:*'] })
    assert.deepEqual([under.locked, under.from.source], [true, 'primary'])
    await one.store.rotate({
      stamps: ['user:*'],
      keys: [],
      cause: one.cause(),
      lock: 'a lock',
      position: '07',
    })
    const after = await one.read('user:1', undefined, { stamps: ['user:*'] })
    assert.deepEqual([after.locked, after.from], [false, at('07')])
  },

  async source_afterASweep_isThePrimary_ofEverything(bench) {
    const one = await settled(bench)
    await rotate(one, ['user:*'], '07')
    await one.store.sweep([], one.cause())
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    assert.deepEqual(await sourceOf(one, 'order:*'), PRIMARY)
    await bench.pass(LAG_MS + 1_000)
    assert.deepEqual(await sourceOf(one, 'user:*', 'order:*'), ANY)
  },

  async source_ofAKeyWhoseValueWasReplaced_isThePrimary(bench) {
    const one = await settled(bench)
    const own = { stamps: [keyStamp('user:1')] }
    await one.put('user:1', own)
    assert.deepEqual(await sourceOf(one, ...own.stamps), ANY)
    const nonce = newNonce()
    const found = await one.read('user:1', nonce, { ...own, takeOver: true })
    assert.equal(await one.fill('user:1', nonce, found, { ...own, publish: true }), true)
    const next = await one.read('user:1', newNonce(), { ...own, takeOver: true })
    assert.deepEqual(next.from, PRIMARY)
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
    await bench.pass(LAG_MS + 1_000)
    assert.deepEqual(await sourceOf(one, ...own.stamps), ANY)
  },

  async source_ofAStampThatWasLost_isStillKnown(bench) {
    const one = await settled(bench)
    await one.put('user:1', { stamps: ['user:*'] })
    await rotate(one, ['order:*'])
    await bench.evict('user:*')
    await bench.evict('order:*')
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
    assert.deepEqual(await sourceOf(one, 'order:*'), PRIMARY)
  },

  async source_afterEverythingWasLost_isThePrimary(bench) {
    const one = await settled(bench)
    await rotate(one, ['user:*'], '07')
    await bench.lose()
    assert.deepEqual(await sourceOf(one, 'user:*'), PRIMARY)
    assert.deepEqual(await sourceOf(one, 'order:*'), PRIMARY)
  },

  async source_forAMapThatWasJustRegistered_isThePrimary(bench) {
    const one = await settled(bench)
    const fresh = await bench.join({ replicaLagMs: LAG_MS, map: 'new' })
    assert.deepEqual(await sourceOf(fresh, 'user:*'), PRIMARY)
    assert.deepEqual(await sourceOf(one, 'user:*'), ANY)
    await bench.pass(LAG_MS + 1_000)
    assert.deepEqual(await sourceOf(fresh, 'user:*'), ANY)
  },
} satisfies Record<string, Play>
