import assert from 'node:assert/strict'
import { type Play, skeletonOf } from './bench.ts'

const DAYS = 86_400_000

/** Writers learn of every map that readers rely on; a map that was forgotten starts anew. */
export const registrationCases = {
  async maps_thatDiffer_areToldByEveryRotation_withTheirSkeletons(bench) {
    const old = await bench.join({ map: 'old' })
    const { maps: alone } = await old.rotate(['user:*'])
    assert.deepEqual(alone, ['old-------------'])
    const fresh = await bench.join({ map: 'new' })
    for (const writer of [old, fresh]) {
      const { maps } = await writer.rotate(['user:*'])
      assert.deepEqual([...maps].sort(), ['new-------------', 'old-------------'])
      assert.equal(await writer.store.skeleton('new-------------'), skeletonOf('new'))
      assert.equal(await writer.store.skeleton('old-------------'), skeletonOf('old'))
    }
    assert.equal(await old.store.skeleton('nobody----------'), undefined)
    const { maps } = await old.store.sweep([], old.cause())
    assert.equal(maps.length, 2)
  },

  async heartbeat_tellsPositionsAndRegistration(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const { positions } = await other.rotate(['user:*'])
    const beat = await one.store.heartbeat()
    assert.deepEqual(beat.positions, positions)
    assert.equal(beat.registrations.length, positions.length)
    assert.ok(beat.registrations.every((token) => token.length === 16))
    assert.deepEqual((await other.store.heartbeat()).registrations, beat.registrations)
    const { tokens } = await one.read('user:1')
    assert.ok(beat.registrations.includes(tokens[0] as string))
  },

  async registration_lost_returnsUnderANewToken(bench) {
    const one = await bench.join()
    await one.put('user:1')
    const before = await one.store.heartbeat()
    await bench.evict(one.registration)
    const after = await one.store.heartbeat()
    assert.ok(after.registrations.every((token) => token.length === 16))
    for (const token of before.registrations) assert.ok(!after.registrations.includes(token))
    assert.equal((await one.read('user:1')).value, undefined)
  },

  async registration_withoutSignOfLife_lapses_andReturnsUnderANewToken(bench) {
    const silent = await bench.join({ map: 'silent' })
    const writer = await bench.join({ map: 'writer' })
    await silent.put('user:1')
    const before = await silent.store.heartbeat()
    await bench.pass(3 * DAYS)
    await writer.store.heartbeat()
    const { maps } = await writer.rotate(['user:*'])
    assert.deepEqual(maps, ['writer----------'])
    const after = await silent.store.heartbeat()
    for (const token of before.registrations) assert.ok(!after.registrations.includes(token))
    assert.equal((await writer.rotate(['user:*'])).maps.length, 2)
    assert.equal(await writer.store.skeleton('silent----------'), skeletonOf('silent'))
  },

  async registration_ofABusyProcess_neverLapses(bench) {
    const beating = await bench.join({ map: 'beating' })
    const reading = await bench.join({ map: 'reading' })
    const before = await beating.store.heartbeat()
    for (let half = 0; half < 8; half++) {
      await bench.pass(0.6 * DAYS)
      await beating.store.heartbeat()
      await reading.read('user:1')
    }
    const { maps } = await beating.rotate(['user:*'])
    assert.equal(maps.length, 2)
    assert.deepEqual((await beating.store.heartbeat()).registrations, before.registrations)
    assert.equal(await beating.store.skeleton('beating---------'), skeletonOf('beating'))
    assert.equal(await beating.store.skeleton('reading---------'), skeletonOf('reading'))
  },

  async everythingLost_registersAnew(bench) {
    const one = await bench.join()
    const before = await one.store.heartbeat()
    await bench.lose()
    const after = await one.store.heartbeat()
    assert.notDeepEqual(after.registrations, before.registrations)
    assert.notEqual(after.positions[0]?.epoch, before.positions[0]?.epoch)
    assert.equal((await one.rotate(['user:*'])).maps.length, 1)
    assert.equal(await one.store.skeleton('one-------------'), skeletonOf('one'))
  },
} satisfies Record<string, Play>
