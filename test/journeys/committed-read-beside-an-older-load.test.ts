import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { heldLoader, openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

// A process loads a row. Another one writes and invalidates it, and the message of that is on its way when the first one
// reads 'committed'. Only the store's reply shows that the load which runs there is from before the write.
const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })

/** A load under way in the process `here`, and messages that do not arrive. */
async function loading() {
  const network = heldNetwork()
  const { fleet, clock } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [here, there] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  await settle()
  const older = heldLoader<string>()
  const first = here.get('row:1', older.load)
  const call = await older.call()
  network.hold('message')
  const land = async () => {
    call.resolve('old')
    expect(await first).toBe('old')
  }
  return { here, there, clock, land }
}

test('itsKeyWasNamed_theStampsAreCurrent_butTheClaimIsAnothers_soItsLoadIsNotShared', async () => {
  const { here, there, clock, land } = await loading()
  await there.invalidate({ keys: ['row:1'] })
  const newer = heldLoader<string>()
  const second = there.get('row:1', newer.load)
  const call = await newer.call()
  const read = here.get<string, string>('row:1', () => 'loaded', { freshness: 'committed' })
  await settle()
  await land()
  call.resolve('new')
  expect(await second).toBe('new')
  await clock.advance(10)
  expect(await read).toBe('new')
})

test('itsRowWasWritten_theClaimIsItsOwn_butTheStampsAreNotCurrent_soItsLoadIsNotShared', async () => {
  const { here, there, land } = await loading()
  await there.invalidate({ table: 't', operation: 'insert', rows: [{ id: 1 }] })
  const read = here.get<string, string>('row:1', () => 'new', { freshness: 'committed' })
  await settle()
  await land()
  expect(await read).toBe('new')
})
