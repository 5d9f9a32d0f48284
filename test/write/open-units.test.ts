import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { OpenUnits } from '../../src/write/open-units.ts'
import { deferred } from '../support/caches.ts'

test('idle_waitsForTheLast_andAnEndCountsOnce', async () => {
  const units = new OpenUnits()
  await units.idle()
  const [one, other] = [{}, {}]
  units.begin(one)
  units.begin(other)
  let idle = false
  void units.idle().then(() => {
    idle = true
  })
  units.end(one)
  units.end(one)
  await settle()
  expect([units.count, idle]).toEqual([1, false])
  units.end(other)
  await settle()
  expect([units.count, idle]).toEqual([0, true])
})

test('during_countsUntilTheWorkHasEnded_evenInFailure', async () => {
  const units = new OpenUnits()
  const work = deferred<void>()
  const done = units.during(() => work.promise)
  expect(units.count).toBe(1)
  work.reject(new Error('broken'))
  await expect(done).rejects.toThrow('broken')
  expect(units.count).toBe(0)
})

test('unitThatNobodyHolds_isNotWaitedFor', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const units = new OpenUnits()
  const begin = () => units.begin({ rolledBack: 'without a word' })
  begin()
  for (let turn = 0; units.count > 0 && turn < 100; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  expect(units.count).toBe(0)
  await units.idle()
})
